#include "api/json_place.hpp"

#include "api/json_writer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace berth {

using nlohmann::json;

namespace {

bool is_empty(const json& value) {
  if (value.is_null())
    return true;
  if (value.is_string())
    return value.get_ref<const std::string&>().empty();
  if (!value.is_structured())
    return false;
  return std::all_of(value.begin(), value.end(), is_empty);
}

/// Whether brackets outside of strings are ever open deeper than allowed.
bool is_too_deep(std::string_view text) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > json_depth_max)
        return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

/// Cuts at a character boundary.
std::string shortened(std::string text,
                      size_t bytes_max = quoted_value_bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return text.substr(0, end) + "...";
}

std::string explain_damage(std::string_view text) {
  try {
    auto parsed = json::parse(text);
  } catch (const json::exception& problem) {
    // It quotes what it could not read.
    return shortened(repaired_utf8(problem.what()), 3 * quoted_value_bytes_max);
  }
  return "its type is wrong";
}

} // namespace

json_text::json_text(std::string_view text) {
  if (is_too_deep(text))
    throw refused{"the request body is nested deeper than "
                  + std::to_string(json_depth_max) + " levels"};
  if (text.empty()) {
    value_ = std::make_unique<json>(json::object());
    return;
  }
  value_ = std::make_unique<json>(
      json::parse(text.begin(), text.end(), nullptr, false));
  if (value_->is_discarded())
    throw refused{"the request body is not JSON: " + explain_damage(text)};
  if (!value_->is_object())
    throw refused{"the request body is " + root().quoted_value()
                  + ", but must be a JSON object"};
}

json_text::~json_text() = default;

json_place json_text::root() const {
  return json_place{value_.get()};
}

bool json_place::absent() const {
  return value_ == nullptr || value_->is_null();
}

bool json_place::empty() const {
  return absent() || is_empty(*value_);
}

json_place json_place::member(const char* name) const {
  if (absent())
    return json_place{nullptr, this, name, 0};
  if (!value_->is_object())
    fail("must be an object");
  auto found = value_->find(name);
  auto* value = found == value_->end() ? nullptr : &*found;
  return json_place{value, this, name, 0};
}

std::string json_place::path() const {
  if (parent_ == nullptr)
    return "the request";
  auto before = parent_->parent_ == nullptr ? "" : parent_->path();
  if (name_ == nullptr)
    return before + "[" + std::to_string(index_) + "]";
  return before.empty() ? name_ : before + "." + name_;
}

std::string json_place::quoted_value() const {
  if (absent())
    return "null";
  // A long list is not printed whole only to be cut.
  if (value_->is_structured() && value_->size() > 20)
    return value_->is_array() ? "a list of " + std::to_string(value_->size())
                              : "an object";
  if (value_->is_string()
      && value_->get_ref<const std::string&>().size() > 1000)
    return "a text of "
           + std::to_string(value_->get_ref<const std::string&>().size())
           + " bytes";
  return shortened(
      value_->dump(-1, ' ', false, json::error_handler_t::replace));
}

void json_place::fail(std::string_view should) const {
  if (absent())
    throw refused{path() + " is missing: it " + std::string{should}};
  throw refused{path() + " is " + quoted_value() + ", but "
                + std::string{should}};
}

std::string json_place::text() const {
  if (absent() || !value_->is_string())
    fail("must be a string");
  const auto& text = value_->get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos)
    fail("must not contain a NUL character");
  return text;
}

std::string json_place::nonempty_text() const {
  auto value = text();
  if (value.empty())
    fail("must not be empty");
  return value;
}

std::string json_place::text_or_empty() const {
  return absent() ? std::string{} : text();
}

std::optional<std::string> json_place::optional_text() const {
  if (absent())
    return std::nullopt;
  return text();
}

int64_t json_place::integer(int64_t min, int64_t max) const {
  auto bounds = [&] {
    return "must be an integer from " + std::to_string(min) + " to "
           + std::to_string(max);
  };
  if (absent() || !value_->is_number_integer())
    fail(bounds());
  // Beyond int64_t the library keeps it unsigned.
  if (value_->is_number_unsigned()
      && value_->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    fail(bounds());
  auto number = value_->get<int64_t>();
  if (number < min || number > max)
    fail(bounds());
  return number;
}

std::optional<int64_t> json_place::optional_integer(int64_t min,
                                                    int64_t max) const {
  if (absent())
    return std::nullopt;
  return integer(min, max);
}

bool json_place::boolean() const {
  if (absent() || !value_->is_boolean())
    fail("must be true or false");
  return value_->get<bool>();
}

std::optional<bool> json_place::optional_boolean() const {
  if (absent())
    return std::nullopt;
  return boolean();
}

std::optional<std::string> json_place::optional_choice(
    const std::vector<std::string_view>& allowed) const {
  if (absent())
    return std::nullopt;
  if (value_->is_string())
    for (auto choice : allowed)
      if (value_->get_ref<const std::string&>() == choice)
        return std::string{choice};
  std::string list;
  for (auto choice : allowed)
    list += (list.empty() ? "" : ", ") + std::string{choice};
  fail("must be one of " + list);
}

void json_place::require_list() const {
  if (!absent() && !value_->is_array())
    fail("must be a list");
}

void json_place::require_object() const {
  if (!absent() && !value_->is_object())
    fail("must be an object");
}

size_t json_place::size() const {
  return absent() ? 0 : value_->size();
}

void json_place::for_each_element(
    const std::function<void(const json_place&)>& visit) const {
  require_list();
  for (size_t i = 0; i < size(); ++i)
    visit(json_place{&(*value_)[i], this, nullptr, i});
}

void json_place::for_each_member(
    const std::function<void(const std::string&, const json_place&)>& visit)
    const {
  require_object();
  if (absent())
    return;
  for (auto it = value_->begin(); it != value_->end(); ++it)
    visit(it.key(), json_place{&*it, this, it.key().c_str(), 0});
}

std::vector<std::string> json_place::texts() const {
  std::vector<std::string> texts;
  texts.reserve(size());
  for_each_element([&](const json_place& e) { texts.push_back(e.text()); });
  return texts;
}

std::map<std::string, std::string> json_place::text_map() const {
  std::map<std::string, std::string> map;
  for_each_member([&](const std::string& key, const json_place& value) {
    if (key.find('\0') != std::string::npos)
      value.fail("must not have a name with a NUL character");
    map.emplace(key, value.text());
  });
  return map;
}

} // namespace berth
