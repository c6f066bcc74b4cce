#include "tests/sim/simulated_network.hpp"

#include "tests/sim/draws.hpp"

namespace berth::sim {

namespace {

/// Slow ones take this long on average: longer than callers wait.
constexpr double slow_mean_us = 6.0 * second;

} // namespace

simulated_network::simulated_network(const parameters& with, timeline& time,
                                     random_source random)
    : with_(with), time_(time), random_(random) {}

void simulated_network::ask(place from, place to, process_life& there,
                            std::function<void()> arrive) {
  carry(from, to, there, with_.faults.call_lost, std::move(arrive));
}

void simulated_network::answer(place from, place to, process_life& there,
                               std::function<void()> arrive) {
  carry(from, to, there, with_.faults.call_answer_lost, std::move(arrive));
}

void simulated_network::carry(place from, place to, process_life& there,
                              double lost, std::function<void()> arrive) {
  auto delay =
      exponential(random_, static_cast<double>(with_.cluster.call_mean_us));
  if (faults_on_) {
    if (random_.chance(lost))
      return;
    if (random_.chance(with_.faults.call_slow))
      delay = exponential(random_, slow_mean_us);
  }
  there.after(delay, [this, from, to, arrive = std::move(arrive)] {
    if (!is_cut(from, to))
      arrive();
  });
}

void simulated_network::heal(place from, place to) {
  auto found = cuts_.find({from, to});
  if (found != cuts_.end() && --found->second == 0)
    cuts_.erase(found);
}

} // namespace berth::sim
