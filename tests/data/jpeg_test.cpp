#include "data/jpeg.h"

#include "data/scratch.h"
#include "resource_limit.h"

#include <opencv2/imgproc.hpp>

#include <cstdio>
#include <cstdlib>
#include <jpeglib.h>
#include <limits>
#include <new>

namespace tl {
namespace {

using namespace std::string_literals;
using test::encoded;

constexpr int whole = std::numeric_limits<int>::max();

// Of odd sides, and with everything that a decoder could round.
std::string photograph(int type) {
  cv::Mat image(75, 101, type);
  cv::RNG random(1);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  cv::blur(image, image, {5, 5});
  return encoded(".jpg", image);
}

cv::Mat by_opencv(const std::string& bytes, int flags) {
  cv::Mat image = cv::imdecode(std::vector<char>(bytes.begin(), bytes.end()), flags);
  cv::cvtColor(image, image, cv::COLOR_BGR2RGB);
  return image;
}

bool same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

std::string number_16(int value, bool little) {
  const char high = static_cast<char>(value >> 8), low = static_cast<char>(value);
  return little ? std::string{low, high} : std::string{high, low};
}

// The JPEG with an EXIF segment that says how it is to be turned, and that it was taken at night.
std::string with_orientation(const std::string& jpeg, int orientation, bool little) {
  const auto two = [&](int value) { return number_16(value, little); };
  const auto four = [&](int value) { return little ? two(value) + two(0) : two(0) + two(value); };
  const std::string body = "Exif\0\0"s + (little ? "II" : "MM") + two(42) + four(8) + two(2) +
                           two(274) + two(3) + four(1) + two(orientation) + two(0) +  // a short
                           two(0x9208) + two(3) + four(1) + two(4) + two(0) + four(0);
  return jpeg.substr(0, 2) + "\xFF\xE1" + number_16(static_cast<int>(body.size()) + 2, false) +
         body + jpeg.substr(2);
}

// One colour; 255 is no ink.
std::string cmyk_jpeg(const cv::Vec4b& inks) {
  constexpr unsigned side = 16;
  cv::Mat row(1, side, CV_8UC4, inks);
  jpeg_error_mgr errors;
  jpeg_compress_struct info{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = info.image_height = side;
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  jpeg_start_compress(&info, TRUE);
  JSAMPROW data = row.ptr();
  for (unsigned y = 0; y < side; ++y)
    jpeg_write_scanlines(&info, &data, 1);
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string jpeg(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return jpeg;
}

// Its last scan comes so many times.
std::string with_scans(const std::string& progressive, int times) {
  const std::size_t scan = progressive.rfind("\xFF\xDA");
  const std::size_t end = progressive.rfind("\xFF\xD9");
  std::string jpeg = progressive.substr(0, scan);
  for (int i = 0; i < times; ++i)
    jpeg += progressive.substr(scan, end - scan);
  return jpeg + progressive.substr(end);
}

}  // namespace

TEST_CASE("a JPEG gives OpenCV's pixels, at each of its sizes") {
  for (const int type : {CV_8UC3, CV_8UC1}) {
    const std::string jpeg = photograph(type);
    CHECK(same(decode_jpeg(jpeg, whole).image, by_opencv(jpeg, cv::IMREAD_COLOR)));
    CHECK(same(decode_jpeg(jpeg, 38).image,
               by_opencv(jpeg, cv::IMREAD_COLOR)));  // a half is too small
    CHECK(same(decode_jpeg(jpeg, 37).image, by_opencv(jpeg, cv::IMREAD_REDUCED_COLOR_2)));
    CHECK(same(decode_jpeg(jpeg, 18).image, by_opencv(jpeg, cv::IMREAD_REDUCED_COLOR_4)));
    CHECK(same(decode_jpeg(jpeg, 1).image, by_opencv(jpeg, cv::IMREAD_REDUCED_COLOR_8)));
  }
}

TEST_CASE("a JPEG is turned as OpenCV turns it") {
  const std::string jpeg = photograph(CV_8UC3);
  for (const bool little : {false, true}) {
    for (int orientation = 0; orientation <= 9; ++orientation) {
      INFO("orientation " << orientation);
      const std::string turned = with_orientation(jpeg, orientation, little);
      CHECK(same(decode_jpeg(turned, whole).image, by_opencv(turned, cv::IMREAD_COLOR)));
    }
    const std::string halved = with_orientation(jpeg, 6, little);
    CHECK(same(decode_jpeg(halved, 37).image, by_opencv(halved, cv::IMREAD_REDUCED_COLOR_2)));
  }
}

TEST_CASE("inks become colours") {
  const auto colour = [](const cv::Vec4b& inks) {
    return decode_jpeg(cmyk_jpeg(inks), whole).image.at<cv::Vec3b>(8, 8);
  };
  CHECK(cv::norm(colour({255, 255, 255, 255}), cv::Vec3b(255, 255, 255), cv::NORM_INF) <= 3);
  CHECK(cv::norm(colour({0, 128, 255, 255}), cv::Vec3b(0, 128, 255), cv::NORM_INF) <= 3);
  CHECK(cv::norm(colour({0, 128, 255, 128}), cv::Vec3b(0, 64, 128), cv::NORM_INF) <= 3);
  CHECK(cv::norm(colour({255, 255, 255, 0}), cv::Vec3b(0, 0, 0), cv::NORM_INF) <= 3);
}

TEST_CASE("a damaged JPEG gives nothing") {
  const std::string jpeg = photograph(CV_8UC3);
  CHECK(decode_jpeg("", whole).image.empty());
  CHECK(decode_jpeg("\xFF\xD8\xFF\xD9", whole).image.empty());
  std::string without_tables = jpeg;
  without_tables[without_tables.find("\xFF\xDB") + 1] = '\xFE';  // now a comment
  CHECK(decode_jpeg(without_tables, whole).image.empty());
  const std::size_t marker = jpeg.find("\xFF\xC0");
  CHECK_FALSE(
      decode_jpeg(std::string(jpeg).insert(marker, "abc"), whole).image.empty());  // a warning
  CHECK(
      decode_jpeg(without_tables.insert(marker, "abc"), whole).image.empty());  // one, and an error
}

TEST_CASE("a JPEG that lacks only its end mark is an image, one that lacks more is none") {
  const std::string baseline = photograph(CV_8UC3);
  std::vector<unsigned char> bytes;
  cv::imencode(".jpg", by_opencv(baseline, cv::IMREAD_COLOR), bytes,
               {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  const std::string progressive(bytes.begin(), bytes.end());
  for (const std::string& jpeg : {baseline, progressive}) {
    const cv::Mat image = decode_jpeg(jpeg, whole).image;
    CHECK_FALSE(decode_jpeg(jpeg, whole).lacks_end);
    for (const std::size_t missing : {1, 2}) {
      const Decoded unended = decode_jpeg(jpeg.substr(0, jpeg.size() - missing), whole);
      CHECK(unended.lacks_end);
      CHECK(same(unended.image, image));
    }
    for (std::size_t missing = 10; missing + 3 < jpeg.size(); missing += 37) {
      INFO("without " << missing << " of " << jpeg.size());
      const Decoded cut = decode_jpeg(jpeg.substr(0, jpeg.size() - missing), 1);
      CHECK(cut.image.empty());
      CHECK(cut.reason == "is truncated: the end of the image is missing");
    }
  }
  const std::size_t last_scan = progressive.rfind("\xFF\xDA");
  CHECK(decode_jpeg(progressive.substr(0, last_scan), whole).image.empty());
}

TEST_CASE("the EXIF data that come first count") {
  const std::string jpeg = photograph(CV_8UC3);
  const std::string twice = with_orientation(with_orientation(jpeg, 1, true), 6, true);
  CHECK(decode_jpeg(twice, whole).image.size() == cv::Size(75, 101));
  const std::string nothing_first = with_orientation(with_orientation(jpeg, 6, true), 0, true);
  CHECK(decode_jpeg(nothing_first, whole).image.size() == cv::Size(75, 101));
}

#ifdef TL_MEMORY_CAN_BE_LIMITED
TEST_CASE("a JPEG that there is no memory for is not called bad") {
  std::vector<unsigned char> bytes;
  const cv::Mat large = cv::Mat::zeros(9000, 9000, CV_8UC3);
  cv::imencode(".jpg", large, bytes, {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  const std::string jpeg(bytes.begin(), bytes.end());
  const auto limit = little_memory(std::size_t{100} << 20);
  CHECK_THROWS_AS(decode_jpeg(jpeg, 1).image,
                  std::bad_alloc);  // in libjpeg: 486 MB of coefficients
}
#endif

TEST_CASE("a JPEG with scans without end gives nothing") {
  std::vector<unsigned char> bytes;
  cv::imencode(".jpg", cv::Mat(32, 32, CV_8UC3, cv::Scalar(10, 90, 200)), bytes,
               {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  const std::string progressive(bytes.begin(), bytes.end());
  CHECK_FALSE(decode_jpeg(with_scans(progressive, 2), whole).image.empty());
  CHECK(decode_jpeg(with_scans(progressive, 1000), whole).image.empty());
}

}  // namespace tl
