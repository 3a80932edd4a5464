// Files that are either whole or absent.
#pragma once

#include "tl/base/error.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace tl {

// The whole file. Throws Error(code) where it can't be read.
std::string read_file(const std::filesystem::path& path, ExitCode code);

// Writes beside the target under a temporary name, syncs, and renames, so that a reader or a crash
// never sees half a file. Throws Error(training) where the disk refuses.
void write_file(const std::filesystem::path& path, std::string_view bytes);

// The same, but what stood there is kept as `previous`: at any moment one of the two is whole, and
// where the disk refuses, the old file stays.
void replace_file(const std::filesystem::path& path, const std::filesystem::path& previous,
                  std::string_view bytes);

// A file that the above had not finished when its process was killed.
bool is_temporary(const std::filesystem::path& file);
void remove_temporary_files(const std::filesystem::path& folder);

// Makes the folder, and proves by a trial file that it can be written.
// Throws Error(usage) where it can't.
void make_writable_folder(const std::filesystem::path& folder);

}  // namespace tl
