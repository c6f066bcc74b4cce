#include "tests/sim/recorder.hpp"

#include "messages/assert.hpp"
#include "tests/sim/simulation.hpp"

#include <algorithm>
#include <utility>

namespace berth::sim {

uint64_t mixed(uint64_t hash, uint64_t value) {
  auto z = (hash ^ value) + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

uint64_t mixed(uint64_t hash, std::string_view text) {
  for (char c : text)
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
  return mixed(hash, text.size());
}

namespace {

/// What tells one entry from another; records are known by place and size.
struct entry_hash {
  uint64_t h;

  template <class... Values>
  uint64_t of(const Values&... values) const {
    auto mixed_in = h;
    ((mixed_in = one(mixed_in, values)), ...);
    return mixed_in;
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  static uint64_t one(uint64_t hash, Number value) {
    return mixed(hash, static_cast<uint64_t>(value));
  }
  static uint64_t one(uint64_t hash, const std::string& text) {
    return mixed(hash, std::string_view{text});
  }
  template <class Tag, class Value>
  static uint64_t one(uint64_t hash, const number_id<Tag, Value>& id) {
    return mixed(hash, static_cast<uint64_t>(id.value));
  }
  static uint64_t one(uint64_t hash, const attempt_id& id) {
    return mixed(mixed(hash, std::string_view{to_string(id.job)}), id.number);
  }

  uint64_t operator()(const call_sent& e) const {
    return of(e.call, e.client, e.node, e.try_number, e.what->index());
  }
  uint64_t operator()(const call_answered& e) const {
    return of(e.call, e.try_number, e.answer->index());
  }
  uint64_t operator()(const call_given_up& e) const {
    return of(e.call, e.try_number);
  }
  uint64_t operator()(const change_spread_over& e) const {
    auto hash = of(e.invocation_id, e.excused.size());
    for (auto node : e.excused)
      hash = mixed(hash, uint64_t{node});
    return hash;
  }
  uint64_t operator()(const record_in_log& e) const {
    return of(e.shard, e.offset, e.by, e.bytes, e.what->body.index());
  }
  uint64_t operator()(const record_visible& e) const {
    return of(e.shard, e.offset);
  }
  uint64_t operator()(const decision_folded& e) const {
    return of(e.node, e.shard, e.offset, e.state_hash.value_or(0));
  }
  uint64_t operator()(const shard_owned& e) const {
    return of(e.node, e.shard, e.at_epoch);
  }
  uint64_t operator()(const shard_reloaded& e) const {
    return of(e.node, e.shard, e.why);
  }
  uint64_t operator()(const checkpoint_written& e) const {
    return of(e.node, e.shard, e.at.folded_offset, e.at.through);
  }
  uint64_t operator()(const node_failed& e) const { return of(e.node, e.why); }
  uint64_t operator()(const dispatch_sent& e) const {
    return of(e.node, e.what->source, e.what->agent.name, e.what->number);
  }
  uint64_t operator()(const agent_offered& e) const {
    return of(e.machine, e.agent.environment, e.capacity.vcpu_milli);
  }
  uint64_t operator()(const process_started& e) const {
    return of(e.pid, e.machine, e.attempt, e.session.keeper_start);
  }
  uint64_t operator()(const process_ended& e) const {
    return of(e.pid, e.attempt, e.exit_code, e.killed);
  }
  uint64_t operator()(const fault_happened& e) const { return of(e.what); }
  uint64_t operator()(const faults_ended&) const { return of(1); }
  uint64_t operator()(const store_refused& e) const {
    return of(e.node, e.shard, e.why);
  }
  uint64_t operator()(const node_started& e) const {
    return of(e.node, e.format);
  }
  uint64_t operator()(const child_started& e) const {
    return of(e.pid, e.machine, e.attempt);
  }
  uint64_t operator()(const child_ended& e) const {
    return of(e.pid, e.attempt);
  }
  uint64_t operator()(const submission_landed& e) const {
    return of(e.partition, e.offset, e.append_ms, *e.text);
  }
  uint64_t operator()(const change_landed& e) const {
    return of(e.partition, e.offset, e.what.shard, e.what.offset,
              e.what.number);
  }
  uint64_t operator()(const rejection_landed& e) const {
    return of(e.offset, e.what.partition, e.what.offset);
  }
};

} // namespace

recorder::recorder(timeline& time,
                   std::vector<std::unique_ptr<checker>> checkers,
                   watcher watch)
    : time_(time), checkers_(std::move(checkers)), watch_(std::move(watch)) {
  for (const auto& name : all_situations())
    situations_[name] = 0;
}

void recorder::add(history_event what) {
  if (found_)
    return;
  history_entry entry{time_.now(), std::move(what)};
  hash_ = mixed(hash_, static_cast<uint64_t>(entry.at));
  hash_ = mixed(hash_, entry.what.index());
  hash_ = std::visit(entry_hash{hash_}, entry.what);
  if (watch_)
    watch_(entry);
  for (const auto& one : checkers_) {
    one->on(entry);
    collect(*one);
  }
}

void recorder::collect(const checker& one) {
  if (!found_ && one.found())
    found_ = one.found();
}

void recorder::situation(std::string_view name, uint64_t times) {
  auto known = situations_.find(std::string(name));
  BERTH_ASSERT(known != situations_.end(), "all_situations() lists it");
  known->second += times;
}

void recorder::fault(std::string_view kind, const std::string& what) {
  ++faults_[std::string(kind)];
  add(fault_happened{what});
}

void recorder::violated(std::string_view checker, std::string what) {
  if (!found_)
    found_ = violation{checker, time_.now(), std::move(what), std::nullopt};
}

void recorder::end() {
  for (const auto& one : checkers_) {
    if (found_)
      return;
    one->on_end(time_.now());
    collect(*one);
  }
}

} // namespace berth::sim
