// Torch's headers take most of a file's compile time: precompiled once for the room.
#include <ATen/core/Tensor.h>
#include <torch/optim/adam.h>
#include <torch/serialize/archive.h>
