#include "runtime/cluster_report.hpp"

#include "runtime/boottime.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

namespace berth {

namespace {

/// Records of shard 0, the catalog's, that a ready node may lack.
constexpr int64_t lag_max = 1000;

/// How long a node waits for the brokers to say where a shard ends.
constexpr std::chrono::seconds end_patience{2};

/// Nothing when the log does not say.
std::optional<log_offset> end_of(log& of, shard_id shard) {
  auto found = std::make_shared<std::promise<std::optional<log_offset>>>();
  of.end_offset(shard, [found](log_offset end, const storage_error& error) {
    found->set_value(error ? std::nullopt : std::optional(end));
  });
  auto asked = found->get_future();
  return asked.wait_for(end_patience) == std::future_status::ready
             ? asked.get()
             : std::nullopt;
}

cluster_shard describe(const cluster_view& view, const shard_status& status,
                       std::optional<log_offset> end) {
  cluster_shard s;
  s.id = status.id;
  s.owner = view.holders.at(status.id.value);
  s.ranked_first = view.ranked_first.at(status.id.value);
  s.at_epoch = status.epoch;
  s.folded_offset = status.folded_offset;
  s.seq = status.seq;
  s.live_jobs = status.live_jobs;
  s.runnable_jobs = status.runnable_jobs;
  s.lag = end ? std::max<int64_t>(*end - status.folded_offset - 1, 0) : -1;
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
    r.shards.push_back(
        describe(view, status, end_of(of.event_log(), status.id)));
  for (auto& a : view.agents)
    r.agents.push_back({a.said.agent, a.said.session, a.said.environment_shard,
                        boottime_ms() - a.heard_boottime_ms});
  return r;
}

bool sees_everything(const cluster_report& report) {
  return report.is_known && !report.shards.empty()
         && report.shards.front().lag >= 0
         && report.shards.front().lag <= lag_max
         && std::none_of(report.shards.begin(), report.shards.end(),
                         [](const auto& s) { return s.owner.empty(); });
}

} // namespace berth
