#include "runtime/cluster_report.hpp"

#include "runtime/boottime.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace berth {

namespace {

/// Records of shard 0, the catalog's, that a ready node may lack.
constexpr int64_t lag_max = 1000;

/// -1 when the log does not say.
log_offset end_of(log& of, shard_id shard) {
  auto found = std::make_shared<std::promise<log_offset>>();
  of.end_offset(shard, [found](log_offset end, const storage_error& error) {
    found->set_value(error ? -1 : end);
  });
  return found->get_future().get();
}

cluster_shard describe(node& of, const cluster_view& view,
                       const shard_status& status) {
  cluster_shard s;
  s.id = status.id;
  s.owner = view.holders.at(status.id.value);
  s.ranked_first = view.ranked_first.at(status.id.value);
  s.at_epoch = status.epoch;
  s.folded_offset = status.folded_offset;
  s.seq = status.seq;
  s.live_jobs = status.live_jobs;
  s.runnable_jobs = status.runnable_jobs;
  auto end = end_of(of.event_log(), status.id);
  s.lag = std::max<int64_t>(end - status.folded_offset - 1, 0);
  return s;
}

} // namespace

cluster_report report_cluster(node& of, const std::string& name) {
  auto view = of.view();
  cluster_report r;
  r.node = name;
  r.is_known = view.is_known;
  for (auto& m : view.members)
    r.nodes.push_back({m.node, m.endpoint, m.leaving, std::move(m.owned)});
  for (const auto& status : of.status(false))
    r.shards.push_back(describe(of, view, status));
  for (auto& a : view.agents)
    r.agents.push_back({a.said.agent, a.said.session, a.said.environment_shard,
                        boottime_ms() - a.heard_boottime_ms});
  return r;
}

bool sees_everything(const cluster_report& report) {
  return report.is_known && !report.shards.empty()
         && report.shards.front().lag <= lag_max
         && std::none_of(report.shards.begin(), report.shards.end(),
                         [](const auto& s) { return s.owner.empty(); });
}

} // namespace berth
