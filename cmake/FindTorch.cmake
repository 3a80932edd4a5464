# LibTorch, from a libtorch folder or from PyTorch's wheel: Torch_DIR, the folder of its
# TorchConfig.cmake, says where. That file is not used, since in a CUDA build it demands the CUDA
# toolkit, which nothing here compiles with. Sets TORCH_INCLUDE_DIRS and TORCH_LIBRARIES.
if(NOT Torch_DIR)
  set(Torch_DIR $ENV{Torch_DIR})
endif()
if(NOT Torch_DIR)
  file(GLOB Torch_DIR ${CMAKE_SOURCE_DIR}/.venv/lib/python3.*/site-packages/torch/share/cmake/Torch)
endif()
set(Torch_DIR ${Torch_DIR} CACHE PATH "Folder of LibTorch's TorchConfig.cmake" FORCE)
get_filename_component(torch_root "${Torch_DIR}/../../.." ABSOLUTE)

if(EXISTS ${Torch_DIR}/TorchConfigVersion.cmake)
  include(${Torch_DIR}/TorchConfigVersion.cmake)
  set(Torch_VERSION ${PACKAGE_VERSION})
endif()
set(torch_api ${torch_root}/include/torch/csrc/api/include)
if(EXISTS ${torch_api}/torch/torch.h)
  set(TORCH_INCLUDE_DIRS ${torch_root}/include ${torch_api})
endif()
set(TORCH_LIBRARIES "")
foreach(library torch torch_cpu c10)
  find_library(torch_${library} ${library} PATHS ${torch_root}/lib NO_DEFAULT_PATH NO_CACHE)
  list(APPEND TORCH_LIBRARIES ${torch_${library}})
endforeach()
# Nothing refers to it by name: being loaded is what makes its operations known.
find_library(torch_cuda torch_cuda PATHS ${torch_root}/lib NO_DEFAULT_PATH NO_CACHE)
if(torch_cuda)
  list(APPEND TORCH_LIBRARIES -Wl,--no-as-needed ${torch_cuda} -Wl,--as-needed)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Torch REQUIRED_VARS torch_torch_cpu TORCH_INCLUDE_DIRS
                                  VERSION_VAR Torch_VERSION)
