#include "runtime/change_position.hpp"

#include <charconv>

namespace berth {

namespace {

constexpr size_t mark_length = 8;

/// Takes a number and the character that ends it off the front.
template <class Number>
bool take_number(std::string_view& text, Number& number, char ended_by) {
  const auto* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < Number{})
    return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  if (text.empty())
    return ended_by == '-';
  if (text.front() != ended_by)
    return false;
  text.remove_prefix(1);
  // A separator that nothing follows.
  return !text.empty();
}

} // namespace

std::string log_mark_of(std::string_view cluster_id) {
  return std::string{cluster_id.substr(0, mark_length)};
}

std::string to_string(const change_position& position) {
  auto text = position.log_mark;
  for (const auto& cursor : position.cursors)
    text += "-" + std::to_string(cursor.offset) + "."
            + std::to_string(cursor.given);
  return text;
}

std::optional<change_position> parse_change_position(std::string_view text) {
  auto dash = text.find('-');
  if (dash != mark_length || dash + 1 == text.size())
    return std::nullopt;
  change_position position;
  position.log_mark = text.substr(0, dash);
  text.remove_prefix(dash + 1);
  while (!text.empty()) {
    change_cursor cursor;
    if (!take_number(text, cursor.offset, '.') || text.empty()
        || !take_number(text, cursor.given, '-'))
      return std::nullopt;
    position.cursors.push_back(cursor);
  }
  return position;
}

} // namespace berth
