// Tells a job's life from the decisions of its shard, in words: what happened,
// who decided it and why.
#pragma once

#include "messages/audit.hpp"
#include "messages/record.hpp"

#include <map>
#include <string>
#include <vector>

namespace berth {

class job_story {
public:
  explicit job_story(const job_key& job) : job_(job) {}

  /// The claim that later decisions are made under.
  void on_claim(log_offset offset, const claim_record& claim);
  /// A valid decision, in log order.
  void on_decision(log_offset offset, const decision_record& decision);

  const std::vector<story_line>& lines() const { return lines_; }

private:
  class teller;

  job_key job_;
  std::string node_;
  std::map<queue_uid, std::string> queues_;
  std::map<environment_uid, std::string> environments_;
  std::vector<story_line> lines_;
};

} // namespace berth
