// tl-draw-flowers: a data set of five kinds of drawn flowers, for a demo that needs no network.
#include "demo/scene.h"
#include "tl/base/error.h"
#include "tl/base/files.h"
#include "tl/base/text.h"

#include <CLI/CLI.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <exception>
#include <filesystem>
#include <iostream>

namespace tl::demo {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path folder;
  int per_class = 120;
  std::uint64_t seed = 1;
  int size = 256;
};

// Tells a folder of ours, finished or not, from another one. Hidden, so it is no class.
constexpr auto stamp_name = ".tl-draw-flowers";

std::string stamp(const Options& options) {
  return str("--per-class ", options.per_class, " --seed ", options.seed, " --size ", options.size,
             "\n");
}

void claim_folder(const Options& options) {
  const fs::path stamp_file = options.folder / stamp_name;
  if (fs::exists(stamp_file) && read_file(stamp_file, ExitCode::usage) == stamp(options)) return;
  if (fs::exists(options.folder) && !fs::is_empty(options.folder)) {
    throw Error(ExitCode::usage, "the output is there already, and holds something else",
                options.folder.string(), "remove it, or name another folder");
  }
  make_writable_folder(options.folder);
  write_file(stamp_file, stamp(options));
}

std::string drawn_jpeg(Kind kind, int number, const Options& options) {
  Random random(
      {options.seed, static_cast<std::uint64_t>(kind), static_cast<std::uint64_t>(number)});
  cv::Mat image = paint_scene(kind, options.size, random);
  cv::cvtColor(image, image, cv::COLOR_RGB2BGR);
  std::vector<unsigned char> bytes;
  const int quality = 70 + static_cast<int>(random.below(26));
  cv::imencode(".jpg", image, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  return {bytes.begin(), bytes.end()};
}

// How many were missing. Files are whole or absent, so an interrupted call can be repeated.
int draw_missing(const Options& options) {
  int drawn = 0;
  for (const Kind kind : kinds) {
    const fs::path folder = options.folder / kind_name(kind);
    fs::create_directories(folder);
    for (int number = 1; number <= options.per_class; ++number) {
      const fs::path file = folder / str(number, ".jpg");
      if (fs::exists(file)) continue;
      write_file(file, drawn_jpeg(kind, number, options));
      ++drawn;
    }
  }
  return drawn;
}

int run(const Options& options) {
  cv::setNumThreads(1);
  claim_folder(options);
  const int drawn = draw_missing(options);
  if (drawn == 0) {
    std::cout << "all images are there already: " << options.folder.string() << "\n";
  } else {
    std::cout << count(drawn, "image") << " drawn: " << options.folder.string() << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace tl::demo

int main(int argc, char** argv) {
  tl::demo::Options options;
  CLI::App app("Draws five kinds of flowers, one folder a kind: the same from the same seed.");
  app.option_defaults()->always_capture_default();
  app.add_option("folder", options.folder, "Output folder")->required();
  app.add_option("--per-class", options.per_class, "Images of each kind")
      ->check(CLI::Range(1, 100000));
  app.add_option("--seed", options.seed, "Another seed, other images");
  app.add_option("--size", options.size, "Width and height, pixels")->check(CLI::Range(32, 2048));
  try {
    app.parse(argc, argv);
    return tl::demo::run(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(tl::ExitCode::usage);
  } catch (const tl::Error& error) {
    std::cerr << error.report() << "\n";
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(tl::ExitCode::defect);
  }
}
