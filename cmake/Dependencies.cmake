find_package(Torch 2.13)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "LibTorch 2.13 or newer was not found. Run scripts/setup, or pass "
                      "-DTorch_DIR=/path/to/libtorch/share/cmake/Torch.")
endif()

# The fast engine for frozen layers on CPUs: OpenVINO's C++ files are in its Python wheel.
option(TL_WITH_OPENVINO "Use OpenVINO where it is found" ON)
if(TL_WITH_OPENVINO)
  file(GLOB openvino_wheel ${CMAKE_SOURCE_DIR}/.venv/lib/python3.*/site-packages/openvino/cmake)
  find_package(OpenVINO QUIET COMPONENTS Runtime PyTorch HINTS ${openvino_wheel})
  message(STATUS "OpenVINO: ${OpenVINO_VERSION}")
endif()

find_package(OpenCV 4.5 REQUIRED COMPONENTS core imgproc imgcodecs)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(TIFF REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(spdlog 1.9 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(Threads REQUIRED)

find_path(UTF8PROC_INCLUDE utf8proc.h REQUIRED)
find_library(UTF8PROC_LIBRARY utf8proc REQUIRED)
add_library(tl_utf8proc INTERFACE)
target_include_directories(tl_utf8proc SYSTEM INTERFACE ${UTF8PROC_INCLUDE})
target_link_libraries(tl_utf8proc INTERFACE ${UTF8PROC_LIBRARY})

find_path(XXHASH_INCLUDE xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
add_library(tl_xxhash INTERFACE)
target_include_directories(tl_xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE})
target_link_libraries(tl_xxhash INTERFACE ${XXHASH_LIBRARY})

# OpenCV's own targets carry no include folders that are marked as system's.
add_library(tl_opencv INTERFACE)
target_include_directories(tl_opencv SYSTEM INTERFACE ${OpenCV_INCLUDE_DIRS})
target_link_libraries(tl_opencv INTERFACE ${OpenCV_LIBS})

add_library(tl_torch INTERFACE)
target_include_directories(tl_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(tl_torch INTERFACE ${TORCH_LIBRARIES})
