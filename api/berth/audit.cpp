#include "api/berth/audit.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace berth {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(story_line, at_ms, offset, seq, epoch, node,
                                   text)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(shard_verdict, shard, records, decisions,
                                   events, fenced, out_of_sequence, up_to,
                                   state_hash, compared_with, agrees, problem)

namespace {

using nlohmann::json;

/// Text of the log may hold bytes that are not UTF-8.
std::string print(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class Row>
std::optional<std::vector<Row>> parse_rows(std::string_view text,
                                           const char* member) {
  auto parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains(member))
    return std::nullopt;
  try {
    return parsed.at(member).get<std::vector<Row>>();
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

} // namespace

std::string print_history(const std::vector<story_line>& lines) {
  return print({{"history", lines}});
}

std::string print_verdicts(const std::vector<shard_verdict>& verdicts) {
  return print({{"shards", verdicts}, {"ok", all_well(verdicts)}});
}

std::string print_verdicts(const std::vector<shard_verdict>& verdicts,
                           double seconds) {
  uint64_t records = 0;
  uint64_t events = 0;
  for (const auto& v : verdicts) {
    records += v.records;
    events += v.events;
  }
  return print({{"shards", verdicts},
                {"ok", all_well(verdicts)},
                {"records", records},
                {"events", events},
                {"seconds", seconds},
                {"events_per_second", seconds > 0 ? std::llround(
                                          static_cast<double>(events) / seconds)
                                                  : 0}});
}

std::optional<std::vector<story_line>> parse_history(std::string_view text) {
  return parse_rows<story_line>(text, "history");
}

std::optional<std::vector<shard_verdict>>
parse_verdicts(std::string_view text) {
  return parse_rows<shard_verdict>(text, "shards");
}

bool all_well(const std::vector<shard_verdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(), [](const auto& v) {
    return v.agrees && v.problem.empty();
  });
}

} // namespace berth
