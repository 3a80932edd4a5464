// One network through everything once, for the zoo.
#pragma once

#include <string>

// Loads the network, takes it apart in the middle and together again, saves it, and trains it for a
// step in fp32 and another in bf16, on the images and labels in `data`. Prints the facts, with the
// stage and the error where the library refused; tensors go to `out`, the network with its new
// head, untrained, to `out`.model.pt. Returns 0.
int visit(const std::string& network, const std::string& data, const std::string& out);
