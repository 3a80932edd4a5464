// A picture of flowers of one kind in a cluttered place, as a poor camera would take it.
#pragma once

#include "demo/flower.h"

namespace tl::demo {

// size x size, RGB.
cv::Mat paint_scene(Kind kind, int size, Random& random);

}  // namespace tl::demo
