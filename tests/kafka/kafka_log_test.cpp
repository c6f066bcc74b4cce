// What is particular to the log on Kafka: its brokers' faults and settings.
#include "storage/kafka_log.hpp"

#include "storage/kafka_topic.hpp"
#include "tests/kafka/kafka_cluster.hpp"
#include "tests/unit/storage/log_fixture.hpp"

#include <atomic>
#include <catch2/catch.hpp>

using namespace berth;
using Catch::Contains;

namespace {

constexpr shard_id first{0};

kafka_log_options fresh_topic(const kafka_cluster& at) {
  static std::atomic<int> last{0};
  kafka_log_options o;
  o.connection = at.connection();
  o.topic = "log-" + std::to_string(++last);
  o.partitions = 1;
  return o;
}

std::unique_ptr<berth::log> must_open(const kafka_log_options& options) {
  auto [opened, error] = open_kafka_log(options);
  INFO(error.message);
  REQUIRE(opened);
  return std::move(opened);
}

/// Of a log whose brokers come and go.
kafka_log_options patient_topic(const kafka_cluster& at) {
  auto o = fresh_topic(at);
  o.connection.settings["log_level"] = "0";
  o.append_patience_ms = 60'000;
  return o;
}

std::string refusal_of(const kafka_log_options& options) {
  auto [opened, error] = open_kafka_log(options);
  REQUIRE_FALSE(opened);
  CHECK(error.code == storage_errc::fatal);
  return error.message;
}

/// Makes a topic with one setting that is not as it should be.
void make_topic(const kafka_log_options& options, const std::string& name,
                const std::string& value) {
  kafka_topic_wanted wanted;
  wanted.name = options.topic;
  wanted.partitions = 1;
  wanted.settings = kafka_log_settings();
  wanted.settings[name] = value;
  kafka_topic_found found;
  REQUIRE_FALSE(open_kafka_topic(options.connection, wanted, 30'000, found));
}

/// Forgets all records before the offset, as retention would.
void delete_records(const kafka_log_options& options, log_offset before) {
  kafka_owned<rd_kafka_conf_t> conf;
  kafka_owned<rd_kafka_t> client;
  REQUIRE_FALSE(make_kafka_conf(options.connection, {}, conf));
  REQUIRE_FALSE(open_kafka_handle(RD_KAFKA_PRODUCER, std::move(conf), client));
  kafka_owned<rd_kafka_topic_partition_list_t> places{
      rd_kafka_topic_partition_list_new(1)};
  rd_kafka_topic_partition_list_add(places.get(), options.topic.c_str(), 0)
      ->offset = before;
  auto* request = rd_kafka_DeleteRecords_new(places.get());
  kafka_owned<rd_kafka_queue_t> answers{rd_kafka_queue_new(client.get())};
  rd_kafka_DeleteRecords(client.get(), &request, 1, nullptr, answers.get());
  kafka_owned<rd_kafka_event_t> answer{
      rd_kafka_queue_poll(answers.get(), 30'000)};
  rd_kafka_DeleteRecords_destroy(request);
  REQUIRE(answer);
  REQUIRE(rd_kafka_event_error(answer.get()) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

log_offset end_of(berth::log& of) {
  collector<log_offset> ends;
  of.end_offset(first,
                [&](log_offset end, const storage_error&) { ends.add(end); });
  REQUIRE(ends.wait(1));
  return ends.values().front();
}

} // namespace

TEST_CASE("an address without a broker is named", "[kafka_log]") {
  kafka_log_options o;
  o.connection.brokers = "127.0.0.1:1";
  o.connection.settings["log_level"] = "0";
  o.answer_patience_ms = 1000;
  CHECK_THAT(refusal_of(o),
             Contains("127.0.0.1:1") && Contains("check the address"));
}

TEST_CASE("a setting that the client does not know is named", "[kafka_log]") {
  auto o = fresh_topic(one_broker());
  o.connection.settings["no.such.setting"] = "7";
  CHECK_THAT(refusal_of(o), Contains("no.such.setting") && Contains("\"7\""));
}

TEST_CASE("a topic that shall not be made is asked for", "[kafka_log]") {
  auto o = fresh_topic(one_broker());
  o.create_if_missing = false;
  CHECK_THAT(refusal_of(o), Contains(o.topic) && Contains("makes it"));
}

TEST_CASE("a wrong setting of the topic comes with the command that mends it",
          "[kafka_log]") {
  auto o = fresh_topic(one_broker());
  auto [name, value, right] =
      GENERATE(table<std::string, std::string, std::string>(
          {{"cleanup.policy", "compact", "delete"},
           {"retention.ms", "604800000", "-1"},
           {"message.timestamp.type", "CreateTime", "LogAppendTime"},
           {"unclean.leader.election.enable", "true", "false"},
           {"max.message.bytes", "1000", "1114112"}}));
  make_topic(o, name, value);
  CHECK_THAT(refusal_of(o),
             Contains(name + " = " + value) && Contains("needs " + right)
                 && Contains("kafka-configs.sh")
                 && Contains("--add-config " + name + "=" + right));
}

TEST_CASE("a larger limit of records than needed is right", "[kafka_log]") {
  auto o = fresh_topic(one_broker());
  make_topic(o, "max.message.bytes", "5000000");
  CHECK(must_open(o)->partitions() == 1);
}

TEST_CASE("two logs of one cluster have different names for ever",
          "[kafka_log]") {
  auto a = fresh_topic(one_broker());
  auto b = fresh_topic(one_broker());
  auto id = must_open(a)->cluster_id();
  CHECK(must_open(a)->cluster_id() == id);
  CHECK(must_open(b)->cluster_id() != id);
}

TEST_CASE("reading what the log has dropped is fatal", "[kafka_log]") {
  auto o = fresh_topic(one_broker());
  auto opened = must_open(o);
  appender to{*opened};
  for (const auto& bytes : numbered(10))
    to.append(first, bytes);
  recorder before{*opened, first, 0};
  REQUIRE(before.wait(10));
  before.stop();
  delete_records(o, 6);
  CHECK(opened->begin_offset(first) == 6);
  recorder dropped{*opened, first, 5};
  recorder kept{*opened, first, 6};
  REQUIRE(kept.wait(4));
  REQUIRE(dropped.wait_for_failure());
  CHECK(dropped.failures()[0].code == storage_errc::fatal);
  CHECK_THAT(dropped.failures()[0].message, Contains("begins at offset 6"));
  CHECK(dropped.records().empty());
}

TEST_CASE("rule Unknown: an append without an answer may be in the log",
          "[kafka_log]") {
  kafka_cluster cluster{1};
  auto o = fresh_topic(cluster);
  o.connection.settings["log_level"] = "0";
  o.append_patience_ms = 1500;
  auto opened = must_open(o);
  appender to{*opened};
  to.append(first, "known");
  // It is read before the acknowledgement is back.
  REQUIRE(to.wait());
  recorder reader{*opened, first, 0};
  REQUIRE(reader.wait(1));
  cluster.pause(0);
  to.append(first, "perhaps");
  REQUIRE(to.wait());
  CHECK(to.answers()[0].outcome == append_outcome::appended);
  CHECK(to.answers()[1].outcome == append_outcome::unknown);
  cluster.go_on(0);
  // Reading tells: what comes after it shows whether it came.
  auto end = end_of(*opened);
  REQUIRE(reader.wait(static_cast<size_t>(end)));
  auto records = bytes_of(reader.records());
  CHECK((records == std::vector<std::string>{"known"}
         || records == std::vector<std::string>{"known", "perhaps"}));
}

TEST_CASE("a broker that dies and returns loses nothing", "[kafka_log]") {
  kafka_cluster cluster{1};
  auto opened = must_open(patient_topic(cluster));
  recorder reader{*opened, first, 0};
  appender to{*opened};
  size_t sent = 0;
  for (int round = 0; round < 2; ++round) {
    for (; sent < 1000 * (static_cast<size_t>(round) + 1); ++sent)
      to.append(first, "record " + std::to_string(sent));
    cluster.kill(0);
    cluster.restart(0);
  }
  REQUIRE(to.wait());
  CHECK(to.count(append_outcome::appended) == sent);
  REQUIRE(reader.wait(sent));
  CHECK(bytes_of(reader.records()) == numbered(sent));
  CHECK(reader.failures().empty());
}

TEST_CASE("with three brokers an acknowledged record outlives any of them",
          "[kafka_log]") {
  kafka_cluster cluster{3};
  auto opened = must_open(patient_topic(cluster));
  recorder reader{*opened, first, 0};
  appender to{*opened};
  size_t sent = 0;
  for (size_t broker = 0; broker < 3; ++broker) {
    for (size_t i = 0; i < 500; ++i, ++sent)
      to.append(first, "record " + std::to_string(sent));
    cluster.kill(broker);
    for (size_t i = 0; i < 500; ++i, ++sent)
      to.append(first, "record " + std::to_string(sent));
    REQUIRE(to.wait());
    cluster.restart(broker);
  }
  CHECK(to.count(append_outcome::appended) == sent);
  REQUIRE(reader.wait(sent));
  CHECK(bytes_of(reader.records()) == numbered(sent));
}

TEST_CASE("the end of a partition is found though its leader has moved",
          "[kafka_log]") {
  kafka_cluster cluster{3};
  auto opened = must_open(patient_topic(cluster));
  appender to{*opened};
  for (size_t broker = 0; broker < 3; ++broker) {
    // So that each look learns a leader that the kill takes away, and whoever
    // returns says that another one leads.
    CHECK(end_of(*opened) == static_cast<log_offset>(broker));
    cluster.kill(broker);
    to.append(first, "record");
    REQUIRE(to.wait());
    cluster.restart(broker);
    CHECK(end_of(*opened) == static_cast<log_offset>(broker) + 1);
    CHECK(opened->begin_offset(first) == 0);
  }
}
