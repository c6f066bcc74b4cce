// Prints JSON straight into a string, without a tree in between. Every answer
// of the dialects is printed with it.
//
//   json_writer json{out};
//   json.begin_object();
//   json.member("jobName", name);
//   json.key("attempts").begin_array();
//   json.end_array();
//   json.end_object();
//
// The caller keeps brackets in pairs and gives each value of an object a key;
// commas are the writer's. Text that is not UTF-8 is repaired: each bad byte
// becomes U+FFFD, so that the output is always valid JSON.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

class json_writer {
public:
  /// Appends to `out`, which outlives the writer.
  explicit json_writer(std::string& out) : out_(out) {}

  void begin_object();
  void end_object() { out_ += '}'; }
  void begin_array();
  void end_array() { out_ += ']'; }
  json_writer& key(std::string_view name);

  void text(std::string_view value);
  void integer(int64_t value);
  void boolean(bool value);
  /// Thousandths as a decimal number with no more digits than needed.
  void thousandths(int64_t value);
  /// JSON that is known to be valid.
  void raw(std::string_view json);

  void member(std::string_view name, std::string_view value);
  void member(std::string_view name, const char* value);
  void member(std::string_view name, const std::string& value);
  void member(std::string_view name, std::same_as<bool> auto value) {
    key(name).boolean(value);
  }
  template <std::integral T>
  void member(std::string_view name, T value) requires(!std::same_as<T, bool>) {
    key(name).integer(static_cast<int64_t>(value));
  }
  void member(std::string_view name,
              const std::map<std::string, std::string>& value);
  void member(std::string_view name, const std::vector<std::string>& value);
  /// `[]`
  void empty_list(std::string_view name) { key(name).raw("[]"); }
  /// `{}`
  void empty_map(std::string_view name) { key(name).raw("{}"); }
  /// Puts the members of a valid JSON object into the present one.
  void splice(std::string_view object);

private:
  /// A comma unless this is the first value of its object, list or line.
  void separate();
  void quoted(std::string_view value);

  std::string& out_;
};

/// Thousandths as a decimal without trailing zeros: 250 -> `0.25`.
std::string print_thousandths(int64_t value);

/// `value` with each byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string repaired_utf8(std::string_view value);

} // namespace berth
