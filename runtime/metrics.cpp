#include "runtime/metrics.hpp"

#include <functional>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace berth {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using read_value = std::function<double(const shard_status&)>;

MetricFamily family(const std::vector<shard_status>& shards, const char* name,
                    const char* help, MetricType type,
                    const read_value& value) {
  MetricFamily f;
  f.name = name;
  f.help = help;
  f.type = type;
  for (const auto& shard : shards) {
    ClientMetric m;
    m.label.push_back({"shard", std::to_string(shard.id.value)});
    if (type == MetricType::Counter)
      m.counter.value = value(shard);
    else
      m.gauge.value = value(shard);
    f.metric.push_back(std::move(m));
  }
  return f;
}

template <class Member>
read_value counter(Member member) {
  return [member](const shard_status& s) {
    return static_cast<double>(s.counters.*member);
  };
}

} // namespace

std::string print_metrics(const std::vector<shard_status>& shards) {
  std::vector<MetricFamily> all;
  auto count = [&](const char* name, const char* help, auto member) {
    all.push_back(
        family(shards, name, help, MetricType::Counter, counter(member)));
  };
  auto gauge = [&](const char* name, const char* help, read_value value) {
    all.push_back(family(shards, name, help, MetricType::Gauge, value));
  };
  using c = shard_counters;
  count("berth_decisions_total", "Valid decisions folded.", &c::decisions);
  count("berth_events_total", "Events of valid decisions.", &c::events);
  count("berth_fenced_total", "Decisions ignored for their epoch.", &c::fenced);
  count("berth_out_of_sequence_total", "Decisions ignored for their seq.",
        &c::out_of_sequence);
  count("berth_messages_taken_total", "Log messages taken.",
        &c::messages_taken);
  count("berth_messages_passed_over_total", "Repeats and gaps passed over.",
        &c::messages_passed_over);
  count("berth_messages_refused_total", "Messages that made no sense.",
        &c::messages_refused);
  count("berth_calls_total", "API calls that reached the owner.", &c::calls);
  count("berth_calls_turned_away_total", "Calls refused before deciding.",
        &c::calls_turned_away);
  gauge("berth_shard_owned", "1 while this node owns the shard.",
        [](auto& s) { return s.role == shard_role::owner ? 1.0 : 0.0; });
  gauge("berth_log_offset", "Last record folded.",
        [](auto& s) { return static_cast<double>(s.folded_offset); });
  gauge("berth_jobs_live", "Jobs that have not ended.",
        [](auto& s) { return static_cast<double>(s.live_jobs); });
  gauge("berth_jobs_runnable", "Jobs and children that wait for resources.",
        [](auto& s) { return static_cast<double>(s.runnable_jobs); });
  gauge("berth_calls_waiting", "Calls that wait for the owner.",
        [](auto& s) { return static_cast<double>(s.waiting_calls); });
  return prometheus::TextSerializer{}.Serialize(all);
}

} // namespace berth
