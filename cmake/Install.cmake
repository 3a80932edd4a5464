# cmake --install: the programs, libtl, its headers, and all that find_package(tl) needs. LibTorch
# and OpenVINO from .venv come along, headers of the former too, since libtl's own include them.
# They lie below lib/tl as in their wheels, which is how their libraries find each other. A LibTorch
# or an OpenVINO from elsewhere stays where it is.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(venv ${PROJECT_SOURCE_DIR}/.venv)
set(bundle ${CMAKE_INSTALL_LIBDIR}/tl)

function(tl_install_licences site_packages package)
  file(GLOB licences ${site_packages}/${package}*.dist-info/licenses)
  foreach(folder ${licences})
    string(REGEX REPLACE "^.*/([^/]+)-[^/]*\\.dist-info/.*$" "\\1" name ${folder})
    install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/licences/${name})
  endforeach()
endfunction()

cmake_path(IS_PREFIX venv ${torch_root} comes_along)
if(comes_along)
  set(libtorch ${bundle}/torch)
  list(APPEND runpath $ORIGIN/tl/torch/lib)
  install(DIRECTORY ${torch_root}/lib DESTINATION ${libtorch} FILES_MATCHING PATTERN "*.so*"
          PATTERN "libtorch_python*" EXCLUDE PATTERN "libshm*" EXCLUDE)
  install(DIRECTORY ${torch_root}/include DESTINATION ${libtorch} MESSAGE_NEVER)
  get_filename_component(site_packages ${torch_root} DIRECTORY)
  tl_install_licences(${site_packages} torch-)
  if(torch_cuda AND EXISTS ${site_packages}/nvidia) # what a wheel with CUDA loads from beside it
    install(DIRECTORY ${site_packages}/nvidia DESTINATION ${bundle}
            FILES_MATCHING PATTERN "*.so*")
    tl_install_licences(${site_packages} nvidia_)
  endif()
else()
  set(libtorch ${torch_root})
  install(CODE "message(STATUS \"LibTorch is not copied; it is expected in ${torch_root}\")")
endif()

if(OpenVINO_FOUND)
  get_target_property(openvino openvino::runtime LOCATION)
  get_filename_component(openvino ${openvino} DIRECTORY)
  cmake_path(IS_PREFIX venv ${openvino} comes_along)
  if(comes_along)
    list(APPEND runpath $ORIGIN/tl/openvino/libs)
    install(DIRECTORY ${openvino} DESTINATION ${bundle}/openvino FILES_MATCHING
            PATTERN "libopenvino.so*" PATTERN "libopenvino_pytorch_frontend.so*"
            PATTERN "libopenvino_*_cpu_plugin.so" PATTERN "libtbb*.so*" PATTERN "libhwloc.so*")
    tl_install_licences(${openvino}/../.. openvino-)
  else()
    install(CODE "message(STATUS \"OpenVINO is not copied; it is expected in ${openvino}\")")
  endif()
endif()

list(TRANSFORM programs PREPEND tl- OUTPUT_VARIABLE program_targets)
set_target_properties(${program_targets} tl PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
set_target_properties(tl PROPERTIES INSTALL_RPATH "${runpath}")
list(TRANSFORM runpath REPLACE "^.ORIGIN" "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
set_target_properties(${program_targets} PROPERTIES
                      INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR};${runpath}")
install(TARGETS ${program_targets} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS tl EXPORT tl LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tl DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/configs/experiment.schema.json
        DESTINATION ${CMAKE_INSTALL_DATADIR}/tl)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tl)
install(EXPORT tl NAMESPACE tl:: FILE tlTargets.cmake DESTINATION ${package})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tlConfig.cmake.in
                              ${CMAKE_CURRENT_BINARY_DIR}/tlConfig.cmake
                              INSTALL_DESTINATION ${package} PATH_VARS libtorch)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/tlConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tlConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tlConfigVersion.cmake DESTINATION ${package})
