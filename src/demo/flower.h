// The five kinds. They differ in form; their colours overlap.
#pragma once

#include "demo/paint.h"

#include <array>

namespace tl::demo {

enum class Kind { daisy, lily, poppy, rose, tulip };
inline constexpr std::array kinds = {Kind::daisy, Kind::lily, Kind::poppy, Kind::rose, Kind::tulip};
const char* kind_name(Kind kind);

// A flower whose head is about `radius` around `centre`, with a stem to the ground and leaves.
void paint_flower(cv::Mat& canvas, Kind kind, Point centre, double radius, Random& random);

}  // namespace tl::demo
