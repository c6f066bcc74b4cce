#include "storage/kafka_topics.hpp"

#include "storage/kafka_topic.hpp"

namespace berth {

namespace {

constexpr int64_t minute_ms = 60'000;
constexpr int64_t week_ms = 7 * 24 * 60 * minute_ms;

std::map<std::string, std::string> volatile_settings(int64_t retention_ms) {
  auto s = kafka_log_settings();
  s["retention.ms"] = std::to_string(retention_ms);
  return s;
}

} // namespace

std::string topic_name(const std::string& prefix, topic t) {
  switch (t) {
  case topic::log:
    return prefix + ".log";
  case topic::submissions:
    return prefix + ".submissions";
  case topic::rejections:
    return prefix + ".rejections";
  case topic::dispatch:
    return prefix + ".dispatch";
  case topic::heartbeats:
    return prefix + ".heartbeats";
  case topic::job_state_changes:
    return prefix + ".job-state-changes";
  case topic::output:
    return prefix + ".output";
  }
  return {};
}

std::map<std::string, std::string> topic_settings(topic t) {
  switch (t) {
  case topic::log:
    return kafka_log_settings();
  case topic::heartbeats: {
    auto s = volatile_settings(60 * minute_ms);
    // Only whole segments are dropped.
    s["segment.ms"] = std::to_string(30 * minute_ms);
    return s;
  }
  case topic::dispatch:
  case topic::output:
    return volatile_settings(week_ms);
  case topic::submissions:
  case topic::rejections:
  case topic::job_state_changes:
    // People may keep them as long as they like.
    return {{"cleanup.policy", "delete"},
            {"unclean.leader.election.enable", "false"}};
  }
  return {};
}

kafka_log_result open_topic(const kafka_cluster_address& at, topic t,
                            bool create_if_missing) {
  kafka_log_options o;
  o.connection = at.connection;
  o.topic = topic_name(at.prefix, t);
  o.topic_settings = topic_settings(t);
  o.partitions =
      t == topic::heartbeats || t == topic::rejections ? 1 : at.partitions;
  o.replication = at.replication;
  o.create_if_missing = create_if_missing;
  return open_kafka_log(o);
}

} // namespace berth
