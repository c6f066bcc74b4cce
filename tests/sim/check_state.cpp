// What nodes make of the log.
#include "tests/sim/checks.hpp"

#include <map>

namespace berth::sim {

namespace {

class same_state_checker final : public log_checker {
public:
  explicit same_state_checker(const check_context& c) : log_checker(c.judge) {}
  std::string_view name() const override { return "same_state_everywhere"; }
  std::string_view promise() const override {
    return "Nodes fold the valid decisions of the log and no others, and the "
           "same ones give the same state everywhere.";
  }

private:
  void on_other(const history_entry& e) override {
    if (const auto* folded = std::get_if<decision_folded>(&e.what))
      look(e.at, *folded);
  }

  void look(sim_time at, const decision_folded& f) {
    auto where = "shard " + std::to_string(f.shard.value) + ", offset "
                 + std::to_string(f.offset);
    const auto* record = judge().find(f.shard, f.offset);
    if (!f.state_hash) {
      if (record == nullptr || record->what != verdict::valid)
        violated(at, "node " + std::to_string(f.node)
                         + " folded what is no valid decision: " + where);
      return;
    }
    if (record == nullptr)
      return;
    // What lies between two valid decisions changes nothing.
    auto [first, is_new] =
        states_.try_emplace({f.shard, record->seq}, f.node, *f.state_hash);
    if (!is_new && first->second.second != *f.state_hash)
      violated(at, "nodes " + std::to_string(first->second.first) + " and "
                       + std::to_string(f.node)
                       + " are in different states after " + where);
  }

  /// By shard and seq: which node was in which state first.
  std::map<std::pair<shard_id, uint64_t>, std::pair<uint32_t, uint64_t>>
      states_;
};

class owners_have_claimed_checker final : public log_checker {
public:
  explicit owners_have_claimed_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "owners_have_claimed"; }
  std::string_view promise() const override {
    return "A node owns a shard only by the claim that it sent last, whatever "
           "its name.";
  }

private:
  void on_other(const history_entry& e) override {
    const auto* owned = std::get_if<shard_owned>(&e.what);
    if (owned == nullptr)
      return;
    const auto* record = judge().find(owned->shard, owned->at_epoch.value);
    const auto* claim =
        record != nullptr && record->what == verdict::claim
            ? std::get_if<claim_record>(&record->what_it_says->body)
            : nullptr;
    if (claim == nullptr || claim->nonce != owned->nonce)
      violated(e.at, "node " + std::to_string(owned->node) + " owns shard "
                         + std::to_string(owned->shard.value)
                         + " by a claim that it did not send last, at offset "
                         + std::to_string(owned->at_epoch.value));
  }
};

class checkpoints_stand_checker final : public log_checker {
public:
  explicit checkpoints_stand_checker(const check_context& c)
      : log_checker(c.judge) {}
  std::string_view name() const override { return "checkpoints_stand"; }
  std::string_view promise() const override {
    return "A checkpoint says truly where it stands: its epoch, seq and "
           "through are those of the log at its offset.";
  }

private:
  void on_other(const history_entry& e) override {
    const auto* c = std::get_if<checkpoint_written>(&e.what);
    if (c == nullptr || c->at.folded_offset < 0)
      return;
    const auto& at = c->at;
    auto where = "the checkpoint of node " + std::to_string(c->node)
                 + " at shard " + std::to_string(c->shard.value) + ", offset "
                 + std::to_string(at.folded_offset);
    const auto* record = judge().find(c->shard, at.folded_offset);
    if (record == nullptr)
      return violated(e.at, where + " is ahead of the log");
    auto differs = [&](const char* what, int64_t said, int64_t is) {
      if (said != is)
        violated(e.at, where + " says " + what + " " + std::to_string(said)
                           + ", it is " + std::to_string(is));
    };
    differs("epoch", at.at_epoch.value, record->claim);
    differs("seq", static_cast<int64_t>(at.seq),
            static_cast<int64_t>(record->seq));
    differs("through", at.through, record->through);
  }
};

class time_goes_on_checker final : public log_checker {
public:
  explicit time_goes_on_checker(const check_context& c)
      : log_checker(c.judge), drift_ppm_(c.of.faults.clock_drift_ppm_max) {}
  std::string_view name() const override { return "time_goes_on"; }
  std::string_view promise() const override {
    return "A shard's time never runs back, and under one owner never faster "
           "than its machine's clock drifts, whatever wall clocks say.";
  }

private:
  struct moment {
    log_offset epoch = -1;
    sim_time claimed_at = 0;
    int64_t first_ms = 0;
    int64_t last_ms = INT64_MIN;
  };

  void on_decision(const decided& d) override {
    auto& m = moments_[d.shard];
    auto now = d.what.at_ms;
    if (now < m.last_ms)
      violated(d.at, "time goes back from " + std::to_string(m.last_ms) + " to "
                         + std::to_string(now) + " (" + place(d) + ")");
    m.last_ms = now;
    if (m.epoch != d.what.at_epoch.value) {
      const auto* claim = judge().find(d.shard, d.what.at_epoch.value);
      m.epoch = d.what.at_epoch.value;
      m.claimed_at = claim ? claim->at : d.at;
      m.first_ms = now;
      return;
    }
    auto elapsed = (d.at - m.claimed_at) / millisecond;
    auto drift = elapsed * drift_ppm_ / 1'000'000;
    if (now - m.first_ms > elapsed + drift + rounding_ms)
      violated(d.at, "time has advanced by " + std::to_string(now - m.first_ms)
                         + " ms in " + std::to_string(elapsed)
                         + " ms under one owner (" + place(d) + ")");
  }

  static constexpr int64_t rounding_ms = 2;

  int64_t drift_ppm_;
  std::map<shard_id, moment> moments_;
};

} // namespace

made_checker owners_have_claimed(const check_context& c) {
  return std::make_unique<owners_have_claimed_checker>(c);
}
made_checker checkpoints_stand(const check_context& c) {
  return std::make_unique<checkpoints_stand_checker>(c);
}
made_checker time_goes_on(const check_context& c) {
  return std::make_unique<time_goes_on_checker>(c);
}
made_checker same_state_everywhere(const check_context& c) {
  return std::make_unique<same_state_checker>(c);
}

} // namespace berth::sim
