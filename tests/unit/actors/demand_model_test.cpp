// The demand-and-grant protocol under random histories: several queues and
// environments on several shards, messages between shards delayed at will.
#include "tests/support/demand_world.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace berth::testing {

namespace {

constexpr int64_t largest_vcpus = 4;

environment_settings settings(bool enabled, int64_t max_vcpus,
                              int64_t head_wait_ms) {
  environment_settings s;
  s.state = enabled ? object_state::enabled : object_state::disabled;
  s.type =
      max_vcpus == 0 ? environment_type::unmanaged : environment_type::managed;
  s.max_vcpus = max_vcpus;
  s.head_wait_ms = head_wait_ms;
  return s;
}

template <class T>
const T& any_of(const std::vector<T>& all) {
  return all[*rc::gen::inRange<size_t>(0, all.size())];
}

class random_history {
public:
  /// Queues list at most so many environments.
  random_history(uint32_t shards, size_t listed)
      : shards_(shards), listed_(listed) {
    auto environments = *rc::gen::inRange(1, 5);
    for (int i = 0; i < environments; ++i) {
      auto e = world.add_environment(any_shard(), any_settings());
      environments_.push_back(e);
      // Some get their first agent later, or never before the end.
      if (*rc::gen::inRange(0, 4) != 0)
        join(e);
    }
    auto queues = *rc::gen::inRange(1, 4);
    for (int i = 0; i < queues; ++i)
      queues_.push_back(
          world.add_queue(any_shard(), any_order(), *rc::gen::inRange(0, 3)));
  }

