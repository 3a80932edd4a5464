#include "config/rules.h"

#include "tl/base/error.h"
#include "tl/base/text.h"
#include "tl/config/input_spec.h"

namespace tl {
namespace {

using Json = nlohmann::ordered_json;

void check_fractions(const Json& data, const std::string& file) {
  const double val = data["val"];
  const double test = data["test"];
  if (val + test < 1.0) return;
  throw Error(ExitCode::usage,
              str("data.val is ", val, " and data.test is ", test,
                  ", but together they must be below 1: nothing is left to train on"),
              file, "both are shares of each class");
}

void check_freeze(const Json& freeze, const std::string& file) {
  if (freeze != "auto") return;
  throw Error(ExitCode::usage, "backbone.freeze is \"auto\", which is not available yet", file,
              "give a number of layers, a layer's name, \"all\" or \"none\"");
}

void check_head(const Json& head, const Json& loss, const std::string& file) {
  const bool exact = head["fit"] == "exact";
  const auto refuse = [&](const std::string& what, const std::string& hint) {
    throw Error(ExitCode::usage, what, file, hint);
  };
  if (!exact) {
    if (head["inputs"] == "auto") {
      refuse("head.inputs is \"auto\", but head.fit is \"gradient\": only an exact head chooses",
             R"(set head.fit to "exact", or head.inputs to "last" or "depths")");
    }
    if (head["refit"] == true) {
      refuse("head.refit is true, but head.fit is \"gradient\": only an exact head is fitted again",
             R"(set head.fit to "exact", or head.refit to false)");
    }
    return;
  }
  const auto refuse_key = [&](const std::string& key, const Json& value, const Json& usual) {
    if (value == usual) return;
    refuse(str("head.fit is \"exact\", and ", key, " is ", value.dump(),
               ": the head is one Linear, fitted at once, where that has no place"),
           str("leave ", key, " out, or set head.fit to \"gradient\""));
  };
  refuse_key("head.hidden", head["hidden"], Json::array());
  refuse_key("head.dropout", head["dropout"], 0.2);
  refuse_key("train.loss.label_smoothing", loss["label_smoothing"], 0.0);
}

void check_nesterov(const Json& optimizer, const std::string& file) {
  if (!optimizer.value("nesterov", false) || optimizer["momentum"] > 0.0) return;
  throw Error(ExitCode::usage,
              "train.optimizer.nesterov is true, but train.optimizer.momentum is 0", file,
              "give a momentum above 0, such as 0.9");
}

void check_order(const Json& augment, const char* pointer, const std::string& file) {
  const Json::json_pointer place(pointer);
  if (!augment.contains(place) || augment[place][0] <= augment[place][1]) return;
  throw Error(ExitCode::usage,
              str("augment.", place.parent_pointer().back(), ".", place.back(), " is ",
                  augment[place].dump(), ", but the first number must not be above the second"),
              file, "swap the two");
}

void check_checkpoints(const Json& every, const std::string& file) {
  if (every.is_null() || every.size() == 1) return;
  throw Error(ExitCode::usage,
              str("train.checkpoint_every is ", every.dump(),
                  ", but must have one of the keys steps and seconds"),
              file, R"(for example {"seconds": 600})");
}

// Such as a resize below the input size.
void check_input(const Json& input, const std::string& file) {
  if (input.is_null()) return;
  try {
    input_spec_from_json(input, file);
  } catch (const Error& error) {
    throw Error(ExitCode::usage, str("backbone.input.", error.what()), file);
  }
}

}  // namespace

void check_rules(const Json& resolved, const std::string& file) {
  check_fractions(resolved["data"], file);
  check_freeze(resolved["backbone"]["freeze"], file);
  check_head(resolved["head"], resolved["train"]["loss"], file);
  check_nesterov(resolved["train"]["optimizer"], file);
  check_checkpoints(resolved["train"]["checkpoint_every"], file);
  for (const char* pair :
       {"/crop/scale", "/crop/ratio", "/blur/sigma", "/erase/scale", "/erase/ratio"}) {
    check_order(resolved["augment"], pair, file);
  }
  check_input(resolved["backbone"]["input"], file);
}

}  // namespace tl
