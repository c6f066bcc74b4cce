#include "client/job_watch.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace berth {

using nlohmann::json;

namespace {

/// More than any array has; a bound for what a server makes us keep.
constexpr int64_t array_size_max = 1'000'000;

struct child_id {
  std::string parent;
  std::size_t index = 0;
};

std::optional<child_id> parse_child(const std::string& id) {
  auto colon = id.find(':');
  if (colon == std::string::npos)
    return std::nullopt;
  child_id child{id.substr(0, colon), 0};
  const auto* end = id.data() + id.size();
  auto [rest, error] = std::from_chars(id.data() + colon + 1, end, child.index);
  if (error != std::errc{} || rest != end)
    return std::nullopt;
  return child;
}

std::string text_in(const json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string{};
}

int64_t integer_in(const json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_number_integer()
             ? found->get<int64_t>()
             : 0;
}

std::optional<job_status> status_in(const json& object) {
  return parse_job_status(text_in(object, "status"));
}

} // namespace

job_watch::job_watch(const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    if (!places_.emplace(id, jobs_.size()).second)
      continue;
    job_progress job;
    job.id = id;
    job.name = id;
    jobs_.push_back(std::move(job));
  }
  children_.resize(jobs_.size());
  described_.resize(jobs_.size());
}

std::optional<std::size_t> job_watch::place_of(const std::string& id) const {
  auto found = places_.find(id);
  if (found == places_.end())
    return std::nullopt;
  return found->second;
}

std::vector<std::string> job_watch::ids() const {
  std::vector<std::string> all;
  for (const auto& job : jobs_)
    all.push_back(job.id);
  return all;
}

std::vector<std::string> job_watch::unknown() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < jobs_.size(); ++i)
    if (!described_[i])
      all.push_back(jobs_[i].id);
  return all;
}

bool job_watch::any_failed() const {
  for (const auto& job : jobs_)
    if (job.status == job_status::failed)
      return true;
  return false;
}

void job_watch::read_array(std::size_t place, const json& detail) {
  auto array = detail.find("arrayProperties");
  if (array == detail.end() || !array->is_object())
    return;
  auto size = integer_in(*array, "size");
  if (size <= 0 || size > array_size_max)
    return;
  auto& job = jobs_[place];
  auto is_new = job.array_size == 0;
  job.array_size = static_cast<uint32_t>(size);
  if (is_new) {
    children_[place].assign(job.array_size, job_status::pending);
    job.children[static_cast<std::size_t>(job_status::pending)] =
        job.array_size;
  }
  auto summary = array->find("statusSummary");
  if (!is_terminal(job.status) || summary == array->end()
      || !summary->is_object())
    return;
  for (std::size_t s = 0; s < job_status_count; ++s)
    job.children[s] = static_cast<uint32_t>(
        integer_in(*summary, to_string(static_cast<job_status>(s))));
}

bool job_watch::describe(const json& detail) {
  return take(detail, false);
}

bool job_watch::take(const json& detail, bool is_event) {
  auto place = place_of(text_in(detail, "jobId"));
  auto status = status_in(detail);
  if (!place || !status)
    return false;
  auto& job = jobs_[*place];
  // An end is for good; what still says otherwise is older.
  if (is_terminal(job.status))
    return false;
  auto attempts = detail.find("attempts");
  auto finished = attempts != detail.end() && attempts->is_array()
                      ? static_cast<uint32_t>(attempts->size())
                      : 0U;
  // An event has its own status, but the attempts of when it was printed,
  // which may be later.
  if (is_event && !is_terminal(*status)) {
    auto retried =
        *status == job_status::runnable && job.status > job_status::runnable;
    finished = std::min(finished, job.attempts + (retried ? 1U : 0U));
  }
  auto has_changed =
      !described_[*place] || job.status != *status || job.attempts != finished;
  described_[*place] = true;
  job.name = text_in(detail, "jobName");
  job.reason = text_in(detail, "statusReason");
  job.status = *status;
  job.attempts = finished;
  read_array(*place, detail);
  if (is_terminal(job.status))
    ++ended_;
  return has_changed;
}

bool job_watch::set_child(std::size_t place, std::size_t index,
                          job_status status) {
  auto& job = jobs_[place];
  if (is_terminal(job.status) || index >= children_[place].size())
    return false;
  auto& known = children_[place][index];
  if (known == status || is_terminal(known))
    return false;
  --job.children[static_cast<std::size_t>(known)];
  ++job.children[static_cast<std::size_t>(status)];
  known = status;
  return true;
}

void job_watch::list_child(const json& summary) {
  auto child = parse_child(text_in(summary, "jobId"));
  auto status = status_in(summary);
  auto place = child ? place_of(child->parent) : std::nullopt;
  if (place && status)
    set_child(*place, child->index, *status);
}

std::optional<std::size_t> job_watch::apply(const json& event) {
  auto detail = event.find("detail");
  if (detail == event.end() || !detail->is_object())
    return std::nullopt;
  auto id = text_in(*detail, "jobId");
  if (auto place = place_of(id))
    return take(*detail, true) ? place : std::nullopt;
  auto child = parse_child(id);
  auto status = status_in(*detail);
  auto place = child ? place_of(child->parent) : std::nullopt;
  if (!place || !status || !set_child(*place, child->index, *status))
    return std::nullopt;
  return place;
}

} // namespace berth
