#include "runtime/shard_host.hpp"

#include "messages/codec.hpp"
#include "runtime/boottime.hpp"
#include "runtime/random_nonce.hpp"
#include "runtime/row_reader.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <spdlog/spdlog.h>
#include <unordered_map>
#include <utility>

namespace berth {

namespace {

/// Batches of records that may wait for a host; the reading waits beyond.
constexpr size_t waiting_batches_max = 64;
/// Rows loaded from the store at a time.
constexpr size_t load_page_rows = 10'000;
/// Specifications kept decoded for dispatches; an array's children share one.
constexpr size_t cached_specs_max = 256;
/// Between tries to own the shard.
constexpr std::chrono::milliseconds restart_pause{500};
/// Expired jobs whose rows one checkpoint deletes.
constexpr size_t expired_rows_max = 1000;
/// Decisions that came to nothing before the host lets others run.
constexpr int idle_rounds_max = 16;

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

struct shard_host_state {
  static inline const char* name = "shard_host";

  shard_host_options options;
  shard_host_actor::pointer self = nullptr;
  std::unique_ptr<shard> machine;
  std::unique_ptr<row_reader> rows;
  std::shared_ptr<batch_credit> credit;
  std::unique_ptr<log_reading> reading;
  /// Raised with each new machine; what belongs to an older one is ignored.
  uint64_t incarnation = 0;
  uint64_t tick_generation = 0;
  int64_t tick_at_ms = INT64_MAX;
  /// The log's end at the start: claim once it has been folded.
  std::optional<log_offset> claim_at;
  bool owner_told = false;
  bool checkpoint_wanted = false;
  bool writing = false;
  bool reload_after_write = false;
  bool stopping = false;
  std::unordered_map<job_id, shared_job_spec> specs;
  /// Looks that wait for a machine between two decisions.
  std::vector<std::function<bool(const shard&)>> looks;

  void on(const records_read& m);
  void on(const own_append_failed& m);
  void on(const end_known& m);
  void on(const delivery_known& m);
  void on(const shard_calls& m);
  void on(const rows_written& m);
  void on(const checkpoint_due& m);
  void on(const reading_failed& m);
  void on(const inspect_shard& m);
  void on(const restart_due& m);
  void on(const tick& m);
  void on(const stop_now& m);

