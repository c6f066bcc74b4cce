#include "api/cloudwatch_logs/stream_directory.hpp"

#include "api/log_stream_name.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <memory>
#include <set>

namespace berth::cloudwatch_logs {

namespace {

logs_error from_gateway(const api_error& error) {
  switch (error.code) {
  case api_errc::invalid:
    return invalid_parameter(error.message);
  case api_errc::too_many_requests:
    return {400, "ThrottlingException", error.message};
  case api_errc::unavailable:
    return {503, "ServiceUnavailableException", error.message};
  case api_errc::internal:
    break;
  }
  return {500, "InternalFailure", error.message};
}

/// The jobs of an answer to DescribeJobs, or why there are none.
std::variant<std::vector<job_view>, logs_error> jobs_of(result answer) {
  if (const auto* error = std::get_if<api_error>(&answer))
    return from_gateway(*error);
  auto* jobs = std::get_if<jobs_response>(&std::get<response>(answer));
  if (jobs == nullptr)
    return logs_error{500, "InternalFailure", "the answer is not of jobs"};
  return std::move(jobs->jobs);
}

bool has_stream(const job_view& job, const attempt_id& attempt) {
  return job.key == attempt.job
         && std::any_of(job.attempts.begin(), job.attempts.end(),
                        [&](const attempt_record& record) {
                          return record.number == attempt.number
                                 && (record.started_ms > 0 || record.end);
                        });
}

bool is_stream_of(const job_view& job, const parsed_log_stream_name& name) {
  auto definition = job.spec ? job.spec->definition_name : std::string{};
  return has_stream(job, name.attempt)
         && definition.substr(0, log_stream_prefix_length_max)
                == name.definition_name;
}

/// The part of a prefix that a task id has to begin with.
std::string_view task_prefix(std::string_view prefix) {
  constexpr std::string_view middle = "/default/";
  auto at = prefix.rfind(middle);
  return at == std::string_view::npos ? std::string_view{}
                                      : prefix.substr(at + middle.size());
}

} // namespace

void stream_directory::find(const caller& who, std::vector<std::string> names,
                            std::function<void(found)> answer) {
  std::vector<parsed_log_stream_name> parsed;
  describe_jobs_request question;
  for (const auto& name : names) {
    auto one = parse_log_stream_name(name);
    if (!one) {
      answer(stream_not_found(name));
      return;
    }
    question.jobs.push_back(to_string(one->attempt.job));
    parsed.push_back(std::move(*one));
  }
  gateway_.call(who, std::move(question),
                [names = std::move(names), parsed = std::move(parsed),
                 answer = std::move(answer)](result answered) {
                  auto jobs = jobs_of(std::move(answered));
                  if (const auto* error = std::get_if<logs_error>(&jobs)) {
                    answer(*error);
                    return;
                  }
                  const auto& views = std::get<std::vector<job_view>>(jobs);
                  std::vector<stream_reference> streams;
                  for (size_t i = 0; i < parsed.size(); ++i) {
                    auto is_there = std::any_of(
                        views.begin(), views.end(), [&](const job_view& job) {
                          return is_stream_of(job, parsed[i]);
                        });
                    if (!is_there) {
                      answer(stream_not_found(names[i]));
                      return;
                    }
                    streams.push_back({names[i], parsed[i].attempt});
                  }
                  answer(std::move(streams));
                });
}

/// A listing whose jobs are being named, a few at a time.
struct stream_directory::listing {
  caller who;
  std::string prefix;
  std::vector<printed_attempt> attempts;
  /// Jobs whose definitions are not known yet.
  std::vector<job_id> unnamed;
  std::function<void(listed)> answer;
};

void stream_directory::list(const caller& who, std::string prefix,
                            std::function<void(listed)> answer) {
  auto state = std::make_shared<listing>();
  state->who = who;
  state->prefix = std::move(prefix);
  state->answer = std::move(answer);
  state->attempts = output_.attempts(listed_attempts_max);
  auto task = task_prefix(state->prefix);
  std::erase_if(state->attempts, [&](const printed_attempt& printed) {
    return !task_id(printed.attempt).starts_with(task);
  });
  std::set<job_id> unnamed;
  for (const auto& printed : state->attempts)
    if (!remembered(who.owner, printed.attempt.job.id))
      unnamed.insert(printed.attempt.job.id);
  state->unnamed.assign(unnamed.begin(), unnamed.end());
  name_next_jobs(std::move(state));
}

void stream_directory::name_next_jobs(std::shared_ptr<listing> state) {
  if (state->unnamed.empty()) {
    std::vector<listed_stream> streams;
    for (const auto& printed : state->attempts) {
      auto definition = remembered(state->who.owner, printed.attempt.job.id);
      if (!definition)
        continue;
      auto name = make_log_stream_name(*definition, printed.attempt);
      if (name.starts_with(state->prefix))
        streams.push_back({{std::move(name), printed.attempt},
                           printed.changed_ms,
                           printed.bytes});
    }
    std::sort(streams.begin(), streams.end(),
              [](auto& a, auto& b) { return a.stream.name < b.stream.name; });
    state->answer(std::move(streams));
    return;
  }
  auto count = std::min(state->unnamed.size(), limits::describe_ids_max);
  auto first = state->unnamed.end() - static_cast<std::ptrdiff_t>(count);
  describe_jobs_request question;
  std::transform(first, state->unnamed.end(), std::back_inserter(question.jobs),
                 [](const job_id& job) { return to_string(job); });
  state->unnamed.erase(first, state->unnamed.end());
  gateway_.call(
      state->who, std::move(question), [this, state](result answered) {
        auto jobs = jobs_of(std::move(answered));
        if (const auto* error = std::get_if<logs_error>(&jobs)) {
          state->answer(*error);
          return;
        }
        for (const auto& job : std::get<std::vector<job_view>>(jobs))
          if (job.spec)
            remember(state->who.owner, job.key.id, job.spec->definition_name);
        name_next_jobs(state);
      });
}

std::optional<std::string>
stream_directory::remembered(const account_region& owner,
                             const job_id& job) const {
  std::lock_guard lock{mutex_};
  auto found = known_.find(job);
  if (found == known_.end() || found->second.owner != owner)
    return std::nullopt;
  return found->second.definition_name;
}

void stream_directory::remember(const account_region& owner, const job_id& job,
                                std::string definition_name) {
  std::lock_guard lock{mutex_};
  if (known_.size() >= remembered_jobs_max)
    known_.clear();
  known_[job] = {owner, std::move(definition_name)};
}

} // namespace berth::cloudwatch_logs
