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
    if (record == nullptr || record->what != verdict::valid)
      return violated(at, "node " + std::to_string(f.node)
                              + " folded what is no valid decision: " + where);
    if (!f.state_hash)
      return;
    auto [first, is_new] =
        states_.try_emplace({f.shard, f.offset}, f.node, *f.state_hash);
    if (!is_new && first->second.second != *f.state_hash)
      violated(at, "nodes " + std::to_string(first->second.first) + " and "
                       + std::to_string(f.node)
                       + " are in different states after " + where);
  }

  std::map<std::pair<shard_id, log_offset>, std::pair<uint32_t, uint64_t>>
      states_;
};

} // namespace

made_checker same_state_everywhere(const check_context& c) {
  return std::make_unique<same_state_checker>(c);
}

} // namespace berth::sim
