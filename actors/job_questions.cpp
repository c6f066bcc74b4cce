#include "actors/job_questions.hpp"

#include "messages/codec.hpp"
#include "messages/limits.hpp"
#include "messages/row_keys.hpp"

#include <algorithm>
#include <utility>

namespace berth {

namespace {

shared_job_spec find_body(const job_state& state, const job_id& id,
                          const fetched_rows& rows) {
  if (auto found = state.bodies.find(id); found != state.bodies.end())
    return found->second;
  if (const auto* bytes = find_row(&rows, job_row_key(job_row_kind::body, id)))
    if (auto spec = decode<job_spec>(*bytes))
      return std::make_shared<const job_spec>(std::move(*spec));
  return nullptr;
}

std::optional<tag_map> find_tags(const job_state& state, const job_id& id,
                                 const fetched_rows* rows) {
  if (auto found = state.tags.find(id); found != state.tags.end())
    return found->second;
  if (const auto* bytes = find_row(rows, job_row_key(job_row_kind::tags, id)))
    if (auto row = decode<job_tags_row>(*bytes))
      return std::move(row->tags);
  return std::nullopt;
}

void take_activity(const job_activity& activity, job_view& view) {
  view.attempts = activity.attempts;
  if (!activity.attempts.empty())
    view.started_ms = activity.attempts.back().started_ms;
  if (activity.end) {
    view.is_cancelled = !activity.end->terminate;
    view.is_terminated = activity.end->terminate;
  }
}

/// A child that failed without a row of its own is described by its array.
void take_failure(const packed_children& array,
                  const std::optional<end_request>& end, job_view& view) {
  for (const auto& failed : array.failures) {
    if (view.key.index < failed.first || view.key.index >= failed.last)
      continue;
    view.status_reason = failed.status_reason;
    view.stopped_ms = failed.at_ms;
    if (end && end->reason == failed.status_reason) {
      view.is_cancelled = !end->terminate;
      view.is_terminated = end->terminate;
    }
    return;
  }
}

job_view begin_view(const job_class& common, const job_key& key,
                    int64_t created_ms) {
  job_view view;
  view.key = key;
  view.owner = common.owner;
  view.queue_name = common.queue_name;
  view.created_ms = created_ms;
  return view;
}

int64_t child_created_ms(const packed_children& array, int64_t created_ms) {
  return array.made_ms != 0 ? array.made_ms : created_ms;
}

void add_key(needed_rows& needs, job_row_kind kind, const job_id& id) {
  needs.keys.push_back(job_row_key(kind, id));
}

std::optional<job_view>
find_view(const job_state& state, const account_region& owner,
          const job_key& key, const fetched_rows& rows) {
  std::optional<job_view> view;
  if (const auto* job = state.find(key.id)) {
    if (!state.status(key))
      return std::nullopt;
    view = live_view(state, *job, key.index);
    if (key.is_child() && is_terminal(view->status))
      if (auto own = state.ended_child_row(key, &rows))
        take_child_row(*own, *view);
  } else if (auto row = state.ended_row(key.id, &rows)) {
    if (!key.is_child())
      view = ended_view(key.id, *row);
    else if (row->array && key.index >= 0
             && static_cast<size_t>(key.index) < row->array->statuses.size())
      view = ended_child_view(key, *row, state.ended_child_row(key, &rows));
  }
  if (!view || (view->owner != owner && owner != anyone))
    return std::nullopt;
  view->spec = find_body(state, key.id, rows);
  if (!view->spec)
    return std::nullopt;
  if (!key.is_child())
    view->tags = find_tags(state, key.id, &rows).value_or(view->spec->tags);
  return view;
}

void needs_of(const job_state& state, const job_key& key, needed_rows& needs) {
  if (!state.bodies.contains(key.id))
    add_key(needs, job_row_kind::body, key.id);
  const auto* job = state.find(key.id);
  if (job == nullptr && !state.ended.contains(key.id))
    add_key(needs, job_row_kind::terminal, key.id);
  if (!key.is_child()) {
    if (!state.tags.contains(key.id))
      add_key(needs, job_row_kind::tags, key.id);
    return;
  }
  auto status = state.status(key);
  if ((job == nullptr || (status && is_terminal(*status)))
      && !state.ended_children.contains(key))
    needs.keys.push_back(child_row_key(job_row_kind::terminal, key));
}

std::string waits_for(const job_dependency& dependency) {
  if (dependency.kind != dependency_kind::n_to_n)
    return "It waits for job " + to_string(dependency.on)
           + " to succeed; if that fails, this fails too.";
  return "Each of its children waits for the same child of job "
         + to_string(dependency.on) + ".";
}

bool is_open(const job_dependency& dependency) {
  auto open = static_cast<uint8_t>(dependency_outcome::open);
  if (dependency.kind != dependency_kind::n_to_n)
    return dependency.outcome == dependency_outcome::open;
  return std::find(dependency.children.begin(), dependency.children.end(), open)
         != dependency.children.end();
}

void explain_array(const array_job& array, why_response& why) {
  why.reason = wait_reason::children;
  std::string counts;
  for (size_t s = 0; s < array.counts.size(); ++s)
    if (array.counts[s] != 0)
      counts += (counts.empty() ? "" : ", ") + std::to_string(array.counts[s])
                + " " + to_string(static_cast<job_status>(s));
  why.sentences.push_back("Of its " + std::to_string(array.children.size)
                          + " children are: " + counts
                          + ". It ends when all of them have ended.");
}

void explain_live(const hot_job& job, int32_t index, why_response& why) {
  auto status = why.job.status;
  if (is_active(status)) {
    why.reason = wait_reason::placed;
    return;
  }
  if (status == job_status::runnable) {
    why.reason = wait_reason::behind_in_queue;
    return;
  }
  const auto* array = job.array();
  if (array != nullptr && array->made() && index == no_index) {
    explain_array(*array, why);
    return;
  }
  why.reason = wait_reason::dependencies;
  for (const auto& dependency : job.details->dependencies)
    if (is_open(dependency))
      why.sentences.push_back(waits_for(dependency));
  if (array != nullptr && array->children.sequential && index > 0)
    why.sentences.push_back("It waits for child " + std::to_string(index - 1)
                            + " of its array to succeed.");
  if (const auto* end = job.end())
    why.sentences.push_back("Its end was asked for (" + end->reason
                            + "): it fails when its dependencies have ended.");
}

} // namespace

void take_child_row(const terminal_child_row& own, job_view& view) {
  take_activity(own.activity, view);
  view.status = own.status;
  view.status_reason = own.status_reason;
  view.started_ms = own.started_ms;
  view.stopped_ms = own.stopped_ms;
}

shared_job_spec listed_spec(const job_class& common, std::string_view name,
                            uint32_t array_size) {
  auto spec = std::make_shared<job_spec>();
  spec->name = name;
  spec->definition_name = common.definition_name;
  spec->definition_revision = common.definition_revision;
  spec->array_size = array_size;
  return spec;
}

job_view live_view(const job_state& state, const hot_entry& job,
                   int32_t index) {
  const auto& hot = job.second;
  auto view = begin_view(state.common(hot), {job.first, index}, hot.created_ms);
  const auto* array = hot.array();
  if (index == no_index) {
    view.status = hot.status;
    if (hot.details)
      take_activity(hot.details->activity, view);
    if (array != nullptr) {
      view.children.assign(array->counts.begin(), array->counts.end());
      view.children_changed_ms = array->children.changed_ms;
    }
    return view;
  }
  view.created_ms = child_created_ms(array->children, hot.created_ms);
  view.status = array->status_of(index);
  if (const auto* activity = array->activity_of(index))
    take_activity(*activity, view);
  else if (view.status == job_status::failed)
    take_failure(array->children, hot.details->activity.end, view);
  return view;
}

job_view ended_view(const job_id& id, const terminal_job_row& row) {
  auto view = begin_view(row.common, {id, no_index}, row.created_ms);
  take_activity(row.activity, view);
  view.status = row.status;
  view.status_reason = row.status_reason;
  view.started_ms = row.started_ms;
  view.stopped_ms = row.stopped_ms;
  if (row.array) {
    view.children.assign(job_status_count, 0);
    for (auto status : row.array->statuses)
      ++view.children[status];
    view.children_changed_ms = row.array->changed_ms;
  }
  return view;
}

job_view ended_child_view(const job_key& key, const terminal_job_row& parent,
                          const std::optional<terminal_child_row>& own) {
  auto view = begin_view(parent.common, key,
                         child_created_ms(*parent.array, parent.created_ms));
  view.status = static_cast<job_status>(
      parent.array->statuses[static_cast<size_t>(key.index)]);
  if (own)
    take_child_row(*own, view);
  else
    take_failure(*parent.array, parent.activity.end, view);
  return view;
}

needed_rows rows_for(const job_state& state, const describe_jobs_call& call) {
  needed_rows needs;
  for (const auto& key : call.jobs)
    needs_of(state, key, needs);
  return needs;
}

result answer_describe(const job_state& state, const describe_jobs_call& call,
                       const fetched_rows& rows) {
  jobs_response answer;
  for (const auto& key : call.jobs)
    if (auto view = find_view(state, call.owner, key, rows))
      answer.jobs.push_back(std::move(*view));
  return response{std::move(answer)};
}

result answer_why_job(const job_state& state, const why_call& call,
                      const fetched_rows& rows) {
  auto view = find_view(state, call.owner, call.job, rows);
  if (!view)
    return api_error{api_errc::invalid,
                     "Job " + to_string(call.job) + " not found."};
  why_response why;
  why.job = std::move(*view);
  if (is_terminal(why.job.status)) {
    why.reason = wait_reason::finished;
    why.sentences.push_back(
        std::string{"It is "} + to_string(why.job.status)
        + (why.job.status_reason.empty() ? "." : ": " + why.job.status_reason));
  } else if (const auto* job = state.find(call.job.id)) {
    explain_live(job->second, call.job.index, why);
  }
  return response{std::move(why)};
}

needed_rows rows_for(const job_state& state, const tag_job_call& call) {
  needed_rows needs;
  needs_of(state, {call.job, no_index}, needs);
  return needs;
}

void decide_tags(const job_state& state, call_token token,
                 const tag_job_call& call, const decision_context& context,
                 draft& d) {
  static const fetched_rows none;
  auto view = find_view(state, call.owner, {call.job, no_index},
                        context.rows != nullptr ? *context.rows : none);
  if (!view) {
    d.answer(token, api_error{api_errc::invalid,
                              "Job " + to_string(call.job) + " not found."});
    return;
  }
  auto tags = view->tags;
  for (const auto& key : call.remove)
    tags.erase(key);
  for (const auto& [key, value] : call.put)
    tags.insert_or_assign(key, value);
  if (tags.size() > limits::tags_max) {
    d.answer(token,
             api_error{api_errc::invalid, "tags: the job would have "
                                              + std::to_string(tags.size())
                                              + " tags; at most "
                                              + std::to_string(limits::tags_max)
                                              + " are allowed."});
    return;
  }
  if (tags != view->tags)
    d.emit(job_tagged{call.job, std::move(tags)});
  d.answer(token, response{done_response{}});
}

} // namespace berth
