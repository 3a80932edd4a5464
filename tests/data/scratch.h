// What the tests of this room share: a folder that goes away, small images, caught errors.
#pragma once

#include "catch.h"
#include "temporary_folder.h"
#include "tl/base/error.h"
#include "tl/base/hash.h"

#include <opencv2/imgcodecs.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace tl::test {

class Scratch : public TemporaryFolder {
 public:
  const std::filesystem::path& folder() const { return path(); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::filesystem::path file = path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }
};

// The file's bytes; `image` in OpenCV's order (BGR).
inline std::string encoded(const std::string& extension, const cv::Mat& image) {
  std::vector<unsigned char> bytes;
  cv::imencode(extension, image, bytes);
  return {bytes.begin(), bytes.end()};
}

inline std::string plain_png(int shade = 100) {
  return encoded(".png", cv::Mat(8, 10, CV_8UC3, cv::Scalar::all(shade)));
}

// A class folder of n images, which are in no other folder.
inline void add_images(const Scratch& scratch, const std::string& folder, int n) {
  const std::uint64_t hash = hash64(folder);
  for (int i = 0; i < n; ++i) {
    const cv::Scalar colour(i, static_cast<double>(hash & 255), static_cast<double>(hash >> 56));
    scratch.write(folder + "/" + std::to_string(i) + ".png",
                  encoded(".png", cv::Mat(8, 10, CV_8UC3, colour)));
  }
}

// The error that `action` throws; fails the test where it throws none.
inline Error caught(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no tl::Error was thrown");
  throw std::logic_error("FAIL has thrown");
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace tl::test
