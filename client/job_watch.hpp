// What is known of jobs that are waited for, from descriptions, listings and
// events. Pure.
#pragma once

#include "client/progress.hpp"

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace berth {

/// Usage: subscribe to the events, then describe the jobs and list the children
/// of live arrays, then apply the events. Those that came before the
/// description was made do no harm: each ends in the job's present state.
class job_watch {
public:
  /// Job ids, also of children. One that is named twice counts once.
  explicit job_watch(const std::vector<std::string>& ids);

  /// A JobDetail. True when what is to be shown has changed.
  bool describe(const nlohmann::json& detail);
  /// A JobSummary of a child of an array that is watched.
  void list_child(const nlohmann::json& summary);
  /// An event of GET /v1/events. The place in `jobs()` of what has changed.
  std::optional<std::size_t> apply(const nlohmann::json& event);

  /// In the order of the ids.
  const std::vector<job_progress>& jobs() const { return jobs_; }
  std::vector<std::string> ids() const;
  /// Ids that no description has named yet.
  std::vector<std::string> unknown() const;
  bool all_ended() const { return ended_ == jobs_.size(); }
  bool any_failed() const;

private:
  std::optional<std::size_t> place_of(const std::string& id) const;
  bool take(const nlohmann::json& detail, bool is_event);
  bool set_child(std::size_t place, std::size_t index, job_status status);
  void read_array(std::size_t place, const nlohmann::json& detail);

  std::vector<job_progress> jobs_;
  std::unordered_map<std::string, std::size_t> places_;
  /// Statuses of the children, by place.
  std::vector<std::vector<job_status>> children_;
  std::vector<bool> described_;
  std::size_t ended_ = 0;
};

} // namespace berth
