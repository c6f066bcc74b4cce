#include "tests/sim/sim_world.hpp"

#include <utility>

namespace berth::sim {

sim_world::sim_world(const parameters& p,
                     std::vector<std::unique_ptr<checker>> checkers,
                     recorder::watcher watch)
    : with(p), random(p.seed),
      history(time, std::move(checkers), std::move(watch)),
      network(with, time, random.fork("network")),
      log_watch(history, with.cluster.shards),
      log(with, time, random.fork("log"), network, with.cluster.shards,
          &log_watch),
      dispatches(with, time, random.fork("dispatches"), network,
                 with.cluster.machines, nullptr),
      heartbeats(with, time, random.fork("heartbeats"), network, 1, nullptr) {
  if (with.workload.by_topic > 0)
    public_topics =
        std::make_unique<public_topics_world>(with, time, network, history);
}

} // namespace berth::sim
