// Many small networks in one process, for the fuzzer.
#pragma once

// Reads a case a line from stdin, {"network", "images", "out", "k", "batch_norm"}, does with it all
// that the library can do with a network, and answers with a line: the facts, and, where it
// refused, the stage and the error. The tensors lie in `out`.
int serve();
