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

// The header alone, of the order that `magic` says.
std::string tiff_of_size(const std::string& magic, int height, int width) {
  const bool little = magic[0] == 'I';
  const auto number = [&](int value, int length) {
    std::string bytes;
    for (int i = 0; i < length; ++i)
      bytes += static_cast<char>(value >> 8 * (little ? i : length - 1 - i));
    return bytes;
  };
  const auto entry = [&](int tag, int value) {
    return number(tag, 2) + number(4, 2) + number(1, 4) + number(value, 4);
  };
  return magic + number(8, 4) + number(2, 2) + entry(256, width) + entry(257, height);
}

// An image that lies at (5, 5) of its reference grid, behind the boxes of a file's beginning.
std::string jpeg_2000_of_size(int height, int width) {
  const auto number = [](int value) {
    return big_endian_16(value >> 16) + big_endian_16(value & 0xFFFF);
  };
  return "\0\0\0\x0CjP  \r\n\x87\n"s + "\xFF\x4F\xFF\x51\0\x2F\0\0"s + number(width + 5) +
         number(height + 5) + number(5) + number(5);
}

bool is_size(const PixelSize& size, std::uint64_t width, std::uint64_t height) {
  return size.width == width && size.height == height;
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

TEST_CASE("a PNG cut anywhere is truncated") {
  const std::string whole = encoded(".png", noise(20, 30));
  for (std::size_t length = 8; length < whole.size(); length += 7) {
    INFO("cut to " << length);
    CHECK(has(reason_against(whole.substr(0, length)), "truncated"));
  }
}

TEST_CASE("bytes behind the end of a JPEG are legal, but are not its end") {
  const std::string whole = encoded(".jpg", noise(20, 30));
  CHECK(has_end_mark(whole + "more"));
  const std::string without_end = whole.substr(0, whole.size() - 2);
  CHECK_FALSE(has_end_mark(without_end + "more"));
}

TEST_CASE("the end of an embedded thumbnail is not the end of the image") {
  const std::string whole = encoded(".jpg", noise(20, 30));
  const std::string thumbnail = "\xFF\xE1\x00\x06\xFF\xD8\xFF\xD9"s;
  const std::string with_thumbnail = whole.substr(0, 2) + thumbnail + whole.substr(2);
  CHECK(has_end_mark(with_thumbnail));
  CHECK_FALSE(has_end_mark(with_thumbnail.substr(0, 200)));
}

TEST_CASE("known formats that are not supported are named") {
  CHECK(reason_against("") == "is empty");
  CHECK(reason_against("GIF89a...") == "is a GIF, which is not supported");
  CHECK(reason_against("\0\0\0\x18"s + "ftypheic....") == "is a HEIC, which is not supported");
  CHECK(reason_against("\0\0\0\x18"s + "ftypavif....") == "is an AVIF, which is not supported");
  CHECK(reason_against("II+\0....."s) == "is a BigTIFF, which is not supported");
  CHECK(reason_against("#?RADIANCE\n") == "is a Radiance HDR, which is not supported");
  CHECK(reason_against("PF\n3 4\n") == "is a PFM, which is not supported");
  CHECK(reason_against(std::string(128, '\0') + "DICM") == "is a DICOM, which is not supported");
  CHECK(reason_against("PK\x03\x04....") == "is a ZIP archive, which is not supported");
  CHECK(reason_against("<!DOCTYPE html><html>") == "is a web page, which is not supported");
  CHECK(reason_against("\xFF\x0A....") == "is a JPEG XL, which is not supported");
  CHECK(reason_against("just text") == "is no image of a supported format");
}

TEST_CASE("known codings that are not supported are named") {
  const auto jpeg = [](char marker, char bits, char channels) {
    const std::string frame = "\xFF"s + marker + "\x00\x0B"s + bits + "\0\x10\0\x10"s + channels;
    return reason_against("\xFF\xD8"s + frame + "\x01\x11\x00"s + "\xFF\xD9"s);
  };
  CHECK(jpeg('\xC0', 8, 1).empty());
  CHECK(jpeg('\xC1', 12, 1) == "is a JPEG of 12 bits a channel, which is not supported");
  CHECK(jpeg('\xC2', 12, 3) == "is a JPEG of 12 bits a channel, which is not supported");
  CHECK(jpeg('\xC0', 8, 5) == "is a JPEG of 5 channels, which is not supported");
  for (const char lossless : {'\xC3', '\xC7', '\xCB', '\xCF'})
    CHECK(jpeg(lossless, 16, 1) == "is a lossless JPEG, which is not supported");
  for (const char hierarchical : {'\xC5', '\xC6', '\xCD', '\xCE'})
    CHECK(jpeg(hierarchical, 8, 1) == "is a hierarchical JPEG, which is not supported");
  CHECK(jpeg('\xF7', 8, 1) == "is a JPEG-LS, which is not supported");

  std::string webp = "RIFF\x20\0\0\0WEBPVP8X\x0A\0\0\0"s + "\x02"s + std::string(9, '\0');
  CHECK(reason_against(webp) == "is an animated WebP, which is not supported");
  webp[20] = 0x10;  // an alpha channel
  CHECK(reason_against(webp).empty());
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

TEST_CASE("sizes that a TIFF or JPEG 2000 claims are refused too") {
  for (const std::string& magic : {"II*\0"s, "MM\0*"s}) {
    CHECK(has(reason_against(tiff_of_size(magic, 30000, 30000)), "too large: 30000 x 30000"));
    CHECK(has(reason_against(tiff_of_size(magic, 2, 30000)), "too thin: 30000 x 2"));
    CHECK(reason_against(tiff_of_size(magic, 300, 400)).empty());
  }
  CHECK(has(reason_against(jpeg_2000_of_size(30000, 30000)), "too large: 30000 x 30000"));
  CHECK(has(reason_against(jpeg_2000_of_size(2, 30000)), "too thin: 30000 x 2"));
  CHECK(reason_against(jpeg_2000_of_size(300, 400)).empty());
}

TEST_CASE("the size that a PNM file claims stands in digits") {
  CHECK(is_size(claimed_size("P6\n# a comment 1 2\n 300\t400 255\n"), 300, 400));
  CHECK(is_size(claimed_size("P5 12#x\n34"), 12, 34));
  CHECK(is_size(claimed_size("P4\n"), 0, 0));
  CHECK(is_size(claimed_size("P1 # no end"), 0, 0));
  CHECK(has(reason_against("P6 99999999999999999999 99999999999999999999 255\n"), "too large"));
}

TEST_CASE("of two sizes in one file the larger one counts") {
  const std::string large = jpeg_of_size(20000, 20000);
  const std::string small = jpeg_of_size(4, 4);
  const std::size_t header = small.find("\xFF\xC0");
  const std::string both = large.substr(0, large.size() - 2) + small.substr(header);
  CHECK(has(reason_against(both), "too large"));
}

TEST_CASE("a JPEG 2000 whose end lies before its beginning has no size") {
  std::string bytes = jpeg_2000_of_size(3, 4);
  bytes.replace(bytes.find("\xFF\x4F\xFF\x51") + 16, 4, "\xFF\xFF\xFF\xFF");
  CHECK(claimed_size(bytes).width == 0);
}

TEST_CASE("a header that points behind the end of its file claims nothing") {
  for (const std::string& header :
       {tiff_of_size("II*\0"s, 3, 4), jpeg_2000_of_size(3, 4), encoded(".bmp", noise(4, 4))}) {
    for (std::size_t length = 1; length < header.size(); ++length) {
      const std::string reason = reason_against(header.substr(0, length));
      CHECK((reason.empty() || has(reason, "supported format")));
    }
  }
  CHECK(is_size(claimed_size("II*\0\xFF\xFF\xFF\xFF"s), 0, 0));
}

TEST_CASE("the claimed size is that of the image") {
  for (const std::string extension : {".jpg", ".png", ".bmp", ".tiff", ".ppm"}) {
    INFO(extension);
    CHECK(is_size(claimed_size(encoded(extension, noise(20, 30))), 30, 20));
  }
  CHECK(is_size(claimed_size(jpeg_2000_of_size(20, 30)), 30, 20));
  CHECK(is_size(claimed_size(encoded(".webp", noise(20, 30))), 0, 0));
  CHECK(is_size(claimed_size("just text"), 0, 0));
}

TEST_CASE("a frame's header does not hide behind a marker without a body") {
  const std::string jpeg = jpeg_of_size(60000, 60000);
  const std::string hidden = jpeg.substr(0, 2) + "\xFF\x01" + jpeg.substr(2);
  CHECK(is_size(claimed_size(hidden), 60000, 60000));
  CHECK(has(reason_against(hidden), "is too large"));
}

}  // namespace tl
