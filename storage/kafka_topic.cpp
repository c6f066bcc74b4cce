#include "storage/kafka_topic.hpp"

#include "messages/assert.hpp"
#include "storage/log.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

namespace berth {

namespace {

constexpr int replicas_wanted = 3;
/// For one answer: the broker that was asked may be gone without a word.
constexpr int one_answer_patience_ms = 3000;
/// Room for a record's key, headers and batch beside its value.
constexpr size_t batch_overhead_bytes = 64 * 1024;

storage_error fatal(std::string message) {
  return {storage_errc::fatal, std::move(message)};
}

struct topic_shape {
  uint32_t partitions = 0;
  int replication = 0;
};

struct cluster_look {
  int brokers = 0;
  std::optional<topic_shape> topic;
};

/// One admin operation after the other, on one client.
class topic_admin {
public:
  topic_admin(const kafka_connection& to, int patience_ms)
      : to_(to),
        deadline_(clock::now() + std::chrono::milliseconds(patience_ms)) {}

  storage_error open() {
    kafka_owned<rd_kafka_conf_t> conf;
    if (auto error = make_kafka_conf(to_, {}, conf))
      return error;
    if (auto error =
            open_kafka_handle(RD_KAFKA_PRODUCER, std::move(conf), handle_))
      return error;
    answers_.reset(rd_kafka_queue_new(handle_.get()));
    return {};
  }

  storage_error look(const std::string& topic, cluster_look& seen);
  storage_error create(const kafka_topic_wanted& wanted, int replication);
  /// Of a topic that the controller has.
  storage_error settings(const std::string& topic,
                         std::map<std::string, std::string>& found);
  storage_error identify(const std::string& topic, std::string& id);

private:
  using clock = std::chrono::steady_clock;

  int left_ms() const {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline_ - clock::now());
    return static_cast<int>(std::max<int64_t>(left.count(), 1));
  }
  storage_error unreachable(const std::string& why) const {
    return fatal("no Kafka broker answers at " + to_.brokers + " (" + why
                 + "): check the address and that the brokers are up");
  }
  using request = std::function<void(const rd_kafka_AdminOptions_t*)>;
  kafka_owned<rd_kafka_AdminOptions_t> options(rd_kafka_admin_op_t operation);
  /// Makes the request again while it gets no answer. Each may be repeated.
  storage_error ask(rd_kafka_admin_op_t operation, const request& make,
                    kafka_owned<rd_kafka_event_t>& answer);
  storage_error ask_settings(const std::string& topic,
                             kafka_owned<rd_kafka_event_t>& answer);

  const kafka_connection& to_;
  clock::time_point deadline_;
  kafka_owned<rd_kafka_t> handle_;
  kafka_owned<rd_kafka_queue_t> answers_;
};

storage_error topic_admin::look(const std::string& topic, cluster_look& seen) {
  const rd_kafka_metadata_t* raw = nullptr;
  auto code = rd_kafka_metadata(handle_.get(), 1, nullptr, &raw, left_ms());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return unreachable(rd_kafka_err2str(code));
  kafka_owned<const rd_kafka_metadata_t> metadata{raw};
  seen.brokers = metadata->broker_cnt;
  seen.topic.reset();
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const auto& one = metadata->topics[i];
    if (topic != one.topic || one.partition_cnt == 0)
      continue;
    seen.topic = topic_shape{static_cast<uint32_t>(one.partition_cnt),
                             one.partitions[0].replica_cnt};
  }
  return {};
}

kafka_owned<rd_kafka_AdminOptions_t>
topic_admin::options(rd_kafka_admin_op_t operation) {
  kafka_owned<rd_kafka_AdminOptions_t> made{
      rd_kafka_AdminOptions_new(handle_.get(), operation)};
  std::array<char, 256> text{};
  rd_kafka_AdminOptions_set_request_timeout(
      made.get(), std::min(left_ms(), one_answer_patience_ms), text.data(),
      text.size());
  return made;
}

storage_error topic_admin::ask(rd_kafka_admin_op_t operation,
                               const request& make,
                               kafka_owned<rd_kafka_event_t>& answer) {
  for (;;) {
    make(options(operation).get());
    answer.reset(rd_kafka_queue_poll(answers_.get(), -1));
    auto code = rd_kafka_event_error(answer.get());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
      return {};
    if (code != RD_KAFKA_RESP_ERR__TIMED_OUT || clock::now() >= deadline_)
      return unreachable(rd_kafka_event_error_string(answer.get()));
    // Whom to ask is known by the latest look.
    cluster_look unused;
    if (auto error = look({}, unused))
      return error;
  }
}

storage_error topic_admin::create(const kafka_topic_wanted& wanted,
                                  int replication) {
  std::array<char, 512> text{};
  kafka_owned<rd_kafka_NewTopic_t> topic{rd_kafka_NewTopic_new(
      wanted.name.c_str(), static_cast<int>(wanted.partitions), replication,
      text.data(), text.size())};
  if (!topic)
    return fatal("topic " + wanted.name
                 + " cannot be asked for: " + text.data());
  for (const auto& [name, value] : wanted.settings)
    rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
  auto* asked = topic.get();
  kafka_owned<rd_kafka_event_t> answer;
  if (auto error = ask(
          RD_KAFKA_ADMIN_OP_CREATETOPICS,
          [&](const rd_kafka_AdminOptions_t* o) {
            rd_kafka_CreateTopics(handle_.get(), &asked, 1, o, answers_.get());
          },
          answer))
    return error;
  size_t count = 0;
  const auto* const* results = rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(answer.get()), &count);
  BERTH_ASSERT(count == 1, "one topic was asked for");
  auto code = rd_kafka_topic_result_error(results[0]);
  // Another node was as quick, or an earlier try was made after all.
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR
      || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    return {};
  const auto* why = rd_kafka_topic_result_error_string(results[0]);
  return fatal("the brokers do not make topic " + wanted.name + ": "
               + (why != nullptr ? why : rd_kafka_err2str(code)));
}

