// What many jobs have in common, held once: owner, queue, definition, shape,
// retry strategy. Entries are counted and go with their last job.
#pragma once

#include "messages/job_rows.hpp"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace berth {

class job_classes {
public:
  /// The index of an equal class, one job more.
  uint32_t take(job_class c);
  /// One job less.
  void give_back(uint32_t index);
  const job_class& at(uint32_t index) const { return slots_[index].what; }
  size_t jobs_of(uint32_t index) const { return slots_[index].jobs; }
  /// Classes with jobs.
  size_t size() const { return by_hash_.size(); }

private:
  struct slot {
    job_class what;
    size_t jobs = 0;
  };
  std::vector<slot> slots_;
  std::vector<uint32_t> free_;
  std::unordered_multimap<size_t, uint32_t> by_hash_;
};

} // namespace berth
