// The options of every command that talks to Kafka.
#pragma once

#include "storage/kafka_topics.hpp"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace berth {

struct kafka_settings_of_command {
  std::string brokers;
  std::string topic_prefix = "berth";
  /// NAME=VALUE, librdkafka's own.
  std::vector<std::string> settings;
};

/// `settings` outlives the parsing. `--brokers` is required where it says so.
void add_kafka_options(CLI::App& command, kafka_settings_of_command& settings,
                       bool required = true);

/// Says what is wrong with a setting, or nothing.
std::optional<std::string> kafka_address(const kafka_settings_of_command& from,
                                         kafka_cluster_address& to);

} // namespace berth
