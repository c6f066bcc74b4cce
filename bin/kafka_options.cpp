#include "bin/kafka_options.hpp"

#include <CLI/CLI.hpp>

namespace berth {

void add_kafka_options(CLI::App& command, kafka_settings_of_command& settings,
                       bool required) {
  command
      .add_option("--brokers", settings.brokers,
                  "Kafka brokers, HOST:PORT,HOST:PORT...; some are enough")
      ->envname("BERTH_BROKERS")
      ->required(required);
  command
      .add_option("--topic-prefix", settings.topic_prefix,
                  "Topics are named PREFIX.log and so on")
      ->envname("BERTH_TOPIC_PREFIX")
      ->capture_default_str();
  command
      .add_option("--kafka", settings.settings,
                  "NAME=VALUE, settings of librdkafka such as "
                  "security.protocol=SSL")
      ->type_size(1)
      ->allow_extra_args(false);
}

std::optional<std::string> kafka_address(const kafka_settings_of_command& from,
                                         kafka_cluster_address& to) {
  to.connection.brokers = from.brokers;
  to.prefix = from.topic_prefix;
  for (const auto& text : from.settings) {
    auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return "--kafka " + text + ": give NAME=VALUE";
    to.connection.settings[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return std::nullopt;
}

} // namespace berth
