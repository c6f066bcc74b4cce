#include "runtime/shard_host.hpp"

#include "runtime/boottime.hpp"
#include "runtime/random_nonce.hpp"
#include "runtime/shard_driver.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <spdlog/spdlog.h>
#include <utility>

namespace berth {

namespace {

/// Batches of records that may wait for a host; the reading waits beyond.
constexpr size_t waiting_batches_max = 64;
/// Between tries to own the shard.
constexpr std::chrono::milliseconds restart_pause{500};

/// Lets the thread of a reading wait until its host keeps up.
class batch_credit {
public:
  void take() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock,
                  [&] { return waiting_ < waiting_batches_max || closed_; });
    ++waiting_;
  }
  void give_back() {
    std::lock_guard lock{mutex_};
    --waiting_;
    changed_.notify_one();
  }
  void close() {
    std::lock_guard lock{mutex_};
    closed_ = true;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t waiting_ = 0;
  bool closed_ = false;
};

/// Carries what the driver asks for to the log, the store's writer and the
/// node's other actors; what comes of it returns as a message to the host.
class caf_port final : public shard_port {
public:
  caf_port(shard_host_options& options, shard_host_actor::pointer self)
      : options_(options), self_(self) {}
  /// Comes before anything is asked for.
  void belongs_to(const shard_driver& driver) { driver_ = &driver; }

  int64_t boottime_ms() override { return berth::boottime_ms(); }
  std::string fresh_nonce() override { return random_nonce(); }
  void start_reading(uint64_t incarnation, log_offset from) override;
  void stop_reading() override {
    if (credit_)
      credit_->close();
    reading_.reset();
  }
  /// A batch has been handled.
  void give_credit() { credit_->give_back(); }
  void look_at_end(uint64_t incarnation) override;
  void append(uint64_t incarnation, std::string bytes) override;
  void append_to(shard_id to, uint64_t message_number,
                 const std::string& bytes) override;
  void send(dispatch what) override {
    options_.on_dispatch(std::make_shared<const dispatch>(std::move(what)));
  }
  void write(std::shared_ptr<const row_batch> rows,
             const checkpoint& at) override {
    caf::anon_send(options_.store_writer,
                   write_rows{std::move(rows), at, host()});
  }
  void wake_at(int64_t boottime_ms) override {
    auto wait = std::max<int64_t>(boottime_ms - berth::boottime_ms(), 0);
    self_->delayed_send(host(), std::chrono::milliseconds(wait),
                        tick{++tick_generation_});
  }
  bool is_present(const tick& m) const {
    return m.generation == tick_generation_;
  }
  void restart_later() override {
    self_->delayed_send(host(), restart_pause, restart_due{});
  }
  void answer(std::vector<call_answer> answers) override {
    caf::anon_send(options_.gateway, shard_answers{std::move(answers)});
  }
  void folded(log_offset at,
              const std::shared_ptr<const decision_record>& d) override {
    if (shard_number() == 0)
      caf::anon_send(options_.gateway, catalog_folded{d});
    options_.on_folded(at, d);
  }
  void catalog_loaded(std::shared_ptr<std::vector<row>> rows) override {
    caf::anon_send(options_.gateway, berth::catalog_loaded{std::move(rows)});
  }
  void owned() override {
    spdlog::info("shard owned shard={} epoch={} offset={}", shard_number(),
                 driver_->machine()->current_epoch().value,
                 driver_->machine()->folded_offset());
    options_.on_owner();
  }
  void reloading(const std::string& why) override {
    spdlog::warn("shard reloads shard={} reason=\"{}\"", shard_number(), why);
  }
  void fatal(const std::string& why) override { options_.on_fatal(why); }

private:
  shard_host_actor host() { return caf::actor_cast<shard_host_actor>(self_); }
  shard_id partition() const { return options_.shard.state.self; }
  uint32_t shard_number() const { return partition().value; }

