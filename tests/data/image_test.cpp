#include "tl/data/image.h"

#include "data/scratch.h"
#include "resource_limit.h"

#include <cstdlib>
#include <new>

namespace tl {
namespace {

using namespace std::string_literals;
using test::caught;
using test::encoded;
using test::has;
using test::Scratch;

// Red on the left, blue on the right (BGR).
cv::Mat red_and_blue() {
  cv::Mat image(16, 32, CV_8UC3, cv::Scalar(0, 0, 255));
  image(cv::Rect(16, 0, 16, 16)).setTo(cv::Scalar(255, 0, 0));
  return image;
}

void check_colour(const cv::Mat& image, int row, int column, const cv::Vec3b& rgb) {
  CHECK(cv::norm(image.at<cv::Vec3b>(row, column), rgb, cv::NORM_INF) <= 3);
}

InputSpec square(int size, int shorter_side) {
  InputSpec spec;
  spec.height = spec.width = size;
  spec.resize = shorter_side;
  return spec;
}

// The value of a pixel is its column.
cv::Mat ramp(int height, int width) {
  cv::Mat image(height, width, CV_8UC3);
  for (int x = 0; x < width; ++x)
    image.col(x).setTo(cv::Scalar::all(x));
  return image;
}

}  // namespace

TEST_CASE("colours come out as RGB") {
  const Scratch scratch;
  for (const std::string extension : {".jpg", ".png", ".bmp", ".tiff", ".webp", ".ppm"}) {
    INFO(extension);
    const auto path = scratch.write("image" + extension, encoded(extension, red_and_blue()));
    const cv::Mat image = decode_image(path);
    REQUIRE(image.size() == cv::Size(32, 16));
    REQUIRE(image.type() == CV_8UC3);
    check_colour(image, 8, 4, {255, 0, 0});
    check_colour(image, 8, 28, {0, 0, 255});
  }
}

TEST_CASE("grey, 16 bits and alpha become 8-bit RGB") {
  const Scratch scratch;
  const cv::Mat grey(6, 7, CV_8U, cv::Scalar(90));
  check_colour(decode_image(scratch.write("grey.png", encoded(".png", grey))), 3, 3, {90, 90, 90});

  const cv::Mat deep(6, 7, CV_16UC3, cv::Scalar(0x1000, 0x2000, 0x8000));
  check_colour(decode_image(scratch.write("deep.png", encoded(".png", deep))), 3, 3,
               {0x80, 0x20, 0x10});

  const cv::Mat clear(6, 7, CV_8UC4, cv::Scalar(10, 20, 200, 0));
  check_colour(decode_image(scratch.write("clear.png", encoded(".png", clear))), 3, 3,
               {200, 20, 10});
}

TEST_CASE("an image of one pixel is one") {
  const Scratch scratch;
  const cv::Mat pixel(1, 1, CV_8UC3, cv::Scalar(10, 20, 200));
  for (const std::string extension : {".jpg", ".png", ".bmp", ".tiff", ".webp", ".ppm"}) {
    INFO(extension);
    const cv::Mat image = decode_image(scratch.write("1" + extension, encoded(extension, pixel)));
    REQUIRE(image.size() == cv::Size(1, 1));
    check_colour(image, 0, 0, {200, 20, 10});
    CHECK(resize_and_center_crop(image, square(32, 36)).size() == cv::Size(32, 32));
  }
}

TEST_CASE("an image that is too thin is refused in any format") {
  const Scratch scratch;
  const cv::Mat thin(2, 16000, CV_8UC3, cv::Scalar::all(90));  // WebP takes no more
  for (const std::string extension : {".jpg", ".png", ".bmp", ".tiff", ".webp", ".ppm"}) {
    INFO(extension);
    const auto path = scratch.write("thin" + extension, encoded(extension, thin));
    CHECK(has(caught([&] { decode_image(path); }).what(), "is too thin: 16000 x 2 pixels"));
  }
}

TEST_CASE("a JPEG can be decoded at an eighth of its size") {
  const Scratch scratch;
  const cv::Mat image = decode_image(scratch.write("a.jpg", encoded(".jpg", red_and_blue())), 2);
  CHECK(image.size() == cv::Size(4, 2));
}

TEST_CASE("what is no image says why") {
  const Scratch scratch;
  const std::string jpeg = encoded(".jpg", red_and_blue());
  const auto reason = [&](const std::string& bytes) {
    const auto path = scratch.write("bad.jpg", bytes);
    const Error error = caught([&] { decode_image(path); });
    CHECK(error.code() == ExitCode::data);
    CHECK(error.where() == path.string());
    return std::string(error.what());
  };
  CHECK(reason("") == "the file is empty");
  CHECK(has(reason("some text"), "is no image"));
  CHECK(reason("GIF89a, really") == "the file is a GIF, which is not supported");
  CHECK(has(reason(jpeg.substr(0, jpeg.size() / 2)), "truncated"));
  CHECK(has(reason(jpeg.substr(0, 2) + "\xFF\xD9"s), "is no image"));
}

#ifdef TL_MEMORY_CAN_BE_LIMITED
TEST_CASE("an image that there is no memory for is not called bad") {
  const Scratch scratch;
  const auto path =
      scratch.write("large.png", encoded(".png", cv::Mat::zeros(9000, 9000, CV_8UC3)));
  const auto limit = little_memory(std::size_t{100} << 20);  // it takes 243 MB
  CHECK_THROWS_AS(decode_image(path), std::bad_alloc);
}
#endif

TEST_CASE("a damaged PNG says why, and may lie on its side") {
  const Scratch scratch;
  std::string png = encoded(".png", ramp(40, 60));
  std::string damaged = png;
  damaged[damaged.size() / 2] ^= 1;
  CHECK(has(caught([&] { decode_image(scratch.write("a.png", damaged)); }).what(), "damaged ("));

  const std::string exif = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"s;
  const std::string chunk =
      "\0\0\0\x16"
      "eXIf"s +
      exif + "\x39\x2F\xA3\x52"s;
  png.insert(33, chunk);  // behind signature and IHDR
  CHECK(decode_image(scratch.write("b.png", png)).size() == cv::Size(40, 60));
}

TEST_CASE("a path that leads to no file is an error") {
  const Scratch scratch;
  CHECK(caught([&] { decode_image(scratch.folder()); }).code() == ExitCode::data);
  CHECK(caught([&] { decode_image(scratch.folder() / "none.jpg"); }).code() == ExitCode::data);
}

TEST_CASE("the centre crop takes the middle, rounding as Python does") {
  // 9 columns, 4 wanted: (9 - 4) / 2 = 2.5, to the even 2. 11 columns: 3.5, to the even 4.
  CHECK(resize_and_center_crop(ramp(4, 9), square(4, 4)).at<cv::Vec3b>(0, 0)[0] == 2);
  CHECK(resize_and_center_crop(ramp(4, 11), square(4, 4)).at<cv::Vec3b>(0, 0)[0] == 4);
}

TEST_CASE("the shorter side is resized, the longer one follows") {
  const cv::Mat image = resize_and_center_crop(ramp(100, 200), square(40, 50));
  REQUIRE(image.size() == cv::Size(40, 40));
  // 200 columns become 100, of which those from 30 to 69 stay; column c covers 2c and 2c + 1.
  CHECK(image.at<cv::Vec3b>(20, 0)[0] == Approx(60.5).margin(1));
  CHECK(image.at<cv::Vec3b>(20, 39)[0] == Approx(138.5).margin(1));
}

TEST_CASE("a crop larger than the image is filled with black") {
  cv::Mat white(10, 10, CV_8UC3, cv::Scalar::all(255));
  const cv::Mat image = resize_and_center_crop(white, square(13, 10));
  REQUIRE(image.size() == cv::Size(13, 13));
  CHECK(image.at<cv::Vec3b>(0, 6)[0] == 0);
  CHECK(image.at<cv::Vec3b>(1, 1)[0] == 255);  // 3 / 2 = 1 in front
  CHECK(image.at<cv::Vec3b>(10, 10)[0] == 255);
  CHECK(image.at<cv::Vec3b>(11, 11)[0] == 0);  // 2 behind
}

}  // namespace tl
