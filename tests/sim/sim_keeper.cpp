#include "tests/sim/sim_keeper.hpp"

#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "tests/sim/draws.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace berth::sim {

namespace {

/// A process that comes late to its timers finds its socket's frames first.
constexpr double late_timer_mean_us = 5.0 * millisecond;

} // namespace

sim_keeper::sim_keeper(sim_world& world, uint32_t machine,
                       simulated_clock& clock, process_life& os,
                       std::function<void(std::string)> on_event)
    : world_(world), clock_(clock), life_(world.time),
      processes_(world, machine, os,
                 [this](const attempt_id& attempt, const process_end& end) {
                   // A paused keeper reaps when it goes on.
                   life_.bound(
                       [this, attempt, end] { reaped(attempt, end); })();
                 }),
      on_event_(std::move(on_event)) {}

keeper_clock sim_keeper::now() const {
  return {clock_.boottime_ms(world_.now()), clock_.wall_ms(world_.now())};
}

void sim_keeper::start() {
  life_.begin();
  is_starting_ = false;
  is_settling_ = false;
  endings_ = {};
  ends_.clear();
  keeper_settings settings;
  settings.keeper_start = ++start_number_;
  settings.stop_grace_ms = world_.cluster().stop_grace_ms;
  settings.hello.keeper_start = start_number_;
  settings.hello.own_pid_namespace = true;
  machine_ =
      std::make_unique<keeper_machine>(std::move(settings), read_journal());
  journal_.clear();
  for (const auto& kept : machine_->journal())
    journal_.push_back(encode(kept));
}

void sim_keeper::crash() {
  life_.end();
  machine_.reset();
  processes_.kill_all();
}

void sim_keeper::crash_with_machine(random_source& random) {
  crash();
  journal_.resize(random.below(journal_.size() + 1));
}

/// As `report_journal` reads its file.
std::vector<keeper_reports> sim_keeper::read_journal() const {
  std::map<std::tuple<agent_id, session_id, shard_id>, keeper_reports> boxes;
  for (const auto& bytes : journal_) {
    auto kept = decode<keeper_journal_record>(bytes);
    BERTH_ASSERT(kept, "what is kept can be read");
    if (auto* made = std::get_if<keeper_reports>(&kept->body)) {
      auto& box = boxes[{made->agent, made->session, made->destination}];
      box.agent = made->agent;
      box.session = made->session;
      box.destination = made->destination;
      std::move(made->reports.begin(), made->reports.end(),
                std::back_inserter(box.reports));
      continue;
    }
    const auto& done = std::get<keeper_reports_acknowledged>(kept->body);
    auto found = boxes.find({done.agent, done.session, done.destination});
    if (found != boxes.end())
      std::erase_if(found->second.reports,
                    [&](const auto& r) { return r.number <= done.up_to; });
  }
  std::vector<keeper_reports> left;
  for (auto& [key, box] : boxes)
    if (!box.reports.empty())
      left.push_back(std::move(box));
  return left;
}

void sim_keeper::connected() {
  machine_->connected();
  turn();
}

void sim_keeper::disconnected() {
  machine_->disconnected();
  turn();
}

void sim_keeper::take_frame(const std::string& bytes) {
  auto frame = decode<keeper_request_frame>(bytes);
  BERTH_ASSERT(frame, "what an agent sends can be read");
  if (const auto* d = std::get_if<keeper_dispatch>(&frame->body))
    if (const auto* start = std::get_if<start_attempt>(&d->what.body))
      placed_[start->attempt] = {d->what.agent, d->what.session};
  machine_->handle(frame->body, now());
  turn();
}

// Ends.

void sim_keeper::reaped(const attempt_id& attempt, const process_end& end) {
  ends_[attempt] = end;
  machine_->exited(attempt);
  endings_.reaped(attempt, now().boottime_ms);
  settle();
  turn();
}

void sim_keeper::settle() {
  endings_.settle(now().boottime_ms, *this);
  if (!endings_.is_settling() || std::exchange(is_settling_, true))
    return;
  world_.history.situation("child_outlived_its_process");
  life_.after(settle_wait_ms * millisecond, [this] {
    is_settling_ = false;
    settle();
    turn();
  });
}

bool sim_keeper::is_tree_gone(const attempt_id& attempt) const {
  return processes_.is_gone(attempt);
}

void sim_keeper::kill_tree(const attempt_id& attempt) {
  processes_.signal(attempt, true);
}

void sim_keeper::tree_ended(const attempt_id& attempt, bool) {
  machine_->ended(attempt, ends_.extract(attempt).mapped(), now());
}

/// Everything between two waits of `runtime/keeper`.
void sim_keeper::turn() {
  machine_->look_at_clock(now());
  start_attempts();
  finish_turn();
}

void sim_keeper::finish_turn() {
  act();
  machine_->check_invariants();
  look_at_clock_when_due();
}

/// One after the other, and each takes its time.
void sim_keeper::start_attempts() {
  if (is_starting_ || machine_->starts_waiting() == 0)
    return;
  is_starting_ = true;
  life_.after(exponential(world_.random,
                          static_cast<double>(world_.cluster().start_mean_us)),
              [this] { start_one(); });
}

void sim_keeper::start_one() {
  is_starting_ = false;
  auto next = machine_->next_start(now());
  if (!next)
    return finish_turn();
  const auto& [agent, session] = placed_.at(next->attempt);
  processes_.start(*next, agent, session);
  machine_->started(next->attempt, now());
  turn();
}

void sim_keeper::act() {
  for (const auto& action : machine_->take_actions()) {
    if (const auto* s = std::get_if<signal_attempt>(&action))
      processes_.signal(s->attempt, s->kill);
    else if (const auto* r = std::get_if<keep_record>(&action))
      journal_.push_back(encode(r->record));
    else if (const auto* e = std::get_if<send_to_agent>(&action))
      on_event_(encode(keeper_event_frame{e->event}));
    else
      BERTH_ASSERT(false, "nobody ends the keeper or speaks another version");
  }
}

void sim_keeper::look_at_clock_when_due() {
  auto due = machine_->next_deadline_ms();
  if (!due)
    return;
  auto at = std::max(*due, now().boottime_ms + 1);
  auto when = clock_.when(at);
  life_.at(when, [this, when, wake = ++wake_] {
    if (wake != wake_)
      return;
    if (world_.now() == when)
      turn();
    else
      life_.after(exponential(world_.random, late_timer_mean_us),
                  [this] { turn(); });
  });
}

bool sim_keeper::is_quiet() const {
  return machine_ != nullptr && machine_->attempts_alive() == 0
         && machine_->reports_unacknowledged() == 0 && processes_.alive() == 0;
}

} // namespace berth::sim
