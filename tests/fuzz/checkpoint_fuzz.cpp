// A checkpoint: as it is; with its checksum set right; and, as it would seldom be hit, the position
// within a whole archive.
#include "train/checkpoint.h"

// clang-format off: this one has to come before the others
#include "small_network.h"
// clang-format on

#include "fuzz/fuzz.h"
#include "fuzz/memory_file.h"
#include "train/contained.h"

namespace {

tl::Model small_model() {
  const MemoryFile file;
  small_network::save(file.path(), small_network::residual);
  tl::InputSpec input;
  input.height = input.width = input.resize = 16;
  tl::Model model = tl::Model::load(file.path(), input);
  model.attach_head({}, 2, 1);
  model.freeze(tl::FreezeWord::all);
  return model;
}

struct Pupil {
  tl::Model model = small_model();
  tl::Trainee trainee{model, tl::BatchNorm::frozen};
  tl::Optimizer optimizer{{}, trainee.head_parameters(), trainee.backbone_parameters()};
  std::vector<tl::TrainedTensor> trained;

  Pupil() {
    for (const auto& [name, tensor] : trainee.state())
      trained.push_back({name, tensor, 0, {}});
  }
};

void read_checkpoint(std::string_view bytes) {
  static Pupil pupil;
  refuses_only_with(tl::ExitCode::failure, [&] {
    try {
      const tl::Checkpoint checkpoint(bytes, "fuzz");
      checkpoint.restore(pupil.trained);
      checkpoint.restore(pupil.optimizer);
    } catch (const tl::DamagedCheckpoint&) {
    }
  });
}

std::string archive_at(std::string_view position) {
  torch::serialize::OutputArchive archive;
  archive.write("position", c10::IValue(std::string(position)));
  std::string bytes;
  archive.save_to([&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(text_of(data, size));
  read_checkpoint(bytes);
  read_checkpoint(contained(bytes));
  read_checkpoint(contained(archive_at(bytes)));
  return 0;
}
