#include "data/format.h"

#include "data/scratch.h"

namespace tl {
namespace {

using namespace std::string_literals;
using test::encoded;
using test::has;

cv::Mat noise(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  cv::RNG random(1);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  return image;
}

std::string big_endian_16(int value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string jpeg_of_size(int height, int width) {
  const std::string frame = "\xFF\xC0\x00\x0B\x08"s + big_endian_16(height) + big_endian_16(width);
  return "\xFF\xD8"s + frame + "\x01\x01\x11\x00"s + "\xFF\xD9"s;
}

}  // namespace

TEST_CASE("whole images have nothing against them") {
  for (const std::string extension : {".jpg", ".png", ".bmp", ".tiff", ".webp", ".ppm"}) {
    INFO(extension);
    CHECK(reason_against(encoded(extension, noise(20, 30))).empty());
  }
}

TEST_CASE("a JPEG or PNG cut anywhere is truncated") {
  for (const std::string extension : {".jpg", ".png"}) {
    const std::string whole = encoded(extension, noise(20, 30));
    for (std::size_t length = 8; length < whole.size(); length += 7) {
      INFO(extension << " cut to " << length);
      CHECK(has(reason_against(whole.substr(0, length)), "truncated"));
    }
  }
}

TEST_CASE("bytes behind the end of an image are legal, but are not its end") {
  const std::string whole = encoded(".jpg", noise(20, 30));
  CHECK(reason_against(whole + "more").empty());
  const std::string without_end = whole.substr(0, whole.size() - 2);
  CHECK(has(reason_against(without_end + "more"), "truncated"));
}

TEST_CASE("the end of an embedded thumbnail is not the end of the image") {
  const std::string whole = encoded(".jpg", noise(20, 30));
  const std::string thumbnail = "\xFF\xE1\x00\x06\xFF\xD8\xFF\xD9"s;
  const std::string with_thumbnail = whole.substr(0, 2) + thumbnail + whole.substr(2);
  CHECK(reason_against(with_thumbnail).empty());
  CHECK(has(reason_against(with_thumbnail.substr(0, 200)), "truncated"));
}

TEST_CASE("known formats that are not supported are named") {
  CHECK(reason_against("") == "is empty");
  CHECK(reason_against("GIF89a...") == "is a GIF, which is not supported");
  CHECK(reason_against("\0\0\0\x18"s + "ftypheic....") == "is a HEIC, which is not supported");
  CHECK(reason_against("\0\0\0\x18"s + "ftypavif....") == "is an AVIF, which is not supported");
  CHECK(reason_against("just text").empty());  // for the decoder to say
}

TEST_CASE("sizes that would fill the memory are refused from the header") {
  CHECK(has(reason_against(jpeg_of_size(20000, 20000)), "too large"));
  CHECK(has(reason_against(jpeg_of_size(10, 10000)), "too thin"));
  CHECK(reason_against(jpeg_of_size(4000, 6000)).empty());

  std::string png = encoded(".png", noise(4, 4));
  png[16] = png[20] = 1;  // the highest bytes of width and height
  CHECK(has(reason_against(png), "too large"));

  std::string bmp = encoded(".bmp", noise(4, 4));
  bmp[21] = bmp[25] = 1;
  CHECK(has(reason_against(bmp), "too large"));
}

TEST_CASE("PNG extras go, pixels and transparency stay") {
  std::string png = encoded(".png", noise(6, 5));
  const std::string original = png;
  const std::string text_chunk = "\0\0\0\x03tEXta\0b"s + "\0\0\0\0"s;
  png.insert(33, text_chunk);  // behind signature and IHDR
  drop_png_extras(png);
  CHECK(!has(png, "tEXt"));
  const cv::Mat before = cv::imdecode(
      cv::Mat(1, static_cast<int>(original.size()), CV_8U, const_cast<char*>(original.data())),
      cv::IMREAD_COLOR);
  const cv::Mat after =
      cv::imdecode(cv::Mat(1, static_cast<int>(png.size()), CV_8U, png.data()), cv::IMREAD_COLOR);
  CHECK(cv::norm(before, after, cv::NORM_INF) == 0);

  std::string jpeg = encoded(".jpg", noise(6, 5));
  const std::string same = jpeg;
  drop_png_extras(jpeg);
  CHECK(jpeg == same);
}

}  // namespace tl
