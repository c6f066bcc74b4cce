#include "tests/sim/node_shard.hpp"

#include "messages/codec.hpp"
#include "messages/keeper_protocol.hpp"
#include "tests/sim/draws.hpp"
#include "tests/sim/sim_node.hpp"

#include <algorithm>

namespace berth::sim {

namespace {

/// States are compared after every record with such an offset, and at the end.
constexpr log_offset offsets_between_hashes = 16;
constexpr double write_mean_us = 2.0 * millisecond;
constexpr sim_time restart_pause = 500 * millisecond;
constexpr char no_space_left[] = "the disk is full";
/// A dispatch without a receipt for so long is sent again.
constexpr sim_time receipt_timeout = 2 * second;

bool is_compared(log_offset at) {
  return at % offsets_between_hashes == offsets_between_hashes - 1;
}

shard_driver_options options_of(sim_node& node, shard_id id,
                                simulated_store& store) {
  shard_driver_options o;
  o.shard = shard_options_of(node.world().with, id);
  o.shard.node = node.name();
  o.shard.endpoint = node.endpoint();
  o.shard.format = node.format();
  o.store_ = store.present();
  o.candidate = false;
  o.followed = id == catalog_shard;
  return o;
}

} // namespace

shard_options shard_options_of(const parameters& p, shard_id id) {
  shard_options o;
  o.state.self = id;
  o.state.catalog.shard_count = p.cluster.shards;
  // The catalog is alone in its shard, or, in one of two runs, is not.
  o.state.catalog.first_environment_shard =
      p.cluster.shards > 1 && p.seed % 2 == 0 ? 1 : 0;
  o.state.environments.head_wait_ms = p.cluster.head_wait_ms;
  o.cluster_id = cluster_id_of_runs;
  o.format = newest_format;
  return o;
}

node_shard::node_shard(sim_node& node, shard_id id, simulated_store& store)
    : node_(node), id_(id), store_(store),
      driver_(options_of(node, id, store), *this), watch_(node, id) {}

node_shard::~node_shard() {
  node_shard::stop_reading();
}

void node_shard::start() {
  driver_.start();
  checkpoint_every_so_often();
}

void node_shard::checkpoint_every_so_often() {
  auto interval = node_.world().cluster().checkpoint_interval_ms * millisecond;
  node_.life().after(interval, [this] {
    driver_.on_checkpoint_due();
    checkpoint_every_so_often();
  });
}

bool node_shard::is_warm() const {
  constexpr log_offset near = 100;
  const auto* m = driver_.machine();
  auto end = static_cast<log_offset>(node_.world().log.records(id_).size());
  return m != nullptr && m->folded_offset() + near >= end;
}

bool node_shard::knows(environment_uid environment) const {
  const auto* m = driver_.machine();
  return m != nullptr && m->state().find_environment(environment) != nullptr;
}

bool node_shard::is_owner() const {
  return driver_.machine() != nullptr
         && driver_.machine()->role() == shard_role::owner;
}

std::string node_shard::what_is_left() const {
  const auto* m = driver_.machine();
  if (driver_.is_at_rest())
    return {};
  if (m == nullptr)
    return "is being reloaded";
  if (m->decision_in_flight())
    return "has a decision in flight";
  if (m->waiting_calls() > 0)
    return "has calls that wait";
  for (const auto& [to, box] : m->state().outboxes())
    if (!box.unrecorded.empty())
      return "has messages to " + to + " that are not recorded as delivered";
  return {};
}

// Reading and appending.

int64_t node_shard::boottime_ms() {
  return node_.clock().boottime_ms(node_.world().now());
}

std::string node_shard::fresh_nonce() {
  return last_nonce_ = node_.random().nonce();
}

void node_shard::start_reading(uint64_t incarnation, log_offset from) {
  stop_reading();
  const auto& records = node_.world().log.records(id_);
  if (from + 1 < static_cast<log_offset>(records.size()))
    node_.world().history.situation("store_behind_the_log");
  reading_began_ = true;
  if (std::exchange(was_at_rest_, false))
    node_.world().history.situation("shard_followed_again");
  reading_ = node_.world().log.start_reading(
      node_.log_client(), id_, from,
      [this, incarnation](const std::vector<log_record>& read) {
        take(incarnation, read);
      });
}

void node_shard::stop_reading() {
  if (reading_ != 0)
    node_.world().log.stop_reading(std::exchange(reading_, 0));
}

/// Up to each record whose state is compared, one by one.
void node_shard::take(uint64_t incarnation,
                      const std::vector<log_record>& records) {
  auto from = records.begin();
  for (auto at = from; at != records.end(); ++at) {
    if (!is_compared(at->offset))
      continue;
    look_at_state(at->offset);
    give(incarnation, {from, std::next(at)});
    from = std::next(at);
    if (incarnation != driver_.incarnation())
      return;
  }
  if (from == records.begin())
    give(incarnation, records);
  else if (from != records.end())
    give(incarnation, {from, records.end()});
}

void node_shard::give(uint64_t incarnation,
                      const std::vector<log_record>& records) {
  auto before = driver_.machine() != nullptr ? driver_.machine()->counters()
                                             : shard_counters{};
  driver_.on_records(incarnation, records);
  stop_watching_when_fenced();
  go_on_at_end();
  if (driver_.machine() == nullptr)
    return;
  tell_claim(*driver_.machine());
  const auto& after = driver_.machine()->counters();
  auto& history = node_.world().history;
  if (after.out_of_sequence > before.out_of_sequence)
    history.situation("decision_ignored_behind_a_gap");
  if (after.fenced > before.fenced)
    history.situation("fenced_decision_ignored");
  if (after.messages_passed_over > before.messages_passed_over)
    history.situation("repeated_message_passed_over");
}

/// Whether it is a decision on top of one that has not landed.
bool node_shard::is_ahead(std::string_view bytes) const {
  auto read = decode<record>(bytes);
  const auto* d = read ? std::get_if<decision_record>(&read->body) : nullptr;
  return d != nullptr && d->seq > driver_.machine()->seq() + 1;
}

/// Those on the way to the log's end are of former owners.
void node_shard::tell_claim(const shard& m) {
  const auto& claim = m.claim_read();
  if (!claim || claim->nonce == claim_told_ || (!is_warm() && !is_owner()))
    return;
  claim_told_ = claim->nonce;
  node_.gateway().on_claim(id_, claim->endpoint);
}

void node_shard::look_at_state(log_offset after) {
  driver_.inspect([this, after](const shard* m) {
    if (m != nullptr && m->folded_offset() < after)
      return false;
    if (m != nullptr && m->folded_offset() == after && !m->decision_in_flight())
      node_.world().history.add(
          decision_folded{node_.index(), id_, after, m->state().hash()});
    return true;
  });
}

void node_shard::when_at_end(std::function<void()> then) {
  node_.world().log.end_offset(node_.log_client(), id_,
                               [this, then = std::move(then)](log_offset end) {
                                 waiting_for_end_.emplace(end, then);
                                 go_on_at_end();
                               });
}

void node_shard::go_on_at_end() {
  const auto* m = driver_.machine();
  while (m != nullptr && !waiting_for_end_.empty()
         && waiting_for_end_.begin()->first <= m->folded_offset() + 1) {
    auto then = waiting_for_end_.begin()->second;
    waiting_for_end_.erase(waiting_for_end_.begin());
    // Behind what the driver has just told.
    node_.life().after(0, then);
  }
}

void node_shard::look_at_end(uint64_t incarnation) {
  node_.world().log.end_offset(node_.log_client(), id_,
                               [this, incarnation](log_offset end) {
                                 driver_.on_end(incarnation, end, {});
                               });
}

void node_shard::append(uint64_t incarnation, std::string bytes) {
  if (is_ahead(bytes))
    node_.world().history.situation("decided_ahead");
  node_.world().log.append(node_.log_client(), id_, std::move(bytes),
                           [this, incarnation](append_outcome outcome) {
                             if (outcome != append_outcome::appended)
                               driver_.on_append_failed(incarnation, outcome,
                                                        {});
                           });
}

void node_shard::append_to(uint64_t incarnation, shard_id to, sending this_time,
                           const std::string& bytes) {
  node_.world().log.append(node_.log_client(), to, bytes,
                           when_sent(incarnation, this_time));
}

std::function<void(append_outcome)>
node_shard::when_sent(uint64_t incarnation, const sending& this_time) {
  return [this, incarnation, this_time](append_outcome outcome) {
    driver_.on_sent(incarnation, this_time,
                    outcome == append_outcome::appended);
  };
}

// Agents.

void node_shard::send(uint64_t incarnation, sending this_time, dispatch what) {
  auto shared = std::make_shared<const dispatch>(std::move(what));
  node_.world().history.add(dispatch_sent{node_.index(), shared});
  if (node_.world().has_leases())
    return send_by_topic(incarnation, this_time, shared);
  node_.bring_to_agent(id_, shared);
  expect_receipt(incarnation, this_time);
}

void node_shard::send_by_topic(uint64_t incarnation, const sending& this_time,
                               const std::shared_ptr<const dispatch>& what) {
  auto partition = node_.partition_of(what->agent);
  if (!partition)
    return;
  node_.world().dispatches.append(
      node_.log_client(), *partition,
      encode(keeper_request_frame{keeper_dispatch{*what}}),
      when_sent(incarnation, this_time));
}

void node_shard::stop_watching_when_fenced() {
  if (is_watching_ && !is_owner()) {
    is_watching_ = false;
    watch_.on_stepped_down();
  }
}

void node_shard::take_call_of_nobody(shard_call call) {
  driver_.on_calls({{no_caller, std::move(call)}});
}

void node_shard::expect_receipt(uint64_t incarnation,
                                const sending& this_time) {
  node_.life().after(receipt_timeout, [this, incarnation, this_time] {
    if (lanes_[this_time.to].taken_up_to < this_time.message_number)
      driver_.on_sent(incarnation, this_time, false);
  });
}

void node_shard::on_taken(const std::string& destination, uint64_t up_to,
                          bool and_no_more) {
  auto& taken = lanes_[destination].taken_up_to;
  taken = std::max(taken, up_to);
  driver_.on_taken(destination, up_to, and_no_more);
}

// The store and time.

void node_shard::write(std::shared_ptr<const row_batch> rows,
                       const checkpoint& at) {
  node_.life().after(
      exponential(node_.random(), write_mean_us),
      [this, rows = std::move(rows), at] {
        if (store_.is_full())
          return refuse_write();
        store_.write(rows, at);
        node_.world().history.add(checkpoint_written{node_.index(), id_, at});
        driver_.on_written({});
      });
}

void node_shard::refuse_write() {
  node_.world().history.add(store_refused{node_.index(), id_, no_space_left});
  node_.world().history.situation("store_full");
  driver_.on_written({storage_errc::fatal, no_space_left});
}

void node_shard::wake_at(int64_t boottime_ms) {
  node_.life().at(node_.clock().when(boottime_ms), [this, wake = ++wake_] {
    if (wake == wake_)
      driver_.on_wake();
  });
}

void node_shard::restart_later() {
  node_.life().after(restart_pause, [this] { driver_.on_restart(); });
}

// Calls.

void node_shard::take_calls(
    sim_node& from, uint64_t life,
    std::vector<std::pair<call_token, shard_call>> calls) {
  for (auto& [token, call] : calls) {
    answers_[++last_token_] = {&from, life, token};
    token = last_token_;
  }
  if (id_ == catalog_shard)
    std::erase_if(calls, [this](const auto& c) {
      if (!std::holds_alternative<barrier_call>(c.second))
        return false;
      when_at_end([this, token = c.first] {
        answer({{token, response{done_response{}}}});
      });
      return true;
    });
  driver_.on_calls(calls);
}

void node_shard::answer(std::vector<call_answer> answers) {
  for (auto& a : answers) {
    auto found = answers_.find(a.token);
    if (found == answers_.end())
      continue;
    auto to = found->second;
    answers_.erase(found);
    if (to.life == to.to->life().number())
      node_.bring_answer(*to.to, to.token, std::move(a.answer));
  }
}

// What is told.

void node_shard::folded(log_offset at,
                        const std::shared_ptr<const decision_record>& d) {
  node_.world().history.add(
      decision_folded{node_.index(), id_, at, std::nullopt});
  if (id_.value == 0)
    node_.gateway().on_folded(at, *d);
  if (is_watching_)
    watch_.on_decision(*d);
}

void node_shard::catalog_loaded(std::shared_ptr<std::vector<row>> rows) {
  node_.gateway().on_catalog(*rows);
}

void node_shard::owned() {
  node_.world().history.add(shard_owned{
      node_.index(), id_, driver_.machine()->current_epoch(), last_nonce_});
  if (node_.world().has_leases()) {
    is_watching_ = true;
    watch_.on_claim(driver_.machine()->state());
  }
  const auto& boxes = driver_.machine()->state().outboxes();
  auto resent = std::any_of(boxes.begin(), boxes.end(), [](const auto& box) {
    return !box.second.unrecorded.empty();
  });
  if (resent)
    node_.world().history.situation("resend_across_a_takeover");
  if (driver_.machine()->state().jobs().has_work())
    node_.world().history.situation("takeover_in_the_middle_of_long_work");
  if (auto* topics = node_.topics())
    topics->on_owned(id_);
}

void node_shard::disowned() {
  if (auto* topics = node_.topics())
    topics->on_disowned(id_);
}

void node_shard::resting() {
  lanes_.clear();
  claim_told_.clear();
  was_at_rest_ = reading_began_;
  node_.gateway().on_at_rest(id_);
}

void node_shard::reloading(const std::string& why) {
  // What is sent anew waits for receipts of its own.
  lanes_.clear();
  node_.world().history.add(shard_reloaded{node_.index(), id_, why});
  if (std::exchange(is_watching_, false))
    watch_.on_stepped_down();
}

void node_shard::fatal(const std::string& why) {
  if (why == no_space_left)
    node_.stop_for_now(why);
  else
    node_.fail(why);
}

} // namespace berth::sim
