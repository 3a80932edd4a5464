#include "config/options_json.h"

#include "config/json_fields.h"

// Its two sides are one key, input_size.
template <>
struct nlohmann::adl_serializer<tl::InputSpec> {
  static void from_json(const json& json, tl::InputSpec& input) {
    input = tl::input_spec_from_json(json, "backbone.input");
  }
  static void to_json(json& json, const tl::InputSpec& input) { json = tl::to_json(input); }
};

namespace tl {

Experiment experiment_from_json(const nlohmann::json& resolved) {
  return resolved.get<Experiment>();
}

nlohmann::json to_json(const Experiment& experiment) {
  return experiment;
}

}  // namespace tl