  shard_host_options& options_;
  shard_host_actor::pointer self_;
  const shard_driver* driver_ = nullptr;
  std::shared_ptr<batch_credit> credit_;
  std::unique_ptr<log_reading> reading_;
  uint64_t tick_generation_ = 0;
};

void caf_port::start_reading(uint64_t incarnation, log_offset from) {
  credit_ = std::make_shared<batch_credit>();
  reading_ = options_.log_->read(
      partition(), from,
      [host = host(), incarnation,
       credit = credit_](std::vector<log_record> records) {
        credit->take();
        caf::anon_send(
            host,
            records_read{incarnation, std::make_shared<std::vector<log_record>>(
                                          std::move(records))});
      },
      [host = host(), incarnation](storage_error error) {
        caf::anon_send(host, reading_failed{incarnation, std::move(error)});
      });
}

void caf_port::look_at_end(uint64_t incarnation) {
  options_.log_->end_offset(
      partition(),
      [host = host(), incarnation](log_offset end, storage_error error) {
        caf::anon_send(host, end_known{incarnation, end, std::move(error)});
      });
}

void caf_port::append(uint64_t incarnation, std::string bytes) {
  options_.log_->append(
      partition(), std::move(bytes),
      [host = host(), incarnation](append_outcome outcome,
                                   storage_error error) {
        // What was appended will be read back; only failure needs telling.
        if (outcome != append_outcome::appended)
          caf::anon_send(
              host, own_append_failed{incarnation, outcome, std::move(error)});
      });
}

void caf_port::append_to(shard_id to, uint64_t message_number,
                         const std::string& bytes) {
  options_.log_->append(
      to, bytes,
      [host = host(), name = source_name(to),
       message_number](append_outcome outcome, const storage_error&) {
        caf::anon_send(host, delivery_known{name, message_number,
                                            outcome == append_outcome::appended
                                                ? delivery::one
                                                : delivery::failed_from});
      });
}

struct shard_host_state {
  static inline const char* name = "shard_host";

  shard_host_options options;
  std::unique_ptr<caf_port> port;
  std::unique_ptr<shard_driver> driver;

  void start(shard_host_actor::pointer self) {
    port = std::make_unique<caf_port>(options, self);
    driver = std::make_unique<shard_driver>(
        shard_driver_options{options.shard, options.store_, true}, *port);
    port->belongs_to(*driver);
    driver->start();
    checkpoint_later(self);
  }
  void checkpoint_later(shard_host_actor::pointer self) {
    self->delayed_send(
        caf::actor_cast<shard_host_actor>(self),
        std::chrono::milliseconds(options.checkpoint_interval_ms),
        checkpoint_due{});
  }
};

shard_host_actor::behavior_type
shard_host_behavior(shard_host_actor::stateful_pointer<shard_host_state> self,
                    shard_host_options options) {
  self->state.options = std::move(options);
  self->state.start(self);
  return {
      [self](const records_read& m) {
        auto& st = self->state;
        // An older reading's credit is closed with it.
        if (m.incarnation == st.driver->incarnation())
          st.port->give_credit();
        st.driver->on_records(m.incarnation, *m.records);
      },
      [self](const own_append_failed& m) {
        self->state.driver->on_append_failed(m.incarnation, m.outcome, m.error);
      },
      [self](const end_known& m) {
        self->state.driver->on_end(m.incarnation, m.end, m.error);
      },
      [self](const delivery_known& m) {
        self->state.driver->on_delivery(m.destination, m.number, m.what);
      },
      [self](const shard_calls& m) { self->state.driver->on_calls(m.calls); },
      [self](const rows_written& m) {
        self->state.driver->on_written(m.error);
      },
      [self](const checkpoint_due&) {
        self->state.checkpoint_later(self);
        self->state.driver->on_checkpoint_due();
      },
      [self](const reading_failed& m) {
        self->state.driver->on_reading_failed(m.incarnation, m.error);
      },
      [self](const inspect_shard& m) { self->state.driver->inspect(m.look); },
      [self](const restart_due&) { self->state.driver->on_restart(); },
      [self](const tick& m) {
        if (self->state.port->is_present(m))
          self->state.driver->on_wake();
      },
      [self](const stop_now&) {
        self->state.port->stop_reading();
        self->quit();
      },
  };
}

struct store_writer_state {
  static inline const char* name = "store_writer";
};

store_writer_actor::behavior_type store_writer_behavior(
    store_writer_actor::stateful_pointer<store_writer_state> self,
    std::shared_ptr<store> store) {
  return {
      [store](const write_rows& m) {
        caf::anon_send(m.then, rows_written{store->write(*m.rows, m.at)});
      },
      [self](const stop_now&) { self->quit(); },
  };
}

} // namespace

shard_host_actor spawn_shard_host(caf::actor_system& system,
                                  shard_host_options options) {
  return system.spawn(shard_host_behavior, std::move(options));
}

store_writer_actor spawn_store_writer(caf::actor_system& system,
                                      std::shared_ptr<store> store) {
  return system.spawn<caf::detached>(store_writer_behavior, std::move(store));
}

} // namespace berth
