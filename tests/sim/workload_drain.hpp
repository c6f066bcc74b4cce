// Looks whether all jobs have ended, by DescribeJobs and ListJobs, and ends
// those that never would.
#pragma once

#include "tests/sim/workload.hpp"
#include "tests/sim/workload_draws.hpp"

#include <set>
#include <string>
#include <vector>

namespace berth::sim {

class workload_drain {
public:
  /// Both must outlive it.
  workload_drain(workload_world& world, std::vector<accepted_job>& accepted)
      : world_(world), accepted_(accepted) {}

  /// The job of that name has to be terminated.
  void must_end(const std::string& job_name) { must_end_.insert(job_name); }
  /// Looks from now on, until everything has ended.
  void begin(std::vector<std::string> queues);
  bool is_over() const { return is_over_; }

private:
  void look();
  void list(size_t queue, job_status status, std::string token);
  void describe(size_t from);
  void end(const job_id& id);
  void finish_look();
  void when_answered();

  workload_world& world_;
  std::vector<accepted_job>& accepted_;
  std::set<std::string> must_end_;
  std::set<job_id> ending_;
  std::vector<std::string> queues_;
  /// Of the present look.
  size_t open_ = 0;
  bool found_live_ = false;
  bool is_over_ = false;
  bool were_settled_ = false;
};

} // namespace berth::sim
