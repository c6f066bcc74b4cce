// Reads a request's JSON and knows, for every message, which member it is
// looking at.
//
// A place is one value in the text, or the absence of one; `null` is the same
// as absent. Reading what is not there or of the wrong type throws `refused`
// with a message that names the path, the value and what would be right;
// `refused` never leaves the dialect's parse function.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// Why a request is refused; caught where parsing began.
struct refused {
  std::string message;
};

/// Nesting that no client has a use for; printing recurses per level.
constexpr size_t json_depth_max = 64;
/// A value is quoted in a message up to this many bytes.
constexpr size_t quoted_value_bytes_max = 80;

class json_place {
public:
  /// The root. `value` outlives the place; nullptr = absent.
  explicit json_place(const nlohmann::json* value) : value_(value) {}

  bool absent() const;
  /// Absent, `""`, `[]`, `{}`, or a list or object of nothing but such.
  bool empty() const;

  /// A member of this object (or of nothing). `name` outlives the place, this
  /// place outlives the member.
  json_place member(const char* name) const;

  /// `containerOverrides.environment[2].name`; the root is `the request`.
  std::string path() const;
  /// Throws: `<path> is <value>, but <should>`; for what is absent `<path> is
  /// missing: it <should>`. `should` begins with a verb: `must be a string`.
  [[noreturn]] void fail(std::string_view should) const;
  /// The value as it is quoted in messages.
  std::string quoted_value() const;

  /// Required values.
  std::string text() const;
  int64_t integer(int64_t min, int64_t max) const;
  bool boolean() const;
  /// Text that is not empty.
  std::string nonempty_text() const;

  /// Values that may be absent.
  std::string text_or_empty() const;
  std::optional<std::string> optional_text() const;
  std::optional<int64_t> optional_integer(int64_t min, int64_t max) const;
  std::optional<bool> optional_boolean() const;
  /// One of `allowed` (exactly), or absent.
  std::optional<std::string>
  optional_choice(const std::vector<std::string_view>& allowed) const;
  /// Absent = empty.
  std::vector<std::string> texts() const;
  std::map<std::string, std::string> text_map() const;

  /// Refuses anything but a list, an object, or nothing.
  void require_list() const;
  void require_object() const;
  /// Number of elements or members; 0 when absent.
  size_t size() const;
  void
  for_each_element(const std::function<void(const json_place&)>& visit) const;
  void for_each_member(
      const std::function<void(const std::string&, const json_place&)>& visit)
      const;

  /// The value itself; only when not absent.
  const nlohmann::json& value() const { return *value_; }

private:
  json_place(const nlohmann::json* value, const json_place* parent,
             const char* name, size_t index)
      : value_(value), parent_(parent), name_(name), index_(index) {}

  const nlohmann::json* value_;
  const json_place* parent_ = nullptr;
  /// nullptr for an element of a list, which has an index instead.
  const char* name_ = nullptr;
  size_t index_ = 0;
};

/// A parsed text. An empty text is an empty object, as clients send for calls
/// without arguments.
class json_text {
public:
  /// Throws `refused` when the text is not a JSON object or nested deeper than
  /// `json_depth_max`.
  explicit json_text(std::string_view text);
  ~json_text();
  json_text(const json_text&) = delete;
  json_text& operator=(const json_text&) = delete;

  json_place root() const;

private:
  std::unique_ptr<nlohmann::json> value_;
};

} // namespace berth
