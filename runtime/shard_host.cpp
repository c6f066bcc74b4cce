#include "runtime/shard_host.hpp"

#include "actors/stable_hash.hpp"
#include "messages/codec.hpp"
#include "messages/keeper_protocol.hpp"
#include "runtime/batch_credit.hpp"
#include "runtime/boottime.hpp"
#include "runtime/random_nonce.hpp"
#include "runtime/shard_driver.hpp"
#include "runtime/shard_watch.hpp"

#include <algorithm>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <iterator>
#include <map>
#include <optional>
#include <spdlog/spdlog.h>
#include <utility>

namespace berth {

namespace {

/// Records that a follower may lack and still take the shard over at once.
constexpr log_offset warm_within = 1000;
/// Between tries to own the shard.
constexpr std::chrono::milliseconds restart_pause{500};

/// Carries what the driver asks for to the log, the store's writer and the
/// node's other actors; what comes of it returns as a message to the host.
class caf_port final : public shard_port {
public:
  caf_port(shard_host_options& options, shard_host_actor::pointer self);
  /// Comes before anything is asked for.
  void belongs_to(const shard_driver& driver) { driver_ = &driver; }
  /// In a cluster.
  shard_watch* watch() { return watch_ ? &*watch_ : nullptr; }
  /// After what may have changed where the shard stands.
  void look_around();
  void tell_stand();
  void tell_stand(log_offset end);
  shard_stands stand() const;
  void when_folded_to_end(const fold_awaited& m);
  void on_awaited_end(const awaited_end_known& m);

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
  void append_to(uint64_t incarnation, shard_id to, sending this_time,
                 const std::string& bytes) override;
  void send(uint64_t incarnation, sending this_time, dispatch what) override;
  void write(std::shared_ptr<const row_batch> rows,
             const checkpoint& at) override {
    caf::anon_send(
        options_.store_writer,
        write_rows{std::move(rows), at, host(),
                   driver_->machine() != nullptr
                       && driver_->machine()->role() == shard_role::owner});
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
  void answer(std::vector<call_answer> answers) override;
  void folded(log_offset at,
              const std::shared_ptr<const decision_record>& d) override {
    if (watch_)
      watch_->on_decision(*d);
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
  void disowned() override { options_.on_disowned(); }
  void resting() override;
  void reloading(const std::string& why) override {
    spdlog::warn("shard reloads shard={} reason=\"{}\"", shard_number(), why);
  }
  void fatal(const std::string& why) override { options_.on_fatal(why); }

private:
  void tell_claim(const shard& m);
  append_callback when_sent(uint64_t incarnation, sending this_time);
  shard_host_actor host() { return caf::actor_cast<shard_host_actor>(self_); }
  shard_id partition() const { return options_.shard.state.self; }
  uint32_t shard_number() const { return partition().value; }

  shard_host_options& options_;
  shard_host_actor::pointer self_;
  const shard_driver* driver_ = nullptr;
  std::shared_ptr<batch_credit> credit_;
  std::unique_ptr<log_reading> reading_;
  uint64_t tick_generation_ = 0;

  // In a cluster.
  std::optional<shard_watch> watch_;
  bool is_warm_ = false;
  std::optional<epoch> epoch_told_;
  /// By their nonces.
  std::string claim_seen_;
  std::string claim_told_;
  /// By the end that each waits for.
  std::multimap<log_offset, std::function<void(const storage_error&)>> awaited_;
};

caf_port::caf_port(shard_host_options& options, shard_host_actor::pointer self)
    : options_(options), self_(self) {
  if (!options_.cluster)
    return;
  shard_watch_ports ports;
  ports.look_at_heartbeats_end = [this](uint64_t look) {
    options_.cluster->on_heartbeats_look({partition(), look});
  };
  ports.give_up = [this](agent_lost_call lost) {
    spdlog::warn("agent given up shard={} agent={}", shard_number(),
                 lost.agent.name);
    self_->send(host(), shard_calls{{{no_caller, std::move(lost)}}});
  };
  ports.wake_at = [this](int64_t at_ms) {
    auto wait = std::max<int64_t>(at_ms - berth::boottime_ms(), 0);
    self_->delayed_send(host(), std::chrono::milliseconds(wait), watch_due{});
  };
  watch_.emplace(options_.cluster->watch, std::move(ports));
}

/// In a cluster dispatches go by topic, and have reached the agent once they
/// are in it.
void caf_port::send(uint64_t incarnation, sending this_time, dispatch what) {
  if (!options_.cluster)
    return options_.on_dispatch(
        std::make_shared<const dispatch>(std::move(what)));
  auto& topic = *options_.cluster->dispatches;
  shard_id to{dispatch_partition(what.agent, topic.partitions())};
  topic.append(to,
               encode(keeper_request_frame{keeper_dispatch{std::move(what)}}),
               when_sent(incarnation, std::move(this_time)));
}

append_callback caf_port::when_sent(uint64_t incarnation, sending this_time) {
  return [host = host(), incarnation, this_time = std::move(this_time)](
             append_outcome outcome, const storage_error&) {
    caf::anon_send(host, sending_known{incarnation, this_time,
                                       outcome == append_outcome::appended});
  };
}

void caf_port::answer(std::vector<call_answer> answers) {
  if (options_.cluster) {
    auto first_of_peers = std::stable_partition(
        answers.begin(), answers.end(),
        [](const auto& a) { return a.token < peer_tokens; });
    shard_answers to_peers;
    std::move(first_of_peers, answers.end(),
              std::back_inserter(to_peers.answers));
    answers.erase(first_of_peers, answers.end());
    if (!to_peers.answers.empty())
      caf::anon_send(options_.cluster->door, std::move(to_peers));
  }
  if (!answers.empty())
    caf::anon_send(options_.gateway, shard_answers{std::move(answers)});
}

void caf_port::look_around() {
  if (!options_.cluster)
    return;
  const auto* m = driver_->machine();
  watch_->look_at(m);
  if (m == nullptr)
    return;
  if (epoch_told_ != m->current_epoch()) {
    epoch_told_ = m->current_epoch();
    options_.cluster->on_epoch(*epoch_told_);
  }
  tell_claim(*m);
  while (!awaited_.empty()
         && awaited_.begin()->first <= m->folded_offset() + 1) {
    awaited_.begin()->second({});
    awaited_.erase(awaited_.begin());
  }
}

void caf_port::tell_claim(const shard& m) {
  const auto& claim = m.claim_read();
  if (!claim)
    return;
  if (claim->nonce != claim_seen_) {
    claim_seen_ = claim->nonce;
    options_.cluster->on_claim(*claim);
    tell_stand();
  }
  // Those on the way to the log's end are of former owners.
  if ((is_warm_ || m.role() == shard_role::owner)
      && claim->nonce != claim_told_) {
    claim_told_ = claim->nonce;
    options_.cluster->on_claimed_by(*claim);
  }
}

void caf_port::resting() {
  spdlog::info("shard at rest shard={}", shard_number());
  epoch_told_.reset();
  claim_seen_.clear();
  claim_told_.clear();
  is_warm_ = false;
  caf::anon_send(options_.gateway, shard_at_rest{partition()});
  tell_stand();
}

void caf_port::tell_stand() {
  const auto* m = driver_->machine();
  if (driver_->is_at_rest() || (m != nullptr && m->role() == shard_role::owner))
    return options_.cluster->on_stand(stand());
  options_.log_->end_offset(
      partition(), [host = host()](log_offset end, const storage_error& error) {
        if (!error)
          caf::anon_send(host, stand_known{end});
      });
}

void caf_port::tell_stand(log_offset end) {
  const auto* m = driver_->machine();
  is_warm_ = m != nullptr && m->folded_offset() + warm_within >= end;
  options_.cluster->on_stand(stand());
  look_around();
}

shard_stands caf_port::stand() const {
  shard_stands s;
  s.shard = partition();
  s.is_warm = is_warm_;
  const auto* m = driver_->machine();
  if (m == nullptr || m->role() != shard_role::owner)
    return s;
  s.is_owner = s.is_warm = true;
  s.figures = {partition(),
               m->current_epoch(),
               m->folded_offset(),
               m->seq(),
               m->state().jobs().live_count(),
               m->state().runnable_count()};
  return s;
}

void caf_port::when_folded_to_end(const fold_awaited& m) {
  options_.log_->end_offset(
      partition(),
      [host = host(), done = m.done](log_offset end, storage_error error) {
        caf::anon_send(host, awaited_end_known{done, end, std::move(error)});
      });
}

void caf_port::on_awaited_end(const awaited_end_known& m) {
  if (m.error)
    return m.done(m.error);
  awaited_.emplace(m.end, m.done);
  look_around();
}

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

void caf_port::append_to(uint64_t incarnation, shard_id to, sending this_time,
                         const std::string& bytes) {
  options_.log_->append(to, bytes,
                        when_sent(incarnation, std::move(this_time)));
}

struct shard_host_state {
  static inline const char* name = "shard_host";

  shard_host_options options;
  std::unique_ptr<caf_port> port;
  std::unique_ptr<shard_driver> driver;

  shard_host_actor::pointer self = nullptr;
  /// What this node's part in the shard is to be once its store was renewed.
  std::optional<part_chosen> part_after_renewal;

  void start(shard_host_actor::pointer s) {
    self = s;
    port = std::make_unique<caf_port>(options, self);
    driver = std::make_unique<shard_driver>(
        shard_driver_options{options.shard, std::move(options.store_),
                             options.candidate, options.followed},
        *port);
    port->belongs_to(*driver);
    driver->start();
    checkpoint_later(self);
  }
  void take(const sending_known& m) {
    driver->on_sent(m.incarnation, m.what, m.arrived);
  }
  void take(const taken_known& m) {
    driver->on_taken(m.destination, m.up_to, m.and_no_more);
  }
  void take(const part_chosen& m);
  void take(const store_renewed& m);
  void play(const part_chosen& part) {
    driver->set_candidate(part.candidate);
    if (!part.candidate)
      driver->set_followed(part.followed);
  }
  void take(const submissions_given& m) {
    m.done(driver->on_submissions(m.source, m.after, *m.what));
  }
  void checkpoint_later(shard_host_actor::pointer self) {
    self->delayed_send(
        caf::actor_cast<shard_host_actor>(self),
        std::chrono::milliseconds(options.checkpoint_interval_ms),
        checkpoint_due{});
  }
};

void shard_host_state::take(const part_chosen& m) {
  if (part_after_renewal) {
    part_after_renewal = m;
    return;
  }
  auto begins = driver->is_at_rest() && (m.candidate || m.followed);
  if (!begins || !options.renews_store)
    return play(m);
  part_after_renewal = m;
  driver->set_store(nullptr);
  caf::anon_send(options.store_writer,
                 renew_store{caf::actor_cast<shard_host_actor>(self)});
}

void shard_host_state::take(const store_renewed& m) {
  if (m.error)
    return options.on_fatal(m.error.message);
  driver->set_store(m.renewed);
  play(*std::exchange(part_after_renewal, std::nullopt));
}

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
        st.port->look_around();
      },
      [self](const own_append_failed& m) {
        self->state.driver->on_append_failed(m.incarnation, m.outcome, m.error);
        self->state.port->look_around();
      },
      [self](const end_known& m) {
        self->state.driver->on_end(m.incarnation, m.end, m.error);
      },
      [self](const sending_known& m) { self->state.take(m); },
      [self](const taken_known& m) { self->state.take(m); },
      [self](const shard_calls& m) { self->state.driver->on_calls(m.calls); },
      [self](const submissions_given& m) { self->state.take(m); },
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
      [self](const part_chosen& m) { self->state.take(m); },
      [self](const store_renewed& m) { self->state.take(m); },
      [self](const stand_asked&) { self->state.port->tell_stand(); },
      [self](const stand_known& m) { self->state.port->tell_stand(m.end); },
      [self](const agent_heartbeats_read& m) {
        for (const auto& h : *m.heartbeats)
          self->state.port->watch()->on_heartbeat(h);
      },
      [self](const heartbeats_read_to& m) {
        self->state.port->watch()->on_heartbeats_read(m.look);
      },
      [self](const broker_seen& m) {
        self->state.port->watch()->on_broker(m.is_there);
      },
      [self](const fold_awaited& m) {
        self->state.port->when_folded_to_end(m);
      },
      [self](const awaited_end_known& m) {
        self->state.port->on_awaited_end(m);
      },
      [self](const watch_due&) { self->state.port->watch()->on_wake(); },
      [self](const stop_now&) {
        self->state.port->stop_reading();
        self->quit();
      },
  };
}

struct store_writer_state {
  static inline const char* name = "store_writer";

