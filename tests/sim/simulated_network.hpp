// What connects the processes of the world with each other and with the log's
// brokers: messages are late, lost, or held up by cuts, each way by itself.
#pragma once

#include "tests/sim/parameters.hpp"
#include "tests/sim/process_life.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/timeline.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace berth::sim {

/// Something that the network connects.
struct place {
  uint32_t value = 0;
  friend auto operator<=>(const place&, const place&) = default;
};
constexpr place node_place(uint32_t index) {
  return {index};
}
constexpr place machine_place(uint32_t index) {
  return {1000 + index};
}
constexpr place client_place(uint32_t index) {
  return {2000 + index};
}
/// The leader of one partition of the log.
constexpr place broker_place(uint32_t shard) {
  return {3000 + shard};
}

class simulated_network {
public:
  simulated_network(const parameters& with, timeline& time,
                    random_source random);

  /// Brings a request to a process, `arrive`s there, or never.
  void ask(place from, place to, process_life& there,
           std::function<void()> arrive);
  /// The same for what answers it.
  void answer(place from, place to, process_life& there,
              std::function<void()> arrive);

  /// Cuts are counted: as many have to be healed.
  void cut(place from, place to) { ++cuts_[{from, to}]; }
  void heal(place from, place to);
  bool is_cut(place from, place to) const { return cuts_.contains({from, to}); }

  /// From now on nothing is lost or late by chance.
  void end_faults() { faults_on_ = false; }

private:
  void carry(place from, place to, process_life& there, double lost,
             std::function<void()> arrive);

  const parameters& with_;
  timeline& time_;
  random_source random_;
  std::map<std::pair<place, place>, int> cuts_;
  bool faults_on_ = true;
};

} // namespace berth::sim
