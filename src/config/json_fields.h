// How options stand in JSON, each form once: structs by their fields, words, what may be null, and
// choices. The library knows numbers, strings, lists and paths.
#pragma once

#include "tl/base/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace tl {

// A struct with TL_FIELDS.
template <typename T>
concept Fielded = requires {
  T::field_names;
};

// An enum with a word for each enumerator.
template <typename T>
concept Worded = requires {
  words_of(T{});
};

// A struct among several, told by the key "name".
template <typename T>
concept Named = Fielded<T> && requires {
  T::name;
};

// A choice of named structs has no key: its name and fields stand among those of the struct that
// holds it.
template <typename T>
constexpr bool is_named_choice = false;
template <Named... Structs>
constexpr bool is_named_choice<std::variant<Structs...>> = true;

// Calls use(name, field) for each field of the struct.
template <typename Struct, typename Use>
void for_each_field(Struct& value, Use use) {
  Struct::each_is_listed(value);
  std::string_view names = Struct::field_names;
  const auto next_name = [&] {
    const std::string name(names.substr(0, names.find(',')));
    names.remove_prefix(std::min(names.size(), name.size() + 2));  // and ", "
    return name;
  };
  std::apply([&](auto&... fields) { (use(next_name(), fields), ...); }, value.fields());
}

// The place of the JSON's word among the enum's, or how many there are where it is none of them.
template <Worded Enum>
std::size_t place_of_word(const nlohmann::json& json) {
  constexpr auto words = words_of(Enum{});
  return static_cast<std::size_t>(std::find(words.begin(), words.end(), json) - words.begin());
}

// Whether the JSON is this alternative of a choice.
template <typename T>
bool is_meant(const nlohmann::json& json) {
  if constexpr (Named<T>) {
    return json.at("name") == T::name;
  } else if constexpr (Fielded<T>) {
    bool has_all = json.is_object();
    T value;
    for_each_field(value, [&](const std::string& name, auto&) { has_all &= json.contains(name); });
    return has_all;
  } else if constexpr (Worded<T>) {
    return place_of_word<T>(json) < words_of(T{}).size();
  } else if constexpr (std::is_same_v<T, std::monostate>) {
    return json.is_null();
  } else if constexpr (std::is_arithmetic_v<T>) {
    return json.is_number();
  } else {
    return json.type() == nlohmann::json(T{}).type();
  }
}

[[noreturn]] inline void no_option_for(const nlohmann::json& json) {
  throw Error(ExitCode::defect,
              "the schema allows " + json.dump() + ", but no option stands for it");
}

}  // namespace tl

namespace nlohmann {

template <tl::Fielded Struct>
struct adl_serializer<Struct> {
  static void from_json(const json& json, Struct& value) {
    tl::for_each_field(value, [&](const std::string& name, auto& field) {
      if constexpr (tl::is_named_choice<std::decay_t<decltype(field)>>) {
        json.get_to(field);
      } else {
        json.at(name).get_to(field);
      }
    });
  }
  static void to_json(json& json, const Struct& value) {
    json = json::object();
    if constexpr (tl::Named<Struct>) json["name"] = Struct::name;
    tl::for_each_field(value, [&](const std::string& name, const auto& field) {
      if constexpr (tl::is_named_choice<std::decay_t<decltype(field)>>) {
        json.update(nlohmann::json(field));
      } else {
        json[name] = field;
      }
    });
  }
};

template <tl::Worded Enum>
struct adl_serializer<Enum> {
  static void from_json(const json& json, Enum& value) {
    const std::size_t place = tl::place_of_word<Enum>(json);
    if (place == words_of(Enum{}).size()) tl::no_option_for(json);
    value = static_cast<Enum>(place);
  }
  static void to_json(json& json, Enum value) {
    json = words_of(Enum{}).at(static_cast<std::size_t>(value));
  }
};

template <typename T>
struct adl_serializer<std::optional<T>> {
  static void from_json(const json& json, std::optional<T>& value) {
    value.reset();
    if (!json.is_null()) json.get_to(value.emplace());
  }
  static void to_json(json& json, const std::optional<T>& value) {
    json = value ? nlohmann::json(*value) : nlohmann::json();
  }
};

template <>
struct adl_serializer<std::monostate> {
  static void from_json(const json&, std::monostate&) {}
  static void to_json(json& json, std::monostate) { json = nullptr; }
};

template <typename... Alternatives>
struct adl_serializer<std::variant<Alternatives...>> {
  static void from_json(const json& json, std::variant<Alternatives...>& value) {
    if (!(read_if_meant<Alternatives>(json, value) || ...)) tl::no_option_for(json);
  }
  static void to_json(json& json, const std::variant<Alternatives...>& value) {
    std::visit([&](const auto& alternative) { json = alternative; }, value);
  }

 private:
  template <typename T>
  static bool read_if_meant(const json& json, std::variant<Alternatives...>& value) {
    const bool meant = tl::is_meant<T>(json);
    if (meant) json.get_to(value.template emplace<T>());
    return meant;
  }
};

}  // namespace nlohmann
