// What to do about a file that is no network, or a damaged one.
#pragma once

namespace tl {

constexpr const char* export_hint =
    "export the network again (scripts/export_backbone NAME OUT.pt, or torch.jit.save)";

}  // namespace tl
