#include "data/stratify.h"

#include "tl/base/random.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace tl {
namespace {

using Key = std::tuple<std::uint64_t, std::string_view>;

Key key_of(const Sample& sample, std::uint64_t seed) {
  return {Random({seed, sample.id}).next(), sample.path};
}

// All copies of one image, in whatever class; mostly a single one.
struct Copies {
  std::vector<Sample*> samples;
  std::map<int, std::int64_t> count;  // by label
};

// What a class may still give away.
struct Room {
  std::int64_t val;
  std::int64_t test;
  std::int64_t all;  // of which one stays
};

// In the order of their draw: that of their first copy.
std::vector<Copies> group(const std::vector<Sample*>& samples) {
  std::vector<Copies> copies;
  std::map<Digest, std::size_t> known;
  for (Sample* sample : samples) {
    const bool is_new =
        sample->content == Digest{} || known.emplace(sample->content, copies.size()).second;
    if (is_new) copies.emplace_back();
    Copies& into = is_new ? copies.back() : copies[known[sample->content]];
    into.samples.push_back(sample);
    ++into.count[sample->label];
  }
  return copies;
}

// To the split that `part` is the room for, if each class has room for all its copies.
bool move(const Copies& copies, Split split, std::int64_t Room::*part, std::vector<Room>& rooms) {
  for (const auto& [label, n] : copies.count) {
    if (n > rooms[label].*part || n >= rooms[label].all) return false;
  }
  for (const auto& [label, n] : copies.count) {
    rooms[label].*part -= n;
    rooms[label].all -= n;
  }
  for (Sample* sample : copies.samples)
    sample->split = split;
  return true;
}

}  // namespace

std::int64_t share_of(double fraction, std::int64_t n) {
  if (fraction <= 0 || n == 0) return 0;
  return std::max<std::int64_t>(1, std::llround(fraction * static_cast<double>(n)));
}

void stratify(Dataset& dataset, double val, double test, std::uint64_t seed) {
  std::vector<Sample*> samples;
  for (const std::size_t i : dataset.indices(Split::train))
    samples.push_back(&dataset.samples[i]);
  std::sort(samples.begin(), samples.end(), [&](const Sample* a, const Sample* b) {
    return std::tuple(a->label, key_of(*a, seed)) < std::tuple(b->label, key_of(*b, seed));
  });
  std::vector<Room> rooms;
  for (const std::int64_t n : dataset.class_counts(Split::train))
    rooms.push_back({share_of(val, n), share_of(test, n), n});
  for (const Copies& copies : group(samples)) {
    if (!move(copies, Split::test, &Room::test, rooms)) move(copies, Split::val, &Room::val, rooms);
  }
}

}  // namespace tl
