#include "tests/sim/independent_folds.hpp"

#include <memory>

namespace berth::sim {

namespace {

std::unique_ptr<shard> fold(const sim_world& world, shard_id id,
                            const store* from) {
  auto m = std::make_unique<shard>(shard_options_of(world.with, id));
  if (from != nullptr) {
    for (const auto& range : shard_state::live_ranges())
      for (const auto& [key, bytes] :
           from->scan(range.from, range.to, SIZE_MAX))
        m->load_row(key, bytes);
    m->finish_load(from->last_checkpoint());
  }
  const auto& records = world.log.records(id);
  for (auto at = static_cast<size_t>(m->resume_offset()); at < records.size();
       ++at) {
    const auto& r = records[at];
    m->on_record(r.offset, r.append_ms, r.bytes);
    m->take_effects();
  }
  return m;
}

} // namespace

uint64_t compare_folds(sim_world& world, cluster& all) {
  uint64_t hash = 0;
  for (uint32_t i = 0; i < world.log.partitions(); ++i) {
    shard_id id{i};
    auto last = static_cast<log_offset>(world.log.records(id).size()) - 1;
    if (last < 0)
      continue;
    auto tell = [&](uint32_t node, const shard& m) {
      m.state().check_invariants();
      world.history.add(decision_folded{node, id, last, m.state().hash()});
    };
    auto from_nothing = fold(world, id, nullptr);
    tell(independent_fold, *from_nothing);
    hash = mixed(hash, from_nothing->state().hash());
    for (uint32_t n = 0; n < all.node_count(); ++n) {
      auto& node = all.node(n);
      const auto& kept = *node.store(id).present();
      if (kept.last_checkpoint())
        tell(independent_fold + 1 + n, *fold(world, id, &kept));
      if (!node.is_serving())
        continue;
      const auto* m = node.shard(id).driver().machine();
      if (m != nullptr && m->folded_offset() == last
          && !m->decision_in_flight())
        tell(n, *m);
    }
  }
  return hash;
}

} // namespace berth::sim
