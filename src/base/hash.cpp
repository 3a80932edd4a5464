#include "tl/base/hash.h"

#include "tl/base/files.h"

#include <xxhash.h>

#include <cerrno>
#include <cstdio>
#include <memory>

namespace tl {
namespace {

Digest to_digest(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  return std::to_array(bytes.digest);
}

}  // namespace

Digest digest(std::string_view bytes) {
  return to_digest(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string hexadecimal(const Digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string content_hash(std::string_view bytes) {
  return hexadecimal(digest(bytes));
}

std::string file_hash(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  char buffer[1 << 16];
  std::size_t n = 0;
  while (file && (n = std::fread(buffer, 1, sizeof buffer, file.get())) > 0) {
    XXH3_128bits_update(state.get(), buffer, n);
  }
  if (!file || std::ferror(file.get())) {
    throw_system_error(ExitCode::data, "can't read the file", path, errno);
  }
  return hexadecimal(to_digest(XXH3_128bits_digest(state.get())));
}

std::uint64_t hash64(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace tl
