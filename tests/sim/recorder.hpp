// Takes down the history of a run as it happens: for the checkers, for whoever
// watches, and for the hash by which two runs are compared.
#pragma once

#include "tests/sim/checker.hpp"
#include "tests/sim/history.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::sim {

class recorder {
public:
  using watcher = std::function<void(const history_entry&)>;

  recorder(timeline& time, std::vector<std::unique_ptr<checker>> checkers,
           watcher watch);

  void add(history_event what);
  /// A rare situation, one of `all_situations()`.
  void situation(std::string_view name, uint64_t times = 1);
  /// `kind` is counted, `what` is told.
  void fault(std::string_view kind, const std::string& what);
  /// What only the world itself can see.
  void violated(std::string_view checker, std::string what);
  /// The run is over: checkers judge what is left.
  void end();

  /// The first one.
  const std::optional<violation>& found() const { return found_; }
  uint64_t hash() const { return hash_; }
  const std::map<std::string, uint64_t>& situations() const {
    return situations_;
  }
  const std::map<std::string, uint64_t>& faults() const { return faults_; }

private:
  void collect(const checker& one);

  timeline& time_;
  std::vector<std::unique_ptr<checker>> checkers_;
  watcher watch_;
  std::optional<violation> found_;
  uint64_t hash_ = 0;
  std::map<std::string, uint64_t> situations_;
  std::map<std::string, uint64_t> faults_;
};

/// Mixes a value into a hash, in order.
uint64_t mixed(uint64_t hash, uint64_t value);
uint64_t mixed(uint64_t hash, std::string_view text);

} // namespace berth::sim
