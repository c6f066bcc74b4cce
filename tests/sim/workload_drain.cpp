#include "tests/sim/workload_drain.hpp"

#include "messages/limits.hpp"

#include <algorithm>
#include <utility>

namespace berth::sim {

namespace {

constexpr sim_time between_looks = second;
/// What follows the last job's end (leases that go back, receipts) is over by
/// then.
constexpr sim_time settling = 10 * second;
constexpr uint32_t drain_client = 0;

} // namespace

void workload_drain::begin(std::vector<std::string> queues) {
  queues_ = std::move(queues);
  were_settled_ = world_.submissions_are_settled();
  // Jobs that hang, and whose submission was answered, need no looking for.
  for (const auto& job : accepted_)
    if (must_end_.count(job.name) != 0)
      end(job.id);
  look();
}

void workload_drain::look() {
  // What came by the topic can be listed some time after it was taken.
  found_live_ = !std::exchange(were_settled_, world_.submissions_are_settled())
                || !were_settled_;
  open_ = 1;
  describe(0);
  for (size_t i = 0; i < queues_.size(); ++i)
    for (auto status :
         {job_status::submitted, job_status::pending, job_status::runnable,
          job_status::starting, job_status::running})
      list(i, status, {});
  when_answered();
}

void workload_drain::when_answered() {
  if (--open_ == 0)
    finish_look();
}

void workload_drain::finish_look() {
  if (found_live_)
    world_.time().after(between_looks, [this] { look(); });
  else
    world_.time().after(settling, [this] { is_over_ = true; });
}

void workload_drain::describe(size_t from) {
  describe_jobs_request what;
  auto at = from;
  for (; at < accepted_.size() && what.jobs.size() < limits::describe_ids_max;
       ++at)
    if (!accepted_[at].seen_ended)
      what.jobs.push_back(to_string(accepted_[at].id));
  if (what.jobs.empty())
    return;
  if (at < accepted_.size())
    describe(at);
  ++open_;
  world_.call(
      drain_client, std::move(what),
      [this](const std::optional<result>& answer) {
        const auto* r = answer ? std::get_if<response>(&*answer) : nullptr;
        const auto* found = r ? std::get_if<jobs_response>(r) : nullptr;
        if (found != nullptr)
          for (const auto& view : found->jobs)
            if (is_terminal(view.status))
              for (auto& job : accepted_)
                if (job.id == view.key.id)
                  job.seen_ended = true;
        // Also a job that is missing has not been seen to end.
        found_live_ =
            found_live_
            || std::any_of(accepted_.begin(), accepted_.end(),
                           [](const accepted_job& j) { return !j.seen_ended; });
        when_answered();
      });
}

void workload_drain::list(size_t queue, job_status status, std::string token) {
  list_jobs_request what;
  what.queue = queues_[queue];
  what.status = status;
  what.page.token = std::move(token);
  ++open_;
  world_.call(drain_client, std::move(what),
              [this, queue, status](const std::optional<result>& answer) {
                const auto* r =
                    answer ? std::get_if<response>(&*answer) : nullptr;
                const auto* found =
                    r ? std::get_if<job_list_response>(r) : nullptr;
                if (found != nullptr) {
                  found_live_ = found_live_ || !found->jobs.empty();
                  for (const auto& view : found->jobs)
                    if (must_end_.count(view.spec->name) != 0)
                      end(view.key.id);
                  if (!found->next_token.empty())
                    list(queue, status, found->next_token);
                } else if (!answer) {
                  found_live_ = true;
                }
                when_answered();
              });
}

void workload_drain::end(const job_id& id) {
  if (!ending_.insert(id).second)
    return;
  world_.call(drain_client, terminate_job_request{to_string(id), "drained"},
              [this, id](const std::optional<result>& answer) {
                if (!answer || std::holds_alternative<api_error>(*answer))
                  ending_.erase(id);
              });
}

} // namespace berth::sim
