#include "client/commands.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace berth {

using nlohmann::json;

namespace {

constexpr std::size_t describe_ids_max = 100;

} // namespace

json describe_jobs(batch_api& api, const std::vector<std::string>& ids) {
  auto details = json::array();
  for (std::size_t at = 0; at < ids.size(); at += describe_ids_max) {
    auto end = std::min(ids.size(), at + describe_ids_max);
    std::vector<std::string> some(ids.begin() + static_cast<std::ptrdiff_t>(at),
                                  ids.begin()
                                      + static_cast<std::ptrdiff_t>(end));
    auto answer = api.call("DescribeJobs", {{"jobs", some}});
    for (auto& detail : answer.at("jobs"))
      details.push_back(std::move(detail));
  }
  return details;
}

json all_pages(batch_api& api, const std::string& operation, json body,
               const std::string& list, std::size_t limit) {
  auto all = json::array();
  for (;;) {
    auto answer = api.call(operation, body);
    for (auto& entry : answer.at(list)) {
      if (all.size() == limit)
        return all;
      all.push_back(std::move(entry));
    }
    auto token = answer.value("nextToken", std::string{});
    if (token.empty() || all.size() == limit)
      return all;
    body["nextToken"] = token;
  }
}

} // namespace berth
