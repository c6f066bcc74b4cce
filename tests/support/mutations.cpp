#include "tests/support/mutations.hpp"

#include <nlohmann/json.hpp>
#include <vector>

namespace berth::test {

using nlohmann::json;

namespace {

size_t below(size_t limit) {
  return *rc::gen::inRange<size_t>(0, limit);
}

char any_byte() {
  return static_cast<char>(*rc::gen::inRange(0, 256));
}

/// Values of every type, and the edges of each.
const std::vector<json>& odd_values() {
  static const std::vector<json> values{
      nullptr,
      true,
      false,
      0,
      -1,
      INT64_MIN,
      INT64_MAX,
      UINT64_MAX,
      1e300,
      -0.5,
      2147483648,
      "",
      "x",
      "*",
      "18446744073709551616",
      std::string(5000, 'a'),
      std::string{"\0\n\x7f\xc3\xa4", 5},
      json::array(),
      json::object(),
      json::array({nullptr, 1, "a"}),
      {{"a", {1, "b"}}},
      {{"name", nullptr}},
  };
  return values;
}

/// A value somewhere in the tree; deeper ones as likely as shallow ones.
json& any_place(json& tree) {
  auto* at = &tree;
  while (at->is_structured() && !at->empty() && below(4) != 0) {
    auto next = at->begin();
    std::advance(next, static_cast<std::ptrdiff_t>(below(at->size())));
    at = &*next;
  }
  return *at;
}

void nest(json& value) {
  auto levels = below(80);
  for (size_t i = 0; i < levels; ++i)
    value = i % 2 == 0 ? json::array({std::move(value)})
                       : json{{"a", std::move(value)}};
}

void change_object(json& object) {
  if (object.empty()) {
    object["a"] = 1;
    return;
  }
  auto at = object.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(below(object.size())));
  auto name = at.key();
  auto value = *at;
  if (below(2) == 0)
    object.erase(at);
  auto changed = mutated_bytes(name, "a:=");
  // A tree holds only text that a parser could have read.
  for (auto& c : changed)
    c = static_cast<char>(c & 0x7f);
  object[changed] = std::move(value);
}

void change_list(json& list) {
  if (list.empty()) {
    list.push_back(odd_values()[below(odd_values().size())]);
    return;
  }
  auto element = list[below(list.size())];
  auto copies = below(3) == 0 ? 150 : 1 + below(3);
  for (size_t i = 0; i < copies; ++i)
    list.push_back(element);
}

void change_text(json& text) {
  auto changed = mutated_bytes(text.get<std::string>(), ",:*./=- 0");
  for (auto& c : changed)
    c = static_cast<char>(c & 0x7f);
  text = std::move(changed);
}

void change(json& place) {
  switch (below(4)) {
  case 0:
    if (place.is_object())
      return change_object(place);
    if (place.is_array())
      return change_list(place);
    if (place.is_string())
      return change_text(place);
    break;
  case 1:
    if (below(4) == 0)
      return nest(place);
    break;
  default:
    break;
  }
  place = odd_values()[below(odd_values().size())];
}

} // namespace

std::string mutated_bytes(std::string good, std::string_view telling) {
  auto changes = 1 + below(5);
  for (size_t i = 0; i < changes && !good.empty(); ++i) {
    auto at = below(good.size());
    switch (below(6)) {
    case 0:
      good[at] = any_byte();
      break;
    case 1:
      good.erase(at, 1 + below(30));
      break;
    case 2:
      good.insert(at, good.substr(below(good.size()), 1 + below(40)));
      break;
    case 3:
      good[at] = telling.empty() ? any_byte() : telling[below(telling.size())];
      break;
    case 4:
      good.insert(at, 1 + below(4),
                  telling.empty() ? any_byte()
                                  : telling[below(telling.size())]);
      break;
    default:
      if (below(4) == 0)
        good.resize(at);
    }
  }
  return good;
}

json mutated_json(json good) {
  auto changes = 1 + below(4);
  for (size_t i = 0; i < changes; ++i)
    change(any_place(good));
  return good;
}

} // namespace berth::test
