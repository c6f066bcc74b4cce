// What the simulated clients ask for, drawn from the seed.
#pragma once

#include "messages/gateway_interface.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/parameters.hpp"
#include "tests/sim/random.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace berth::sim {

/// What a workload needs of the world.
class workload_world {
public:
  virtual ~workload_world() = default;
  virtual timeline& time() = 0;
  /// Brings a request to some node's gateway, tries again with the same
  /// invocation id while there is no answer or a retryable one, and calls
  /// `done` with the last answer; nothing when it gave up for good.
  virtual void call(uint32_t client, request what,
                    std::function<void(std::optional<result>)> done) = 0;
  /// What processes of this job do.
  virtual void script(job_script s) = 0;
  /// Appends to the topic of submissions until that is acknowledged.
  virtual void submit_by_topic(uint32_t client, const std::string& queue,
                               std::string record,
                               std::function<void()> done) = 0;
  /// All records there have become jobs, or were refused.
  virtual bool submissions_are_settled() const = 0;
  /// Jobs that came by the topic, as their SUBMITTED events tell.
  virtual void
  follow_jobs(std::function<void(const job_id&, const std::string& name,
                                 uint32_t array_size)>
                  seen) = 0;
};

class workload {
public:
  workload(const parameters& p, random_source random, workload_world& world);
  ~workload();
  void start();
  /// All submissions were made and answered, all clients are done.
  bool is_done() const;
  /// Whatever hangs or waits for something that nobody will do is ended, and
  /// whatever was disabled is enabled, so that everything can drain; called
  /// once faults have stopped.
  void let_drain();
  /// Accepted jobs not seen in a terminal state yet, as far as it has looked.
  bool has_drained() const;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace berth::sim
