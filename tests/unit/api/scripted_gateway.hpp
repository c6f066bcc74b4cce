// A gateway that answers as a test tells it and remembers what it was asked.
#pragma once

#include "messages/gateway_interface.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace berth {

class scripted_gateway : public gateway_interface {
public:
  void call(caller who, request what,
            std::function<void(result)> answer) override {
    callers.push_back(who);
    requests.push_back(what);
    if (fixed) {
      answer(*fixed);
      return;
    }
    jobs_response found;
    if (const auto* asked = std::get_if<describe_jobs_request>(&what))
      for (const auto& id : asked->jobs)
        if (auto known = jobs.find(id); known != jobs.end())
          found.jobs.push_back(known->second);
    answer(response{found});
  }

  /// What every call is answered; without it, DescribeJobs of `jobs`.
  std::optional<result> fixed;
  std::map<std::string, job_view> jobs;
  std::vector<caller> callers;
  std::vector<request> requests;
};

} // namespace berth
