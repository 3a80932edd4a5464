# cmake --install: the programs, libtl, its headers, and what find_package(tl) needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

list(TRANSFORM programs PREPEND tl- OUTPUT_VARIABLE program_targets)
set_target_properties(${program_targets} tl PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
set_target_properties(${program_targets} PROPERTIES INSTALL_RPATH $ORIGIN/../${CMAKE_INSTALL_LIBDIR})
install(TARGETS ${program_targets} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS tl EXPORT tl LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tl DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/configs/experiment.schema.json
        DESTINATION ${CMAKE_INSTALL_DATADIR}/tl)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tl)
install(EXPORT tl NAMESPACE tl:: FILE tlTargets.cmake DESTINATION ${package})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tlConfig.cmake.in
                              ${CMAKE_CURRENT_BINARY_DIR}/tlConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/tlConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/FindTorch.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tlConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tlConfigVersion.cmake DESTINATION ${package})
