// Positions of the public stream of state changes. Pure.
#pragma once

#include "messages/ids.hpp"

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// How far a follower has come in one shard.
struct change_cursor {
  /// Of the decision whose changes it was given last, or of the claim before
  /// the first one.
  log_offset offset = -1;
  /// How many changes of that decision it was given.
  size_t given = 0;

  auto operator<=>(const change_cursor&) const = default;
};

/// Shards have no common order, so a position has a cursor for each of them.
struct change_position {
  /// Of the log, so that another log's positions are known as such.
  std::string log_mark;
  /// By shard.
  std::vector<change_cursor> cursors;

  bool operator==(const change_position&) const = default;
};

/// The part of a log's cluster id that positions carry.
std::string log_mark_of(std::string_view cluster_id);

/// `<mark>-<offset>.<given>-<offset>.<given>…`, made of characters that need no
/// escapes in a URL.
std::string to_string(const change_position& position);
std::optional<change_position> parse_change_position(std::string_view text);

} // namespace berth
