#include "storage/kafka_connection.hpp"

#include <array>
#include <atomic>

namespace berth {

namespace {

using error_text = std::array<char, 512>;

std::atomic<kafka_log_sink> log_sink = nullptr;

void forward(const rd_kafka_t*, int level, const char* topic,
             const char* text) {
  if (auto sink = log_sink.load())
    sink(level, topic, text);
}

storage_error set(rd_kafka_conf_t* conf, const std::string& name,
                  const std::string& value) {
  error_text text{};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(),
                        text.size())
      == RD_KAFKA_CONF_OK)
    return {};
  return {storage_errc::fatal, "the Kafka client refuses the setting " + name
                                   + " = \"" + value + "\": " + text.data()};
}

} // namespace

void send_kafka_log_to(kafka_log_sink sink) {
  log_sink = sink;
}

storage_error make_kafka_conf(const kafka_connection& to,
                              const kafka_settings& ours,
                              kafka_owned<rd_kafka_conf_t>& made) {
  made.reset(rd_kafka_conf_new());
  if (log_sink.load() != nullptr)
    rd_kafka_conf_set_log_cb(made.get(), forward);
  for (const auto& [name, value] : to.settings)
    if (auto error = set(made.get(), name, value))
      return error;
  if (auto error = set(made.get(), "bootstrap.servers", to.brokers))
    return error;
  for (const auto& [name, value] : ours)
    if (auto error = set(made.get(), name, value))
      return error;
  return {};
}

storage_error open_kafka_handle(rd_kafka_type_t type,
                                kafka_owned<rd_kafka_conf_t> conf,
                                kafka_owned<rd_kafka_t>& opened) {
  error_text text{};
  opened.reset(rd_kafka_new(type, conf.get(), text.data(), text.size()));
  if (!opened)
    return {storage_errc::fatal,
            std::string{"the Kafka client cannot be made: "} + text.data()};
  // The handle owns it now.
  static_cast<void>(conf.release());
  return {};
}

} // namespace berth
