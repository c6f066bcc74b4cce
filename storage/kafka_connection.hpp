// How librdkafka is told where the brokers are, and who owns its handles.
#pragma once

#include "storage/log.hpp"

#include <librdkafka/rdkafka.h>
#include <map>
#include <memory>
#include <string>

namespace berth {

struct kafka_connection {
  /// `host:port,...` of some brokers; the rest is learned from them.
  std::string brokers;
  /// librdkafka's own settings, for example `security.protocol`; none of those
  /// on which the log's promises rest (they win).
  std::map<std::string, std::string> settings;
};

struct kafka_deleter {
  void operator()(rd_kafka_t* p) const { rd_kafka_destroy(p); }
  void operator()(rd_kafka_conf_t* p) const { rd_kafka_conf_destroy(p); }
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
  void operator()(rd_kafka_event_t* p) const { rd_kafka_event_destroy(p); }
  void operator()(rd_kafka_topic_partition_list_t* p) const {
    rd_kafka_topic_partition_list_destroy(p);
  }
  void operator()(rd_kafka_AdminOptions_t* p) const {
    rd_kafka_AdminOptions_destroy(p);
  }
  void operator()(rd_kafka_NewTopic_t* p) const {
    rd_kafka_NewTopic_destroy(p);
  }
  void operator()(rd_kafka_ConfigResource_t* p) const {
    rd_kafka_ConfigResource_destroy(p);
  }
  void operator()(const rd_kafka_metadata_t* p) const {
    rd_kafka_metadata_destroy(p);
  }
};
template <class T>
using kafka_owned = std::unique_ptr<T, kafka_deleter>;

using kafka_settings = std::map<std::string, std::string>;

/// The connection's settings, then `ours`. An unknown name or a bad value is
/// `fatal`, with both in the message.
storage_error make_kafka_conf(const kafka_connection& to,
                              const kafka_settings& ours,
                              kafka_owned<rd_kafka_conf_t>& made);

/// Where librdkafka's own log lines go, of clients made from now on; at first
/// they go to stderr. `level` as syslog's: 3 = error, 4 = warning, 6 = info.
using kafka_log_sink = void (*)(int level, const char* topic, const char* text);
void send_kafka_log_to(kafka_log_sink sink);

/// Takes the configuration. `fatal` when librdkafka refuses it.
storage_error open_kafka_handle(rd_kafka_type_t type,
                                kafka_owned<rd_kafka_conf_t> conf,
                                kafka_owned<rd_kafka_t>& opened);

} // namespace berth
