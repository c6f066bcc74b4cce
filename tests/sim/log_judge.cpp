#include "tests/sim/log_judge.hpp"

namespace berth::sim {

void log_judge::take(const history_entry& e) {
  if (const auto* r = std::get_if<record_in_log>(&e.what)) {
    auto& records = shards_[r->shard];
    auto place = static_cast<size_t>(r->offset);
    if (place < records.size())
      return;
    auto one = judge(r->shard, *r, e.at);
    // Offsets may have gaps; what is between counts as nothing.
    records.resize(place, one);
    records.push_back(std::move(one));
  } else if (const auto* v = std::get_if<record_visible>(&e.what)) {
    auto& records = shards_[v->shard];
    for (auto i = static_cast<size_t>(v->offset) + 1; i-- > 0;) {
      if (i >= records.size())
        continue;
      if (records[i].visible_at)
        break;
      records[i].visible_at = e.at;
    }
  }
}

log_judge::judged log_judge::judge(shard_id shard, const record_in_log& r,
                                   sim_time at) {
  const auto& records = shards_[shard];
  judged one;
  if (!records.empty()) {
    one.seq = records.back().seq;
    one.claim = records.back().claim;
    one.through = records.back().through;
  }
  one.at = at;
  if (const auto* c = std::get_if<claim_record>(&r.what->body)) {
    one.what = verdict::claim;
    one.claim = r.offset;
    one.what_it_says = r.what;
    nonces_[shard] = c->nonce;
  } else if (const auto* d = std::get_if<decision_record>(&r.what->body)) {
    if (d->at_epoch.value != one.claim || d->nonce != nonces_[shard]) {
      one.what = verdict::fenced;
    } else if (d->seq != one.seq + 1) {
      one.what = verdict::out_of_sequence;
    } else {
      one.what = verdict::valid;
      one.seq = d->seq;
      one.through = d->through;
      one.what_it_says = r.what;
    }
  } else {
    one.what = verdict::message;
    one.what_it_says = r.what;
  }
  return one;
}

const log_judge::judged* log_judge::find(shard_id shard,
                                         log_offset offset) const {
  auto found = shards_.find(shard);
  if (found == shards_.end() || offset < 0
      || static_cast<size_t>(offset) >= found->second.size())
    return nullptr;
  return &found->second[static_cast<size_t>(offset)];
}

const std::vector<log_judge::judged>& log_judge::all(shard_id shard) const {
  static const std::vector<judged> none;
  auto found = shards_.find(shard);
  return found == shards_.end() ? none : found->second;
}

const std::string& log_judge::nonce(shard_id shard) const {
  static const std::string none;
  auto found = nonces_.find(shard);
  return found == nonces_.end() ? none : found->second;
}

} // namespace berth::sim
