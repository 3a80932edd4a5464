// What a flat graph consists of: the nodes that depend on the images, layers, and cuts.
#pragma once

#include "model/lower.h"
#include "model/network.h"

namespace tl {

// Runs the graph on both batches and finds its layers and cuts.
// `outputs`, if not null, receives what the graph gives.
Analysis analyse(const FlatGraph& flat, const ExampleImages& images, ExampleImages* outputs);

// Random images of the size that `input` asks for, two batches; always the same.
ExampleImages example_images(const InputSpec& input);

}  // namespace tl