  void step() {
    switch (*rc::gen::inRange(0, 20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return submit();
    case 4:
    case 5:
    case 6:
    case 7:
      return end();
    case 8:
      return withdraw();
    case 9:
      return join(any_of(environments_));
    case 10:
      return world.configure(any_of(environments_), any_settings());
    case 11:
      if (auto queue = any_open_queue())
        world.configure(*queue, any_order(), *rc::gen::inRange(0, 3));
      return;
    case 12:
      if (*rc::gen::inRange(0, 6) == 0 && queues_.size() > 1)
        remove_queue();
      return;
    case 13:
      return world.advance(*rc::gen::inRange<int64_t>(0, 40'000));
    case 14:
      return several_at_once();
    case 15:
      if (*rc::gen::inRange(0, 6) == 0 && environments_.size() > 1)
        remove_environment();
      return;
    default:
      world.deliver(any_shard(), any_shard());
    }
  }

  /// Only what never makes a lease that is on its way unwanted.
  void harmless_step() {
    switch (*rc::gen::inRange(0, 8)) {
    case 0:
    case 1:
      return submit();
    case 2:
    case 3:
      return end();
    case 4:
      return several_at_once();
    case 5:
      return world.advance(*rc::gen::inRange<int64_t>(0, 40'000));
    default:
      world.deliver(any_shard(), any_shard());
    }
  }

  /// Everything is enabled and has agents; jobs end as soon as they run.
  void drain() {
    for (auto e : environments_) {
      world.configure(e, settings(true, 0, 1000));
      ++sessions_;
      world.join(e, "last", make_resources(largest_vcpus), {1, sessions_});
    }
    world.deliver_all();
    for (int round = 0; round < 2000; ++round) {
      auto running = world.running();
      if (running.empty() && world.waiting().empty())
        break;
      RC_ASSERT(!running.empty());
      world.end(running.begin()->first);
      world.deliver_all();
      if (round % 8 == 0)
        world.advance(500);
    }
    RC_ASSERT(world.waiting().empty());
    RC_ASSERT(world.running().empty());
    world.check();
    world.check_balance();
    for (auto e : environments_)
      RC_ASSERT(world.environment(e).vcpu_milli_leased() == 0);
  }

  /// No job waits while an environment of its queue has open room for it.
  void check_no_idle_room() {
    for (const auto& job : world.waiting()) {
      auto queue = world.queue_of(job);
      if (!world.has(queue) || world.queue(queue).is_closing())
        continue;
      for (const auto& at : world.queue(queue).environments())
        RC_ASSERT(
            !has_open_room(world.environment(at.uid), world.shape_of(job)));
    }
  }

  demand_world world;

private:
  static bool has_open_room(const compute_environment_actor& environment,
                            const shape& what) {
    const auto& s = environment.object().settings;
    if (s.state != object_state::enabled)
      return false;
    auto agents = environment.agents();
    auto is_reserved = [](const auto& agent) { return agent.reserved; };
    if (s.type == environment_type::managed
        && (environment.vcpu_milli_leased() + what.each.vcpu_milli
                > s.max_vcpus * 1000
            || std::any_of(agents.begin(), agents.end(), is_reserved)))
      return false;
    return std::any_of(agents.begin(), agents.end(), [&](const auto& agent) {
      return !agent.reserved && fits(what.each, agent.free);
    });
  }

  shard_id any_shard() { return shard_id{*rc::gen::inRange(0U, shards_)}; }

  environment_settings any_settings() {
    auto head_wait_ms = any_of(std::vector<int64_t>{0, 1000, 60'000});
    return settings(*rc::gen::inRange(0, 5) != 0, *rc::gen::inRange(0, 7),
                    head_wait_ms);
  }

  std::vector<environment_uid> any_order() {
    auto all = environments_;
    for (size_t i = all.size(); i > 1; --i)
      std::swap(all[i - 1], all[*rc::gen::inRange<size_t>(0, i)]);
    all.resize(std::min<size_t>(all.size(),
                                *rc::gen::inRange<size_t>(1, listed_ + 1)));
    return all;
  }

  std::optional<queue_uid> any_open_queue() {
    auto queue = any_of(queues_);
    if (!world.has(queue) || world.queue(queue).is_closing())
      return std::nullopt;
    return queue;
  }

  void join(environment_uid e) {
    ++sessions_;
    auto name = any_of(std::vector<std::string>{"a", "b"});
    world.join(e, name, make_resources(*rc::gen::inRange<int64_t>(1, 6)),
               {1, sessions_});
  }

  void submit() {
    if (auto queue = any_open_queue())
      world.submit(*queue,
                   make_shape(*rc::gen::inRange<int64_t>(1, largest_vcpus + 1)),
                   any_of(std::vector<int32_t>{0, 0, 0, 3, 12}));
  }

  void end() {
    if (world.running().empty())
      return;
    auto at = world.running().begin();
    std::advance(at, *rc::gen::inRange<size_t>(0, world.running().size()));
    auto queue = at->second.queue;
    auto retry =
        *rc::gen::inRange(0, 3) == 0 && !world.queue(queue).is_closing();
    world.end(at->first, retry);
  }

  void withdraw() {
    if (world.waiting().empty())
      return;
    auto at = world.waiting().begin();
    std::advance(at, *rc::gen::inRange<size_t>(0, world.waiting().size()));
    world.withdraw(*at);
  }

  void remove_queue() {
    auto at = *rc::gen::inRange<size_t>(0, queues_.size());
    if (world.has(queues_[at]))
      world.remove(queues_[at]);
    queues_.erase(queues_.begin() + static_cast<ptrdiff_t>(at));
  }

  void several_at_once() {
    world.hold();
    for (int i = 0; i < 4; ++i) {
      if (*rc::gen::inRange(0, 2) == 0)
        submit();
      else
        end();
    }
    world.go();
  }

  /// It is in no queue's list any more, as the catalog requires.
  void remove_environment() {
    auto at = *rc::gen::inRange<size_t>(0, environments_.size());
    auto removed = environments_[at];
    environments_.erase(environments_.begin() + static_cast<ptrdiff_t>(at));
    for (auto queue : queues_)
      if (world.has(queue))
        world.configure(queue, any_order(), 1);
    world.remove(removed);
  }

  uint32_t shards_;
  size_t listed_;
  uint64_t sessions_ = 0;
  std::vector<environment_uid> environments_;
  std::vector<queue_uid> queues_;
};

} // namespace

TEST_CASE("on one shard every decision leaves nothing undone, and all drains") {
  auto holds = rc::check("any history: one shard", [] {
    random_history history{1, 3};
    auto steps = *rc::gen::inRange(1, 80);
    for (int i = 0; i < steps; ++i) {
      history.step();
      history.world.check();
      history.world.check_balance();
      history.check_no_idle_room();
    }
    history.drain();
    RC_ASSERT(history.world.rounds_max < 50);
  });
  CHECK(holds);
}

TEST_CASE("with one environment for each queue every lease finds a job, "
          "however late messages are") {
  auto holds = rc::check("any history: one environment each", [] {
    random_history history{3, 1};
    auto steps = *rc::gen::inRange(1, 120);
    for (int i = 0; i < steps; ++i)
      history.harmless_step();
    history.world.deliver_all();
    history.world.check();
    history.world.check_balance();
    RC_ASSERT(history.world.leases_unmatched == 0);
  });
  CHECK(holds);
}

TEST_CASE("across shards, however late messages are, nothing is granted twice "
          "and all drains") {
  auto holds = rc::check("any history: several shards", [] {
    random_history history{3, 3};
    auto steps = *rc::gen::inRange(1, 120);
    for (int i = 0; i < steps; ++i) {
      history.step();
      if (i % 8 == 0)
        history.world.check();
      if (*rc::gen::inRange(0, 16) == 0) {
        history.world.deliver_all();
        history.world.check_balance();
        history.check_no_idle_room();
      }
    }
    history.world.check();
    history.drain();
    RC_ASSERT(history.world.rounds_max < 50);
  });
  CHECK(holds);
}

} // namespace berth::testing
