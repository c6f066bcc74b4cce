#include "storage/kafka_producer.hpp"

#include "messages/assert.hpp"
#include "storage/log_messages.hpp"

#include <array>
#include <utility>

namespace berth {

namespace {

/// The serving thread looks so often whether it shall end; answers wake it at
/// once.
constexpr int serve_ms = 100;

} // namespace

struct kafka_producer::pending_append {
  kafka_producer* owner = nullptr;
  append_callback done;
  size_t charge = 0;
};

kafka_producer::kafka_producer(kafka_producer_options options)
    : options_(std::move(options)) {}

storage_error kafka_producer::open(kafka_producer_options options,
                                   std::unique_ptr<kafka_producer>& opened) {
  std::unique_ptr<kafka_producer> made{new kafka_producer(std::move(options))};
  kafka_owned<rd_kafka_t> handle;
  if (auto error = made->make_handle(handle))
    return error;
  made->handle_ = std::move(handle);
  made->thread_ = std::thread{[p = made.get()] { p->serve_until_closed(); }};
  opened = std::move(made);
  return {};
}

storage_error kafka_producer::make_handle(kafka_owned<rd_kafka_t>& made) {
  kafka_owned<rd_kafka_conf_t> conf;
  auto patience = std::to_string(options_.append_patience_ms);
  // Our own limit of waiting bytes counts; the client's must not come first.
  if (auto error =
          make_kafka_conf(options_.connection,
                          {{"enable.idempotence", "true"},
                           {"acks", "all"},
                           {"linger.ms", "0"},
                           {"message.timeout.ms", patience},
                           {"message.max.bytes", "1100000"},
                           {"queue.buffering.max.messages", "10000000"},
                           {"queue.buffering.max.kbytes", "1048576"}},
                          conf))
    return error;
  rd_kafka_conf_set_dr_msg_cb(conf.get(), on_answer);
  return open_kafka_handle(RD_KAFKA_PRODUCER, std::move(conf), made);
}

void kafka_producer::append(shard_id partition, const std::string& key,
                            const std::string& bytes, append_callback done) {
  if (bytes.size() > log_record_bytes_max)
    return done(append_outcome::refused,
                {storage_errc::none, record_too_long(bytes.size())});
  auto charge = key.size() + bytes.size() + sizeof(pending_append);
  if (pending_bytes_.fetch_add(charge) + charge > options_.pending_bytes_max) {
    pending_bytes_ -= charge;
    return done(
        append_outcome::refused,
        {storage_errc::none, too_much_pending(options_.pending_bytes_max)});
  }
  auto pending = std::make_unique<pending_append>(
      pending_append{this, std::move(done), charge});
  rd_kafka_resp_err_t code{};
  {
    std::lock_guard lock{mutex_};
    code = rd_kafka_producev(
        handle_.get(), RD_KAFKA_V_TOPIC(options_.topic.c_str()),
        RD_KAFKA_V_PARTITION(static_cast<int32_t>(partition.value)),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(bytes.data()), bytes.size()),
        RD_KAFKA_V_OPAQUE(pending.get()), RD_KAFKA_V_END);
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    // The answer owns it now.
    static_cast<void>(pending.release());
    return;
  }
  pending_bytes_ -= charge;
  pending->done(append_outcome::refused,
                {storage_errc::none, std::string{"Kafka takes no record: "}
                                         + rd_kafka_err2str(code)});
}

void kafka_producer::on_answer(rd_kafka_t*, const rd_kafka_message_t* message,
                               void*) {
  std::unique_ptr<pending_append> pending{
      static_cast<pending_append*>(message->_private)};
  auto* owner = pending->owner;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    pending->done(append_outcome::appended, {});
  } else {
    auto never_sent =
        rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
    auto outcome = never_sent && !owner->closing_ ? append_outcome::refused
                                                  : append_outcome::unknown;
    pending->done(outcome,
                  {storage_errc::none,
                   std::string{"Kafka did not acknowledge the record: "}
                       + rd_kafka_err2str(message->err)});
  }
  owner->pending_bytes_ -= pending->charge;
}

void kafka_producer::serve_until_closed() {
  while (!closing_) {
    rd_kafka_poll(handle_.get(), serve_ms);
    renew_if_broken();
  }
}

void kafka_producer::renew_if_broken() {
  std::array<char, 256> why{};
  if (rd_kafka_fatal_error(handle_.get(), why.data(), why.size())
      == RD_KAFKA_RESP_ERR_NO_ERROR)
    return;
  kafka_owned<rd_kafka_t> made;
  // Its settings were good before; if memory or threads are short now, the
  // broken one answers every append until they are not.
  if (make_handle(made))
    return;
  std::shared_ptr<rd_kafka_t> broken;
  {
    std::lock_guard lock{mutex_};
    broken = std::exchange(handle_, std::move(made));
  }
  purge(broken.get());
}

/// Answers everything outstanding.
void kafka_producer::purge(rd_kafka_t* handle) {
  rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (rd_kafka_outq_len(handle) > 0)
    rd_kafka_poll(handle, serve_ms);
}

kafka_producer::~kafka_producer() {
  closing_ = true;
  if (thread_.joinable())
    thread_.join();
  if (handle_)
    purge(handle_.get());
}

} // namespace berth