  std::shared_ptr<store> store_;
  std::optional<store_copies> copies;
  renew_function renew;
  int64_t copied_ms = boottime_ms();

  void copy_when_due();
};

/// A copy that fails costs a fresh node time and nobody else anything.
void store_writer_state::copy_when_due() {
  if (!copies || boottime_ms() - copied_ms < copies->interval_ms)
    return;
  copied_ms = boottime_ms();
  if (auto error = store_->back_up(copies->folder))
    spdlog::warn("shared checkpoint not made: {}", error.message);
}

store_writer_actor::behavior_type store_writer_behavior(
    store_writer_actor::stateful_pointer<store_writer_state> self,
    std::shared_ptr<store> store, std::optional<store_copies> copies,
    renew_function renew) {
  self->state.store_ = std::move(store);
  self->state.copies = std::move(copies);
  self->state.renew = std::move(renew);
  return {
      [self](const write_rows& m) {
        auto error = self->state.store_->write(*m.rows, m.at);
        auto is_well = !error;
        caf::anon_send(m.then, rows_written{std::move(error)});
        if (is_well && m.is_owner)
          self->state.copy_when_due();
      },
      [self](const renew_store& m) {
        auto& st = self->state;
        auto answer = st.renew(std::move(st.store_));
        st.store_ = answer.renewed;
        caf::anon_send(m.then, std::move(answer));
      },
      [self](const stop_now&) { self->quit(); },
  };
}

} // namespace

void ask_replica(const shard_host_actor& catalog,
                 std::function<void(result)> answer) {
  caf::anon_send(catalog, fold_awaited{[answer = std::move(answer)](
                                           const storage_error& error) {
                   if (error)
                     answer(api_error{api_errc::unavailable, error.message});
                   else
                     answer(response{done_response{}});
                 }});
}

shard_host_actor spawn_shard_host(caf::actor_system& system,
                                  shard_host_options options) {
  return system.spawn(shard_host_behavior, std::move(options));
}

store_writer_actor
spawn_store_writer(caf::actor_system& system, std::shared_ptr<store> store,
                   std::optional<store_copies> copies, renew_function renew) {
  return system.spawn<caf::detached>(store_writer_behavior, std::move(store),
                                     std::move(copies), std::move(renew));
}

} // namespace berth
