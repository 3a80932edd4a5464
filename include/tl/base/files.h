// Files that are either whole or absent.
#pragma once

#include "tl/base/error.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace tl {

// "WHAT: message of the errno", with what can be done about it: an Error(code), but Error(training)
// where the machine has no more memory, disk or open files, since that says nothing about the file.
[[noreturn]] void throw_system_error(ExitCode code, const std::string& what,
                                     const std::filesystem::path& where, int error);

// The whole file. Throws as throw_system_error does where it can't be read.
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
// Those of a folder that were last written so long ago: none of a live process, where others write
// into the folder too.
void remove_temporary_files(const std::filesystem::path& folder,
                            std::chrono::seconds age = std::chrono::seconds(0));

// Makes the folder, and proves by a trial file that it can be written.
// Throws Error(usage) where it can't, Error(training) where the disk is full.
void make_writable_folder(const std::filesystem::path& folder);

}  // namespace tl
