#include "data/tiff.h"

#include "data/scratch.h"

#include <opencv2/imgproc.hpp>

#include <array>
#include <tiffio.h>

namespace tl {
namespace {

using test::has;
using test::Scratch;

struct Kind {
  int compression = COMPRESSION_NONE;
  int bits = 8;
  int channels = 3;
  int photometric = PHOTOMETRIC_RGB;
  int format = SAMPLEFORMAT_UINT;
  bool tiled = false;
  bool planes = false;
  int orientation = ORIENTATION_TOPLEFT;
};

constexpr int side = 64;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Of random bytes: 64 x 64 pixels in strips of 16 rows or tiles of 32 x 32.
std::string tiff(const Scratch& scratch, const Kind& kind) {
  const auto path = scratch.folder() / "made.tif";
  TIFF* file = TIFFOpen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  TIFFSetField(file, TIFFTAG_IMAGEWIDTH, side);
  TIFFSetField(file, TIFFTAG_IMAGELENGTH, side);
  TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, kind.bits);
  TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, kind.channels);
  TIFFSetField(file, TIFFTAG_PHOTOMETRIC, kind.photometric);
  TIFFSetField(file, TIFFTAG_SAMPLEFORMAT, kind.format);
  TIFFSetField(file, TIFFTAG_ORIENTATION, kind.orientation);
  TIFFSetField(file, TIFFTAG_PLANARCONFIG,
               kind.planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(file, TIFFTAG_COMPRESSION, kind.compression);
  const int colours = kind.photometric == PHOTOMETRIC_RGB ? 3 : 1;
  const std::vector<std::uint16_t> extra(kind.channels - colours, EXTRASAMPLE_UNSPECIFIED);
  if (!extra.empty()) TIFFSetField(file, TIFFTAG_EXTRASAMPLES, int(extra.size()), extra.data());
  if (kind.tiled) {
    TIFFSetField(file, TIFFTAG_TILEWIDTH, 32);
    TIFFSetField(file, TIFFTAG_TILELENGTH, 32);
  } else {
    TIFFSetField(file, TIFFTAG_ROWSPERSTRIP, 16);
  }
  cv::RNG random(7);
  const int pieces = kind.tiled ? TIFFNumberOfTiles(file) : TIFFNumberOfStrips(file);
  std::vector<unsigned char> bytes(kind.tiled ? TIFFTileSize(file) : TIFFStripSize(file));
  for (int i = 0; i < pieces; ++i) {
    for (unsigned char& byte : bytes)
      byte = static_cast<unsigned char>(random.uniform(0, 256));
    const auto size = static_cast<tmsize_t>(bytes.size());
    if (kind.tiled) {
      TIFFWriteEncodedTile(file, i, bytes.data(), size);
    } else {
      TIFFWriteEncodedStrip(file, i, bytes.data(), size);
    }
  }
  TIFFClose(file);
  return read(path);
}

bool same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

// The number of a short tag, of a little-endian file.
void set_tag(std::string& bytes, int tag, int value) {
  const std::string entry = {static_cast<char>(tag), static_cast<char>(tag >> 8), 3, 0, 1, 0, 0, 0};
  const std::size_t at = bytes.rfind(entry);
  REQUIRE(at != bytes.npos);
  bytes[at + 8] = static_cast<char>(value);
  bytes[at + 9] = static_cast<char>(value >> 8);
}

}  // namespace

TEST_CASE(
    "what is compressed without a loss gives the same pixels, and nothing where it is damaged") {
  const Scratch scratch;
  for (const bool tiled : {false, true}) {
    const cv::Mat plain = decode_tiff(tiff(scratch, {.tiled = tiled})).image;
    REQUIRE(plain.size() == cv::Size(side, side));
    for (const int compression : {COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE,
                                  COMPRESSION_ZSTD, COMPRESSION_LZMA}) {
      if (!TIFFIsCODECConfigured(static_cast<std::uint16_t>(compression))) continue;
      INFO("compression " << compression << " tiled " << tiled);
      const std::string whole = tiff(scratch, {.compression = compression, .tiled = tiled});
      CHECK(same(decode_tiff(whole).image, plain));
      std::string damaged = whole;
      damaged.replace(8, 200, 200, '\xFF');  // in the first strip, behind the header
      const Decoded decoded = decode_tiff(damaged);
      CHECK(decoded.image.empty());
      CHECK(has(decoded.reason, "damaged ("));
    }
  }
}

TEST_CASE("a compression that libtiff lacks is named") {
  const Scratch scratch;
  const std::string plain = tiff(scratch, {});
  for (const int compression : {34892, 33003, 34712, 50002, 12345}) {
    std::string other = plain;
    set_tag(other, TIFFTAG_COMPRESSION, compression);
    const Decoded decoded = decode_tiff(other);
    CHECK(decoded.image.empty());
    CHECK(decoded.reason ==
          "is a TIFF of compression " + std::to_string(compression) + ", which is not supported");
  }
}

TEST_CASE("samples that are no 8 or 16 bits of colour are named") {
  const Scratch scratch;
  const auto reason = [&](const Kind& kind) { return decode_tiff(tiff(scratch, kind)).reason; };
  constexpr int grey = PHOTOMETRIC_MINISBLACK;
  const Kind real = {.bits = 32, .channels = 1, .photometric = grey, .format = SAMPLEFORMAT_IEEEFP};
  CHECK(has(reason(real), "of floating-point numbers"));
  const Kind whole = {.bits = 16, .channels = 1, .photometric = grey, .format = SAMPLEFORMAT_INT};
  CHECK(has(reason(whole), "of signed numbers"));
  CHECK(has(reason({.bits = 32, .channels = 1, .photometric = grey}), "of 32 bits a channel"));
  CHECK(has(reason({.channels = 5}), "of 5 channels"));
  CHECK(has(reason({.channels = 5, .photometric = grey}), "of 5 channels"));
  CHECK(reason({.channels = 4}).empty());
  CHECK(reason({.channels = 2, .photometric = grey}).empty());
}

TEST_CASE("16 bits and planes of their own are read as well") {
  const Scratch scratch;
  for (const int bits : {8, 16}) {
    for (const bool planes : {false, true}) {
      INFO(bits << " bits, planes " << planes);
      const Decoded decoded = decode_tiff(tiff(scratch, {.bits = bits, .planes = planes}));
      REQUIRE(decoded.reason.empty());
      CHECK(cv::mean(decoded.image)[0] == Approx(127).margin(6));
      CHECK(cv::mean(decoded.image)[2] == Approx(127).margin(6));
    }
  }
}

TEST_CASE("a TIFF is turned as its orientation says") {
  const Scratch scratch;
  const cv::Mat plain = decode_tiff(tiff(scratch, {})).image;
  cv::Mat quarter, half;
  cv::rotate(plain, quarter, cv::ROTATE_90_CLOCKWISE);
  cv::rotate(plain, half, cv::ROTATE_180);
  CHECK(same(decode_tiff(tiff(scratch, {.orientation = ORIENTATION_RIGHTTOP})).image, quarter));
  CHECK(same(decode_tiff(tiff(scratch, {.orientation = ORIENTATION_BOTRIGHT})).image, half));
}

TEST_CASE("what is no TIFF, or half of one, gives a reason") {
  const Scratch scratch;
  const std::string whole = tiff(scratch, {});
  for (const std::size_t length : {std::size_t{4}, whole.size() / 2, whole.size() - 20})
    CHECK(has(decode_tiff(whole.substr(0, length)).reason, "is no image"));
}

}  // namespace tl
