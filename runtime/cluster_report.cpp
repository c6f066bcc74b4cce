#include "runtime/cluster_report.hpp"

#include "runtime/boottime.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace berth {

namespace {

/// Records of shard 0, the catalog's, that a ready node may lack.
constexpr int64_t lag_max = 1000;

/// How long a node waits for the brokers to say where its shards end.
constexpr std::chrono::seconds end_patience{2};

/// Asks where shards end, all at once.
class end_question {
public:
  end_question(log& of, uint32_t shards) {
    for (uint32_t i = 0; i < shards; ++i) {
      auto found = std::make_shared<std::promise<std::optional<log_offset>>>();
      asked_.push_back(found->get_future());
      of.end_offset(
          shard_id{i}, [found](log_offset end, const storage_error& error) {
            found->set_value(error ? std::nullopt : std::optional(end));
          });
    }
  }

  /// Nothing when the log does not say in time.
  std::optional<log_offset> of(shard_id shard) {
    auto& one = asked_.at(shard.value);
    return one.wait_until(until_) == std::future_status::ready ? one.get()
                                                               : std::nullopt;
  }

private:
  std::chrono::steady_clock::time_point until_ =
      std::chrono::steady_clock::now() + end_patience;
  std::vector<std::future<std::optional<log_offset>>> asked_;
};

/// Records that this node has not folded; -1 = the log does not say.
int64_t lag_of(const shard_status& status, std::optional<log_offset> end) {
  return end ? std::max<int64_t>(*end - status.folded_offset - 1, 0) : -1;
}

cluster_shard describe(const cluster_view& view, const shard_status& status,
                       std::optional<log_offset> end) {
  cluster_shard s;
  s.id = status.id;
  s.owner = view.holders.at(status.id.value);
  s.ranked_first = view.ranked_first.at(status.id.value);
  s.is_at_rest = status.is_at_rest;
  s.at_epoch = status.epoch;
  s.folded_offset = status.folded_offset;
  s.seq = status.seq;
  s.live_jobs = status.live_jobs;
  s.runnable_jobs = status.runnable_jobs;
  s.lag = status.is_at_rest ? 0 : lag_of(status, end);
  return s;
}

/// What members say of the shards that they own and follow.
void take(const node_heartbeat& said, std::vector<cluster_shard>& shards) {
  auto known = [&](shard_id id) { return id.value < shards.size(); };
  for (auto id : said.warm)
    if (known(id) && shards[id.value].owner != said.node)
      shards[id.value].followers.push_back(said.node);
  for (const auto& f : said.figures) {
    if (!known(f.shard))
      continue;
    auto& s = shards[f.shard.value];
    if (!s.is_at_rest || s.owner != said.node)
      continue;
    s.at_epoch = f.at_epoch.value;
    s.folded_offset = f.folded_offset;
    s.seq = f.seq;
    s.live_jobs = f.live_jobs;
    s.runnable_jobs = f.runnable_jobs;
  }
}

} // namespace

cluster_report report_cluster(node& of, const std::string& name) {
  auto view = of.view();
  cluster_report r;
  r.node = name;
  r.is_known = view.is_known;
  end_question ends{of.event_log(), of.shard_count()};
  for (const auto& status : of.status(false))
    r.shards.push_back(describe(view, status, ends.of(status.id)));
  for (auto& m : view.members) {
    take(m, r.shards);
    r.nodes.push_back({m.node, m.endpoint, m.leaving, std::move(m.owned)});
  }
  for (auto& a : view.agents)
    r.agents.push_back({a.said.agent, a.said.session, a.said.environment_shard,
                        boottime_ms() - a.heard_boottime_ms});
  return r;
}

bool sees_everything(node& of) {
  auto view = of.view();
  if (!view.is_known
      || std::any_of(view.holders.begin(), view.holders.end(),
                     [](const auto& holder) { return holder.empty(); }))
    return false;
  end_question catalog_end{of.event_log(), 1};
  auto catalog = of.status(false).front();
  auto lag = lag_of(catalog, catalog_end.of(catalog.id));
  return lag >= 0 && lag <= lag_max;
}

} // namespace berth
