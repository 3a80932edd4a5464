#include "eval/thumbnail.h"

#include "catch.h"
#include "temporary_folder.h"

#include <opencv2/imgcodecs.hpp>

#include <cstdlib>
#include <fstream>
#include <vector>

using namespace tl;
namespace fs = std::filesystem;

namespace {

std::vector<unsigned char> from_base64(const std::string& text) {
  std::vector<unsigned char> bytes;
  unsigned bits = 0;
  int held = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int value = c >= 'a'   ? c - 'a' + 26
                      : c >= 'A' ? c - 'A'
                      : c == '+' ? 62
                      : c == '/' ? 63
                                 : c - '0' + 52;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xFFFFU;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<unsigned char>(bits >> held & 0xFFU));
  }
  return bytes;
}

cv::Mat picture_in(const std::string& uri) {
  const std::string prefix = "data:image/jpeg;base64,";
  REQUIRE(uri.substr(0, prefix.size()) == prefix);
  return cv::imdecode(from_base64(uri.substr(prefix.size())), cv::IMREAD_COLOR);
}

}  // namespace

TEST_CASE("base64 by the test vectors of RFC 4648") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xfb\xff\xfe") == "+//+");
}

TEST_CASE("a thumbnail keeps shape and colour") {
  const TemporaryFolder folder;
  const fs::path file = folder / "wide.png";
  cv::imwrite(file.string(), cv::Mat(200, 400, CV_8UC3, cv::Scalar(10, 20, 240)));
  const cv::Mat small = picture_in(thumbnail_uri(file, 160));
  CHECK(small.cols == 160);
  CHECK(small.rows == 80);
  const auto pixel = small.at<cv::Vec3b>(40, 80);
  CHECK(std::abs(pixel[0] - 10) < 8);
  CHECK(std::abs(pixel[2] - 240) < 8);
}

TEST_CASE("a small image is not enlarged, and a hair stays one pixel wide") {
  const TemporaryFolder folder;
  cv::imwrite((folder / "small.png").string(), cv::Mat::zeros(20, 30, CV_8UC3));
  CHECK(picture_in(thumbnail_uri(folder / "small.png", 160)).cols == 30);
  cv::imwrite((folder / "hair.png").string(), cv::Mat::zeros(1, 1000, CV_8UC3));
  CHECK(picture_in(thumbnail_uri(folder / "hair.png", 160)).rows == 1);
}

TEST_CASE("what is no image gives nothing") {
  const TemporaryFolder folder;
  CHECK(thumbnail_uri(folder / "absent.jpg", 160).empty());
  CHECK(thumbnail_uri(folder.path(), 160).empty());
  std::ofstream(folder / "fake.jpg") << "no picture";
  CHECK(thumbnail_uri(folder / "fake.jpg", 160).empty());
}
