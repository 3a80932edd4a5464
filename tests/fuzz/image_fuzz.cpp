// An image file as the loader reads it, and as the check of a data set does.
#include "data/format.h"
#include "fuzz/fuzz.h"
#include "tl/data/image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(text_of(data, size));
  const tl::PixelSize claimed = tl::claimed_size(bytes);
  if (claimed.width * claimed.height > 1 << 22) return 0;  // legal, and slow
  refuses_only_with(tl::ExitCode::data, [&] { tl::decode_image(bytes, "image", /*needed=*/1); });
  refuses_only_with(tl::ExitCode::data, [&] {
    tl::InputSpec input;
    input.height = input.width = 32;
    input.resize = 40;
    tl::resize_and_center_crop(tl::decode_image(bytes, "image", 40), input);
  });
  return 0;
}
