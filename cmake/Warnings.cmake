# Warnings are errors in our own files; ccache where it is there; sanitizers where asked for.
add_library(tl_flags INTERFACE)
target_compile_options(tl_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                          -Woverloaded-virtual -Werror)
# GCC 12 sees overlapping copies in ordinary string concatenation (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tl_flags INTERFACE -Wno-restrict)
endif()
if(TL_SANITIZE)
  # vptr wants the type information of classes, which LibTorch does not export for all of its own.
  add_compile_options(-fsanitize=${TL_SANITIZE} -fno-sanitize=vptr -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TL_SANITIZE} -fno-sanitize=vptr)
  # GCC: with sanitizers the first warns of what is not so, and LibTorch uses fences, which
  # ThreadSanitizer does not know.
  target_compile_options(tl_flags INTERFACE
                         "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-tsan>")
endif()

# With paths relative to the repository, what one clone compiled serves another in another folder.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