storage_error topic_admin::ask_settings(const std::string& topic,
                                        kafka_owned<rd_kafka_event_t>& answer) {
  kafka_owned<rd_kafka_ConfigResource_t> resource{
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str())};
  auto* asked = resource.get();
  return ask(
      RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
      [&](const rd_kafka_AdminOptions_t* o) {
        rd_kafka_DescribeConfigs(handle_.get(), &asked, 1, o, answers_.get());
      },
      answer);
}

storage_error topic_admin::settings(const std::string& topic,
                                    std::map<std::string, std::string>& found) {
  kafka_owned<rd_kafka_event_t> answer;
  const rd_kafka_ConfigResource_t* const* results = nullptr;
  // A broker may not know a new topic yet though others do.
  do {
    if (auto error = ask_settings(topic, answer))
      return error;
    size_t resources = 0;
    results = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(answer.get()), &resources);
    BERTH_ASSERT(resources == 1, "one topic was asked for");
  } while (rd_kafka_ConfigResource_error(results[0])
               == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
           && clock::now() < deadline_);
  if (const auto* why = rd_kafka_ConfigResource_error_string(results[0]))
    return fatal("the settings of topic " + topic + " cannot be read: " + why);
  size_t count = 0;
  const auto* const* entries =
      rd_kafka_ConfigResource_configs(results[0], &count);
  for (size_t i = 0; i < count; ++i)
    if (const auto* value = rd_kafka_ConfigEntry_value(entries[i]))
      found[rd_kafka_ConfigEntry_name(entries[i])] = value;
  return {};
}

/// 128 bits of FNV-1a, two times 64 with different starts, printed as a UUID.
std::string uuid_of(const std::string& text) {
  std::array<uint64_t, 2> hash{0xcbf29ce484222325ULL, 0x84222325cbf29ce4ULL};
  for (auto& h : hash)
    for (char c : text)
      h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
  std::string digits;
  for (auto h : hash)
    for (int shift = 60; shift >= 0; shift -= 4)
      digits += "0123456789abcdef"[(h >> shift) & 15];
  for (size_t at : {8, 13, 18, 23})
    digits.insert(at, "-");
  return digits;
}

storage_error topic_admin::identify(const std::string& topic, std::string& id) {
  auto* cluster = rd_kafka_clusterid(handle_.get(), left_ms());
  if (cluster == nullptr)
    return unreachable("they do not say which cluster they are");
  id = uuid_of(std::string{cluster} + "/" + topic);
  rd_kafka_mem_free(handle_.get(), cluster);
  return {};
}

std::string mend(const kafka_connection& to, const std::string& topic,
                 const std::string& name, const std::string& value) {
  return "kafka-configs.sh --bootstrap-server " + to.brokers
         + " --alter --entity-type topics --entity-name " + topic
         + " --add-config " + name + "=" + value;
}

storage_error check(const kafka_connection& to,
                    const kafka_topic_wanted& wanted, const topic_shape& shape,
                    const std::map<std::string, std::string>& found) {
  auto expected = wanted.settings;
  if (shape.replication >= replicas_wanted)
    expected["min.insync.replicas"] = "2";
  for (const auto& [name, value] : expected) {
    auto is = found.find(name);
    if (is != found.end() && is->second == value)
      continue;
    auto at_least =
        name == "max.message.bytes" || name == "min.insync.replicas";
    if (is != found.end() && at_least
        && std::stoll(is->second) >= std::stoll(value))
      continue;
    return fatal("topic " + wanted.name + " has " + name + " = "
                 + (is == found.end() ? "(nothing)" : is->second)
                 + ", but Berth needs " + value
                 + "; set it with: " + mend(to, wanted.name, name, value));
  }
  return {};
}

} // namespace

std::map<std::string, std::string> kafka_log_settings() {
  return {{"cleanup.policy", "delete"},
          {"retention.ms", "-1"},
          {"retention.bytes", "-1"},
          {"message.timestamp.type", "LogAppendTime"},
          {"unclean.leader.election.enable", "false"},
          {"max.message.bytes",
           std::to_string(log_record_bytes_max + batch_overhead_bytes)}};
}

storage_error open_kafka_topic(const kafka_connection& to,
                               const kafka_topic_wanted& wanted,
                               int patience_ms, kafka_topic_found& found) {
  topic_admin admin{to, patience_ms};
  if (auto error = admin.open())
    return error;
  cluster_look seen;
  if (auto error = admin.look(wanted.name, seen))
    return error;
  if (!seen.topic) {
    if (!wanted.create_if_missing)
      return fatal("there is no topic " + wanted.name + " at " + to.brokers
                   + " (check --brokers and --topic-prefix; a scheduler node "
                     "with a new data folder makes it)");
    auto replication = wanted.replication != 0
                           ? wanted.replication
                           : std::min(seen.brokers, replicas_wanted);
    auto asked = wanted;
    if (replication >= replicas_wanted)
      asked.settings["min.insync.replicas"] = "2";
    if (auto error = admin.create(asked, replication))
      return error;
    // A broker may not know it yet though the controller does.
    do
      if (auto error = admin.look(wanted.name, seen))
        return error;
    while (!seen.topic);
  }
  std::map<std::string, std::string> settings;
  if (auto error = admin.settings(wanted.name, settings))
    return error;
  if (auto error = check(to, wanted, *seen.topic, settings))
    return error;
  found.partitions = seen.topic->partitions;
  found.replication = seen.topic->replication;
  return admin.identify(wanted.name, found.cluster_id);
}

} // namespace berth
