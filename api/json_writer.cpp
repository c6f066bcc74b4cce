#include "api/json_writer.hpp"

#include <array>
#include <charconv>

namespace berth {

namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";
constexpr char hex_digits[] = "0123456789abcdef";

bool is_continuation(unsigned char c) {
  return (c & 0xC0) == 0x80;
}

/// Length of the valid UTF-8 sequence at the start of `rest`, 0 when there is
/// none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
size_t sequence_length(std::string_view rest) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(rest[i]); };
  auto first = at(0);
  if (first < 0x80)
    return 1;
  if (first < 0xC2 || first > 0xF4)
    return 0;
  size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (rest.size() < length)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if (!is_continuation(at(i)))
      return 0;
  auto second = at(1);
  bool overlong =
      (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  bool surrogate = first == 0xED && second > 0x9F;
  bool beyond = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

bool is_plain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void append_escaped(std::string& out, char c) {
  switch (c) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default:
    out += "\\u00";
    out += hex_digits[static_cast<unsigned char>(c) >> 4];
    out += hex_digits[static_cast<unsigned char>(c) & 15];
  }
}

} // namespace

void json_writer::separate() {
  if (out_.empty())
    return;
  // A value always ends in something else than these.
  auto last = out_.back();
  if (last != '{' && last != '[' && last != ':' && last != ',' && last != '\n')
    out_ += ',';
}

void json_writer::begin_object() {
  separate();
  out_ += '{';
}

void json_writer::begin_array() {
  separate();
  out_ += '[';
}

json_writer& json_writer::key(std::string_view name) {
  separate();
  quoted(name);
  out_ += ':';
  return *this;
}

void json_writer::quoted(std::string_view value) {
  out_ += '"';
  size_t i = 0;
  while (i < value.size()) {
    auto start = i;
    while (i < value.size() && is_plain(value[i]))
      ++i;
    out_.append(value, start, i - start);
    if (i == value.size())
      break;
    auto length = sequence_length(value.substr(i));
    if (length == 1)
      append_escaped(out_, value[i]);
    else if (length == 0)
      out_ += replacement_character;
    else
      out_.append(value, i, length);
    i += length == 0 ? 1 : length;
  }
  out_ += '"';
}

void json_writer::text(std::string_view value) {
  separate();
  quoted(value);
}

void json_writer::integer(int64_t value) {
  separate();
  std::array<char, 24> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out_.append(digits.data(), end.ptr);
}

void json_writer::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
}

void json_writer::thousandths(int64_t value) {
  separate();
  out_ += print_thousandths(value);
}

void json_writer::raw(std::string_view json) {
  separate();
  out_ += json;
}

void json_writer::member(std::string_view name, std::string_view value) {
  key(name).text(value);
}

void json_writer::member(std::string_view name, const char* value) {
  key(name).text(value);
}

void json_writer::member(std::string_view name, const std::string& value) {
  key(name).text(value);
}

void json_writer::member(std::string_view name,
                         const std::map<std::string, std::string>& value) {
  key(name).begin_object();
  for (const auto& [k, v] : value)
    member(k, v);
  end_object();
}

void json_writer::member(std::string_view name,
                         const std::vector<std::string>& value) {
  key(name).begin_array();
  for (const auto& element : value)
    text(element);
  end_array();
}

void json_writer::splice(std::string_view object) {
  if (object.size() <= 2)
    return;
  raw(object.substr(1, object.size() - 2));
}

std::string print_thousandths(int64_t value) {
  auto text = std::to_string(value / 1000);
  auto rest = value % 1000;
  if (rest < 0)
    rest = -rest;
  if (value < 0 && value > -1000)
    text = "-" + text;
  if (rest == 0)
    return text;
  auto digits = std::to_string(1000 + rest).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + "." + digits;
}

std::string repaired_utf8(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (size_t i = 0; i < value.size();) {
    auto length = sequence_length(value.substr(i));
    if (length == 0)
      out += replacement_character;
    else
      out.append(value, i, length);
    i += length == 0 ? 1 : length;
  }
  return out;
}

} // namespace berth
