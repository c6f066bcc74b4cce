#include "storage/kafka_topics.hpp"

#include "storage/kafka_producer.hpp"
#include "storage/kafka_topic.hpp"

#include <utility>

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
  case topic::publisher_cursors:
    return prefix + ".publisher-cursors";
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
  case topic::publisher_cursors:
    // Small segments: only closed ones are compacted.
    return {{"cleanup.policy", "compact"},
            {"segment.bytes", "1048576"},
            {"unclean.leader.election.enable", "false"}};
  case topic::submissions:
  case topic::rejections:
  case topic::job_state_changes:
    // People may keep them as long as they like.
    return {{"cleanup.policy", "delete"},
            {"unclean.leader.election.enable", "false"}};
  }
  return {};
}

namespace {

uint32_t partitions_of(const kafka_cluster_address& at, topic t) {
  return t == topic::heartbeats || t == topic::rejections
                 || t == topic::publisher_cursors
             ? 1
             : at.partitions;
}

class kafka_topic_writer final : public topic_writer {
public:
  kafka_topic_writer(std::unique_ptr<kafka_producer> producer,
                     uint32_t partitions)
      : producer_(std::move(producer)), partitions_(partitions) {}

  uint32_t partitions() const override { return partitions_; }
  void append(shard_id partition, const std::string& key,
              const std::string& bytes, append_callback done) override {
    producer_->append(partition, key, bytes, std::move(done));
  }

private:
  std::unique_ptr<kafka_producer> producer_;
  uint32_t partitions_;
};

} // namespace

kafka_log_result open_topic(const kafka_cluster_address& at, topic t,
                            bool create_if_missing) {
  kafka_log_options o;
  o.connection = at.connection;
  o.topic = topic_name(at.prefix, t);
  o.topic_settings = topic_settings(t);
  o.partitions = partitions_of(at, t);
  o.replication = at.replication;
  o.create_if_missing = create_if_missing;
  // What a producer took back was never submitted.
  o.read_committed = t == topic::submissions;
  o.with_keys = t == topic::submissions;
  return open_kafka_log(o);
}

topic_writer_result open_topic_writer(const kafka_cluster_address& at, topic t,
                                      bool create_if_missing) {
  kafka_topic_wanted wanted;
  wanted.name = topic_name(at.prefix, t);
  wanted.partitions = partitions_of(at, t);
  wanted.replication = at.replication;
  wanted.settings = topic_settings(t);
  wanted.create_if_missing = create_if_missing;
  kafka_topic_found found;
  if (auto error = open_kafka_topic(
          at.connection, wanted, kafka_log_options{}.answer_patience_ms, found))
    return {nullptr, error};
  kafka_producer_options o;
  o.connection = at.connection;
  o.topic = wanted.name;
  o.append_patience_ms = 0;
  std::unique_ptr<kafka_producer> producer;
  if (auto error = kafka_producer::open(std::move(o), producer))
    return {nullptr, error};
  return {std::make_unique<kafka_topic_writer>(std::move(producer),
                                               found.partitions),
          {}};
}

} // namespace berth
