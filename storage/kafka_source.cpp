#include "storage/kafka_source.hpp"

#include <utility>

namespace berth {

storage_error kafka_source::consumer(kafka_owned<rd_kafka_t>& made) const {
  kafka_owned<rd_kafka_conf_t> conf;
  if (auto error = make_kafka_conf(
          options.connection,
          {{"group.id", "berth-unused"},
           {"enable.auto.commit", "false"},
           {"enable.auto.offset.store", "false"},
           {"auto.offset.reset", "error"},
           {"fetch.wait.max.ms", "500"},
           {"fetch.min.bytes", "1"},
           {"fetch.error.backoff.ms", "20"},
           {"check.crcs", "true"},
           {"isolation.level",
            options.read_committed ? "read_committed" : "read_uncommitted"}},
          conf))
    return error;
  return open_kafka_handle(RD_KAFKA_CONSUMER, std::move(conf), made);
}

rd_kafka_resp_err_t kafka_source::look(rd_kafka_t* by, shard_id partition,
                                       int patience_ms,
                                       log_bounds& seen) const {
  auto code =
      ask(by, partition, RD_KAFKA_OFFSET_BEGINNING, patience_ms, seen.begin);
  return code == RD_KAFKA_RESP_ERR_NO_ERROR
             ? look_at_end(by, partition, patience_ms, seen.end)
             : code;
}

rd_kafka_resp_err_t
kafka_source::look_at_end(rd_kafka_t* by, shard_id partition, int patience_ms,
                          log_offset& end) const {
  return ask(by, partition, RD_KAFKA_OFFSET_END, patience_ms, end);
}

void kafka_source::learn_leaders(rd_kafka_t* by, int patience_ms) const {
  auto* topic = rd_kafka_topic_new(by, options.topic.c_str(), nullptr);
  if (topic == nullptr)
    return;
  const struct rd_kafka_metadata* learned = nullptr;
  if (rd_kafka_metadata(by, 0, topic, &learned, patience_ms)
      == RD_KAFKA_RESP_ERR_NO_ERROR)
    rd_kafka_metadata_destroy(learned);
  rd_kafka_topic_destroy(topic);
}

// `rd_kafka_query_watermark_offsets` would wait for a leader that is away
// without looking at its time-out.
rd_kafka_resp_err_t kafka_source::ask(rd_kafka_t* by, shard_id partition,
                                      int64_t which, int patience_ms,
                                      log_offset& found) const {
  kafka_owned<rd_kafka_topic_partition_list_t> asked{
      rd_kafka_topic_partition_list_new(1)};
  rd_kafka_topic_partition_list_add(asked.get(), options.topic.c_str(),
                                    static_cast<int32_t>(partition.value))
      ->offset = which;
  auto code = rd_kafka_offsets_for_times(by, asked.get(), patience_ms);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return code;
  const auto& answer = asked->elems[0];
  if (answer.err == RD_KAFKA_RESP_ERR_NO_ERROR)
    found = answer.offset;
  return answer.err;
}

} // namespace berth
