// A checker judges a run by its history alone; it shares no code with what it
// judges but the vocabulary of `messages/`.
#pragma once

#include "tests/sim/history.hpp"
#include "tests/sim/parameters.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::sim {

struct violation {
  std::string_view checker;
  sim_time at = 0;
  /// What is wrong, naming jobs, shards, offsets.
  std::string what;
  std::optional<job_id> job;
};

class checker {
public:
  virtual ~checker() = default;
  /// `no_job_lost`
  virtual std::string_view name() const = 0;
  /// A sentence.
  virtual std::string_view promise() const = 0;
  /// Entries in the order of time.
  virtual void on(const history_entry& e) = 0;
  /// The run has drained, or its time is over.
  virtual void on_end(sim_time at) = 0;

  /// The first one.
  const std::optional<violation>& found() const { return found_; }

protected:
  void violated(sim_time at, std::string what,
                std::optional<job_id> job = std::nullopt) {
    if (!found_)
      found_ = violation{name(), at, std::move(what), job};
  }

private:
  std::optional<violation> found_;
};

std::vector<std::unique_ptr<checker>> all_checkers(const parameters& p);

} // namespace berth::sim