  void start();
  void load();
  void drive();
  void carry_out(shard_effect& effect, std::vector<call_answer>& answers);
  void send_to_agent(dispatch what);
  void send_to_shard(const send_to_shard_effect& e);
  void append(std::string bytes);
  void look_at_end();
  void reload(const std::string& why);
  void restart();
  void write_checkpoint();
  void schedule_tick();
  void after_fold();
  shared_job_spec spec_of(const job_id& id);
  void fatal(const storage_error& error) { options.on_fatal(error.message); }
};

void shard_host_state::start() {
  ++incarnation;
  owner_told = false;
  claim_at.reset();
  rows = std::make_unique<row_reader>(options.store_);
  machine = std::make_unique<shard>(options.shard);
  machine->on_clock(boottime_ms());
  load();
  credit = std::make_shared<batch_credit>();
  auto host = caf::actor_cast<shard_host_actor>(self);
  auto mine = incarnation;
  reading = options.log_->read(
      options.shard.state.self, machine->resume_offset(),
      [host, mine, credit = credit](std::vector<log_record> records) {
        credit->take();
        caf::anon_send(
            host, records_read{mine, std::make_shared<std::vector<log_record>>(
                                         std::move(records))});
      },
      [host, mine](storage_error error) {
        caf::anon_send(host, reading_failed{mine, std::move(error)});
      });
  look_at_end();
}

void shard_host_state::load() {
  auto at = options.store_->last_checkpoint();
  auto catalog_rows = std::make_shared<std::vector<row>>();
  for (const auto& range : shard_state::live_ranges()) {
    auto from = range.from;
    for (;;) {
      auto page = options.store_->scan(from, range.to, load_page_rows);
      for (const auto& [key, bytes] : page) {
        machine->load_row(key, bytes);
        if (key >= catalog_actor::rows().from && key < catalog_actor::rows().to)
          catalog_rows->emplace_back(key, bytes);
      }
      if (page.size() < load_page_rows)
        break;
      from = page.back().first + '\0';
    }
  }
  machine->finish_load(at);
  if (options.shard.state.self.value == 0)
    caf::anon_send(options.gateway, catalog_loaded{catalog_rows});
}

void shard_host_state::look_at_end() {
  auto host = caf::actor_cast<shard_host_actor>(self);
  options.log_->end_offset(
      options.shard.state.self,
      [host, mine = incarnation](log_offset end, storage_error error) {
        caf::anon_send(host, end_known{mine, end, std::move(error)});
      });
}

void shard_host_state::append(std::string bytes) {
  auto host = caf::actor_cast<shard_host_actor>(self);
  options.log_->append(
      options.shard.state.self, std::move(bytes),
      [host, mine = incarnation](append_outcome outcome, storage_error error) {
        // What was appended will be read back; only failure needs telling.
        if (outcome != append_outcome::appended)
          caf::anon_send(host,
                         own_append_failed{mine, outcome, std::move(error)});
      });
}

void shard_host_state::send_to_shard(const send_to_shard_effect& e) {
  auto host = caf::actor_cast<shard_host_actor>(self);
  options.log_->append(
      e.to, e.bytes,
      [host, name = source_name(e.to), number = e.message_number](
          append_outcome outcome, const storage_error&) {
        caf::anon_send(host, delivery_known{name, number,
                                            outcome == append_outcome::appended
                                                ? delivery::one
                                                : delivery::failed_from});
      });
}

shared_job_spec shard_host_state::spec_of(const job_id& id) {
  if (auto found = specs.find(id); found != specs.end())
    return found->second;
  auto bytes = rows->get(*machine, job_table::body_key(id));
  auto decoded = bytes ? decode<job_spec>(*bytes) : std::nullopt;
  if (!decoded)
    return nullptr;
  if (specs.size() >= cached_specs_max)
    specs.clear();
  auto spec = std::make_shared<const job_spec>(std::move(*decoded));
  specs.emplace(id, spec);
  return spec;
}

void shard_host_state::send_to_agent(dispatch what) {
  if (auto* start = std::get_if<start_attempt>(&what.body)) {
    start->spec = spec_of(start->attempt.job.id);
    // A job that has expired since needs no start any more; an empty body makes
    // the keeper say so.
    if (!start->spec)
      start->spec = std::make_shared<const job_spec>();
  }
  options.on_dispatch(std::make_shared<const dispatch>(std::move(what)));
}

void shard_host_state::carry_out(shard_effect& effect,
                                 std::vector<call_answer>& answers) {
  if (auto* e = std::get_if<append_effect>(&effect)) {
    append(std::move(e->bytes));
  } else if (auto* sent = std::get_if<send_to_shard_effect>(&effect)) {
    send_to_shard(*sent);
  } else if (auto* to_agent = std::get_if<send_to_agent_effect>(&effect)) {
    send_to_agent(std::move(to_agent->what));
  } else if (auto* answer = std::get_if<answer_effect>(&effect)) {
    answers.push_back({answer->token, std::move(answer->answer)});
  } else if (auto* folded = std::get_if<folded_effect>(&effect)) {
    if (options.shard.state.self.value == 0)
      caf::anon_send(options.gateway, catalog_folded{folded->decision});
    options.on_folded(folded->offset, folded->decision);
  } else if (std::holds_alternative<look_at_end_effect>(effect)) {
    look_at_end();
  } else if (auto* broken = std::get_if<reload_effect>(&effect)) {
    reload(broken->why);
  } else if (auto* fatal_one = std::get_if<fatal_effect>(&effect)) {
    options.on_fatal(fatal_one->why);
  }
}

void shard_host_state::drive() {
  if (!machine || stopping)
    return;
  if (auto damage = options.store_->damage())
    return fatal(damage);
  machine->on_clock(boottime_ms());
  for (int round = 0; round < idle_rounds_max; ++round) {
    if (checkpoint_wanted)
      write_checkpoint();
    if (auto needs = machine->prepare_answers())
      machine->answer_questions(rows->fetch(*machine, *needs));
    auto needs = machine->prepare_decision();
    if (!needs)
      break;
    machine->make_decision(rows->fetch(*machine, *needs));
  }
  auto mine = incarnation;
  std::vector<call_answer> answers;
  for (auto& effect : machine->take_effects()) {
    carry_out(effect, answers);
    // A reload has replaced the machine; its effects are void.
    if (mine != incarnation)
      break;
  }
  if (!answers.empty())
    caf::anon_send(options.gateway, shard_answers{std::move(answers)});
  schedule_tick();
}

void shard_host_state::schedule_tick() {
  if (!machine)
    return;
  auto due = machine->next_due_boottime_ms();
  if (!due)
    return;
  auto now = boottime_ms();
  auto at = std::max(*due, now + 1);
  if (at >= tick_at_ms)
    return;
  tick_at_ms = at;
  self->delayed_send(caf::actor_cast<shard_host_actor>(self),
                     std::chrono::milliseconds(at - now),
                     tick{++tick_generation});
}

void shard_host_state::after_fold() {
  if (claim_at && machine->folded_offset() + 1 >= *claim_at
      && machine->role() == shard_role::follower) {
    claim_at.reset();
    machine->claim(random_nonce());
  }
  if (machine->role() == shard_role::owner && !owner_told) {
    owner_told = true;
    spdlog::info("shard owned shard={} epoch={} offset={}",
                 options.shard.state.self.value, machine->current_epoch().value,
                 machine->folded_offset());
    options.on_owner();
  }
}

void shard_host_state::write_checkpoint() {
  if (writing)
    return;
  if (machine->decision_in_flight())
    return;
  if (auto expired = machine->expired_range(expired_rows_max))
    for (const auto& [key, bytes] :
         options.store_->scan(expired->from, expired->to, expired->limit))
      machine->forget_expired(key, bytes);
  auto cut = machine->cut_checkpoint();
  if (!cut)
    return;
  checkpoint_wanted = false;
  writing = true;
  auto batch = std::make_shared<const row_batch>(std::move(cut->rows));
  rows->set_flushing(batch);
  caf::anon_send(
      options.store_writer,
      write_rows{batch, cut->at, caf::actor_cast<shard_host_actor>(self)});
}

void shard_host_state::reload(const std::string& why) {
  spdlog::warn("shard reloads shard={} reason=\"{}\"",
               options.shard.state.self.value, why);
  if (credit)
    credit->close();
  reading.reset();
  machine.reset();
  ++incarnation;
  // A log that refuses (a full disk) would refuse the next claim, too.
  if (!std::exchange(owner_told, false))
    self->delayed_send(caf::actor_cast<shard_host_actor>(self), restart_pause,
                       restart_due{});
  else
    restart();
}

/// The rows on their way to the store are part of what is loaded.
void shard_host_state::restart() {
  if (writing)
    reload_after_write = true;
  else
    start();
}

void shard_host_state::on(const records_read& m) {
  if (m.incarnation != incarnation || !machine)
    return;
  machine->on_clock(boottime_ms());
  for (const auto& r : *m.records)
    machine->on_record(r.offset, r.append_ms, r.bytes);
  credit->give_back();
  std::erase_if(looks, [&](auto& look) { return look(*machine); });
  after_fold();
  drive();
}

void shard_host_state::on(const own_append_failed& m) {
  if (m.incarnation != incarnation || !machine)
    return;
  if (m.error.code == storage_errc::fatal)
    return fatal(m.error);
  machine->on_appended(m.outcome == append_outcome::refused
                           ? shard::appended::no
                           : shard::appended::unknown);
  drive();
}

void shard_host_state::on(const end_known& m) {
  if (m.incarnation != incarnation || !machine)
    return;
  if (m.error)
    return fatal(m.error);
  if (machine->role() == shard_role::follower && !claim_at) {
    claim_at = m.end;
    after_fold();
  } else {
    machine->on_end(m.end);
  }
  drive();
}

void shard_host_state::on(const delivery_known& m) {
  if (!machine)
    return;
  if (m.what == delivery::one)
    machine->on_delivered(m.destination, m.number);
  else if (m.what == delivery::up_to)
    machine->on_delivered_up_to(m.destination, m.number);
  else
    machine->on_delivery_failed(m.destination, m.number);
  drive();
}

void shard_host_state::on(const shard_calls& m) {
  if (!machine) {
    shard_answers turned_away;
    for (const auto& call : m.calls)
      turned_away.answers.push_back(
          {call.first, api_error{api_errc::unavailable,
                                 "the shard is being reloaded; try again"}});
    caf::anon_send(options.gateway, std::move(turned_away));
    return;
  }
  for (const auto& call : m.calls)
    machine->on_call(call.first, call.second);
  drive();
}

void shard_host_state::on(const rows_written& m) {
  writing = false;
  if (rows)
    rows->set_flushing(nullptr);
  if (m.error)
    return fatal(m.error);
  if (std::exchange(reload_after_write, false))
    start();
}

void shard_host_state::on(const checkpoint_due&) {
  if (stopping)
    return;
  self->delayed_send(caf::actor_cast<shard_host_actor>(self),
                     std::chrono::milliseconds(options.checkpoint_interval_ms),
                     checkpoint_due{});
  checkpoint_wanted = true;
  drive();
}

void shard_host_state::on(const reading_failed& m) {
  if (m.incarnation == incarnation)
    fatal(m.error);
}

void shard_host_state::on(const inspect_shard& m) {
  if (!machine || !m.look(*machine))
    looks.push_back(m.look);
}

void shard_host_state::on(const restart_due&) {
  if (!machine && !stopping)
    restart();
}

void shard_host_state::on(const tick& m) {
  if (m.generation != tick_generation)
    return;
  tick_at_ms = INT64_MAX;
  drive();
}

void shard_host_state::on(const stop_now&) {
  stopping = true;
  if (credit)
    credit->close();
  reading.reset();
  self->quit();
}

shard_host_actor::behavior_type
shard_host_behavior(shard_host_actor::stateful_pointer<shard_host_state> self,
                    shard_host_options options) {
  auto& s = self->state;
  s.self = self;
  s.options = std::move(options);
  s.start();
  self->delayed_send(
      caf::actor_cast<shard_host_actor>(self),
      std::chrono::milliseconds(s.options.checkpoint_interval_ms),
      checkpoint_due{});
  return {
      [self](const records_read& m) { self->state.on(m); },
      [self](const own_append_failed& m) { self->state.on(m); },
      [self](const end_known& m) { self->state.on(m); },
      [self](const delivery_known& m) { self->state.on(m); },
      [self](const shard_calls& m) { self->state.on(m); },
      [self](const rows_written& m) { self->state.on(m); },
      [self](const checkpoint_due& m) { self->state.on(m); },
      [self](const reading_failed& m) { self->state.on(m); },
      [self](const inspect_shard& m) { self->state.on(m); },
      [self](const restart_due& m) { self->state.on(m); },
      [self](const tick& m) { self->state.on(m); },
      [self](const stop_now& m) { self->state.on(m); },
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
