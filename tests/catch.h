// Catch2 2 and 3 behind one include: Debian 12 and Ubuntu 22.04 bring 2, Ubuntu 24.04 brings 3.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
