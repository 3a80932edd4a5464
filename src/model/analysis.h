// What a flat graph consists of: the nodes that depend on the images, layers, and cuts.
#pragma once

#include "model/lower.h"
#include "model/network.h"

namespace tl {

// Finds the layers and cuts of a graph that was recorded.
Analysis analyse(const FlatGraph& flat, Recording recording);

// Random images of the size that `input` asks for, two batches; always the same.
ExampleImages example_images(const InputSpec& input);

}  // namespace tl
