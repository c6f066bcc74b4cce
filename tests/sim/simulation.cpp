#include "tests/sim/simulation.hpp"

#include "tests/sim/cluster.hpp"
#include "tests/sim/fault_driver.hpp"
#include "tests/sim/independent_folds.hpp"
#include "tests/sim/rare_moments.hpp"
#include "tests/sim/sim_world.hpp"
#include "tests/sim/switches.hpp"
#include "tests/sim/workload.hpp"

#include <algorithm>

namespace berth::sim {

namespace {

/// Between two looks whether everything is done.
constexpr sim_time look_interval = 250 * millisecond;
/// Once faults have stopped, a workload may take so long to come to its end
/// before what hangs is ended nevertheless.
constexpr sim_time patience = 120 * second;

class simulation_run {
public:
  simulation_run(const parameters& p, const recorder::watcher& watch)
      : switches_(p), world_(p, all_checkers(p),
                             [this, watch](const history_entry& e) {
                               moments_.on(e);
                               if (watch)
                                 watch(e);
                             }),
        cluster_(world_), faults_(world_, cluster_),
        work_(world_.with, world_.random.fork("workload"), cluster_.clients()) {
  }

  run_result run() {
    auto end = world_.with.faults_stop_ms * millisecond
               + world_.with.drain_ms * millisecond;
    world_.time.at(world_.with.faults_stop_ms * millisecond,
                   [this] { faults_.stop(); });
    cluster_.start();
    faults_.start();
    work_.start();
    look_whether_done();
    while (!is_over() && world_.time.step(end))
      continue;
    if (!is_done_ && !world_.history.found())
      world_.history.violated("comes_to_rest", why_not_at_rest());
    auto hash = compare_folds(world_, cluster_);
    world_.history.end();
    return result_with(hash);
  }

private:
  bool is_over() const { return is_done_ || world_.history.found(); }

  void look_whether_done() {
    if (!world_.faults_on) {
      auto late =
          world_.now() > world_.with.faults_stop_ms * millisecond + patience;
      if (!is_draining_ && (work_.is_done() || late)) {
        is_draining_ = true;
        work_.let_drain();
      }
      is_done_ = is_draining_ && work_.is_done() && work_.has_drained()
                 && cluster_.is_quiet();
    }
    world_.time.after(look_interval, [this] { look_whether_done(); });
  }

  std::string why_not_at_rest() const {
    if (!work_.is_done())
      return "the clients have not come to their end";
    if (!work_.has_drained())
      return "jobs have not ended";
    return cluster_.what_is_left();
  }

  run_result result_with(uint64_t state_hash) const {
    run_result r;
    r.final_hash = mixed(world_.history.hash(), state_hash);
    r.found = world_.history.found();
    r.steps = world_.time.steps();
    r.virtual_time = world_.now();
    for (uint32_t i = 0; i < world_.log.partitions(); ++i)
      r.records += world_.log.records(shard_id{i}).size();
    r.jobs_finished = world_.log_watch.jobs_finished();
    r.situations = world_.history.situations();
    for (const auto& [name, times] : moments_.met())
      r.situations[name] += times;
    r.faults = world_.history.faults();
    for (const auto& [place, times] : switches_.rare_ways_taken())
      r.faults["rarely " + place] = times;
    return r;
  }

  switched_run switches_;
  rare_moments moments_;
  sim_world world_;
  cluster cluster_;
  fault_driver faults_;
  workload work_;
  bool is_draining_ = false;
  bool is_done_ = false;
};

} // namespace

run_result run(const parameters& p,
               const std::function<void(const history_entry&)>& watch) {
  return simulation_run(p, watch).run();
}

const std::vector<std::string>& all_situations() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{
        "agent_attached_to_running_attempts",
        "agent_drained",
        "agent_given_up",
        "answer_after_the_client_gave_up",
        "append_landed_after_a_later_one",
        "call_answered_after_it_was_given_up",
        "child_outlived_its_process",
        "decided_ahead",
        "decision_behind_a_gap",
        "decision_ignored_behind_a_gap",
        "decision_landed_twice",
        "dispatch_of_another_session_refused",
        "fenced_decision_ignored",
        "lease_lapsed",
        "repeated_call_answered_as_before",
        "repeated_message_passed_over",
        "resend_across_a_takeover",
        "restart_from_a_stale_store",
        "shard_followed_again",
        "store_behind_the_log",
        "store_full",
        "takeover_in_the_middle_of_long_work",
        "unknown_append_with_effect",
        "unknown_append_without_effect",
        "zombie_append_after_a_new_claim",
    };
    const auto& told = rare_moments::names();
    all.insert(all.end(), told.begin(), told.end());
    std::sort(all.begin(), all.end());
    return all;
  }();
  return names;
}

} // namespace berth::sim
