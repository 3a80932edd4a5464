#include "source_folder.h"

// Here alone, so that no other test is compiled anew where the repository stands elsewhere.
std::filesystem::path source_folder() {
  return TL_SOURCE_DIR;
}
