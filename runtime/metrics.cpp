#include "runtime/metrics.hpp"

#include <functional>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <utility>

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
    if (shard.is_at_rest)
      continue;
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

MetricFamily gauge_family(const char* name, const char* help) {
  MetricFamily f;
  f.name = name;
  f.help = help;
  f.type = MetricType::Gauge;
  return f;
}

void add(MetricFamily& to, double value,
         std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric m;
  m.label = std::move(labels);
  m.gauge.value = value;
  to.metric.push_back(std::move(m));
}

void add_cluster(std::vector<MetricFamily>& all, const cluster_report& c) {
  auto known = gauge_family("berth_cluster_known",
                            "1 while this node's heartbeats come back.");
  add(known, c.is_known ? 1 : 0);
  auto nodes = gauge_family("berth_cluster_nodes", "Nodes that are alive.");
  add(nodes, static_cast<double>(c.nodes.size()));
  auto lag = gauge_family("berth_shard_lag_records",
                          "Records of the log that this node has not folded; "
                          "-1 = the brokers do not say.");
  auto owned = gauge_family("berth_cluster_shard_owned",
                            "1 when some node says that it owns the shard.");
  for (const auto& s : c.shards) {
    auto shard = std::to_string(s.id.value);
    if (!s.is_at_rest)
      add(lag, static_cast<double>(s.lag), {{"shard", shard}});
    add(owned, s.owner.empty() ? 0 : 1, {{"shard", shard}});
  }
  auto silent = gauge_family("berth_agent_silent_seconds",
                             "Since this node heard of the agent.");
  for (const auto& a : c.agents)
    add(silent, static_cast<double>(a.silent_ms) / 1000,
        {{"agent", a.agent.name}});
  for (auto* family : {&known, &nodes, &lag, &owned, &silent})
    all.push_back(std::move(*family));
}

void add_topics(std::vector<MetricFamily>& all, const public_topics_counts& t) {
  auto taken = gauge_family("berth_submissions_taken_offset",
                            "Last submission of the source that a shard owned "
                            "by this node has taken.");
  for (const auto& [source, offset] : t.taken)
    add(taken, static_cast<double>(offset), {{"source", source}});
  all.push_back(std::move(taken));
  auto published = [&](const char* name, const char* help, uint64_t count) {
    MetricFamily f;
    f.name = name;
    f.help = help;
    f.type = MetricType::Counter;
    ClientMetric m;
    m.counter.value = static_cast<double>(count);
    f.metric.push_back(std::move(m));
    all.push_back(std::move(f));
  };
  published("berth_state_changes_published_total",
            "Job state changes in their topic, repeats too.",
            t.changes_published);
  published("berth_rejections_published_total",
            "Refused submissions in their topic, repeats too.",
            t.rejections_published);
}

} // namespace

std::string print_metrics(const std::vector<shard_status>& shards,
                          const cluster_report* cluster,
                          const public_topics_counts* topics) {
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
  if (cluster != nullptr)
    add_cluster(all, *cluster);
  if (topics != nullptr)
    add_topics(all, *topics);
  return prometheus::TextSerializer{}.Serialize(all);
}

} // namespace berth
