#include "actors/job_table.hpp"

#include "actors/job_actor.hpp"
#include "actors/job_fold.hpp"
#include "actors/job_listing.hpp"
#include "actors/job_questions.hpp"
#include "actors/job_state.hpp"
#include "actors/job_storage.hpp"
#include "actors/job_waiters.hpp"
#include "actors/job_work.hpp"
#include "messages/row_keys.hpp"

#include <cstdint>
#include <utility>

namespace berth {

struct job_table::state : job_state {};

job_table::job_table(job_table_options options, queue_lookup queues)
    : state_(std::make_unique<state>()) {
  state_->options = options;
  state_->queues = std::move(queues);
}

job_table::~job_table() = default;

needed_rows job_table::keys_needed(const shard_call& call) const {
  if (const auto* c = std::get_if<submit_job_call>(&call)) {
    needed_rows needs;
    auto need = [&](const job_id& id) {
      if (state_->find(id) == nullptr && !state_->ended.contains(id))
        needs.keys.push_back(job_row_key(job_row_kind::terminal, id));
    };
    need(c->id);
    // It watches its dependencies within the same decision.
    for (const auto& d : c->spec->depends_on)
      if (d.on)
        need(d.on->id);
    return needs;
  }
  if (const auto* c = std::get_if<tag_job_call>(&call))
    return rows_for(*state_, *c);
  if (const auto* c = std::get_if<describe_jobs_call>(&call))
    return rows_for(*state_, *c);
  if (const auto* c = std::get_if<list_jobs_call>(&call))
    return rows_for(*state_, *c);
  if (const auto* c = std::get_if<why_call>(&call))
    return rows_for(*state_, describe_jobs_call{c->owner, {c->job}});
  return {};
}

needed_rows job_table::keys_needed(const actor_message& message) const {
  if (const auto* m = std::get_if<submit_job>(&message))
    return keys_needed(
        shard_call{submit_job_call{m->id, m->owner, m->queue, m->spec}});
  const auto* watch = std::get_if<watch_job>(&message);
  if (watch == nullptr || state_->find(watch->on.id) != nullptr
      || state_->ended.contains(watch->on.id))
    return {};
  return {{job_row_key(job_row_kind::terminal, watch->on.id)}, {}};
}

void job_table::decide(call_token token, const submit_job_call& call,
                       const decision_context& context, draft& d) const {
  decide_submission(*state_, token, call, context, d);
}

void job_table::decide(call_token token, const end_job_call& call,
                       const decision_context& context, draft& d) const {
  decide_end(*state_, call, context, d);
  d.answer(token, response{done_response{}});
}

void job_table::decide(call_token token, const tag_job_call& call,
                       const decision_context& context, draft& d) const {
  decide_tags(*state_, token, call, context, d);
}

void job_table::decide(const place_job& m, const decision_context& context,
                       draft& d) const {
  decide_placement(*state_, m, context, d);
}

void job_table::decide(const attempt_lost& m, const decision_context& context,
                       draft& d) const {
  decide_loss(*state_, m, context, d);
}

void job_table::decide(const end_jobs_of_queue& m,
                       const decision_context& context, draft& d) const {
  decide_queue_end(*state_, m, context, d);
}

void job_table::decide(const watch_job& m, const decision_context& context,
                       draft& d) const {
  decide_watch(*state_, m, context, d);
}

void job_table::decide(const dependency_ended& m,
                       const decision_context& context, draft& d) const {
  decide_dependency_end(*state_, m, context, d);
}

void job_table::decide(const agent_id& agent, const session_id& session,
                       const attempt_report& report,
                       const decision_context& context, draft& d) const {
  decide_report(*state_, agent, session, report, context, d);
}

void job_table::advance(const decision_context& context, draft& d) const {
  advance_work(*state_, context, d);
  decide_expiry(*state_, context, d);
}

bool job_table::has_work() const {
  return has_ready_work(*state_);
}

std::optional<int64_t> job_table::next_due_ms() const {
  return next_expiry_ms(*state_);
}

void job_table::apply(const job_submitted& e) {
  fold(*state_, e);
}
void job_table::apply(const waiter_added& e) {
  fold(*state_, e);
}
void job_table::apply(const dependency_settled& e) {
  fold(*state_, e);
}
void job_table::apply(const jobs_became_runnable& e) {
  fold(*state_, e);
}
void job_table::apply(const attempt_placed& e) {
  fold(*state_, e);
}
void job_table::apply(const attempt_started& e) {
  fold(*state_, e);
}
void job_table::apply(const attempt_finished& e) {
  fold(*state_, e);
}
void job_table::apply(const jobs_failed& e) {
  fold(*state_, e);
}
void job_table::apply(const end_requested& e) {
  fold(*state_, e);
}
void job_table::apply(const array_finished& e) {
  fold(*state_, e);
}
void job_table::apply(const job_tagged& e) {
  fold(*state_, e);
}
void job_table::apply(const jobs_expired& e) {
  fold(*state_, e);
}
void job_table::apply(const job_work_advanced& e) {
  fold(*state_, e);
}
void job_table::apply(const job_work_finished& e) {
  fold(*state_, e);
}

result job_table::answer(const describe_jobs_call& call,
                         const fetched_rows& rows) const {
  return answer_describe(*state_, call, rows);
}

result job_table::answer(const list_jobs_call& call,
                         const fetched_rows& rows) const {
  return answer_list(*state_, call, rows);
}

result job_table::answer(const why_call& call, const fetched_rows& rows) const {
  return answer_why_job(*state_, call, rows);
}

std::optional<job_table::live_job>
job_table::find_live(const job_key& key) const {
  auto status = state_->status(key);
  if (!status || is_terminal(*status))
    return std::nullopt;
  const auto& job = state_->find(key.id)->second;
  const auto& common = state_->common(job);
  return live_job{common.queue, job.position, common.what, *status};
}

size_t job_table::live_count() const {
  return state_->live.size();
}

std::string job_table::body_key(const job_id& id) {
  return job_row_key(job_row_kind::body, id);
}

shared_job_spec job_table::pending_body(const job_id& id) const {
  auto found = state_->bodies.find(id);
  return found == state_->bodies.end() ? nullptr : found->second;
}

std::optional<std::optional<std::string>>
job_table::pending_row(const std::string& key) const {
  return berth::pending_row(*state_, key);
}

job_bodies job_table::cut_checkpoint(
    std::map<std::string, std::optional<std::string>>& rows) {
  return berth::cut_checkpoint(*state_, rows);
}

bool job_table::load_row(std::string_view key, std::string_view bytes,
                         const restored& to) {
  return berth::load_row(*state_, key, bytes, to);
}

std::vector<row_range> job_table::live_ranges() {
  std::vector<row_range> ranges;
  // Children after their arrays.
  for (auto kind : {job_row_kind::live, job_row_kind::active_child,
                    job_row_kind::waiters, job_row_kind::table})
    ranges.push_back(
        {job_row_prefix(kind), job_row_prefix_end(kind), SIZE_MAX, false});
  return ranges;
}

std::optional<row_range> job_table::expired_range(size_t limit) const {
  if (state_->expired_before_ms == 0)
    return std::nullopt;
  return row_range{job_row_prefix(job_row_kind::expiry),
                   expiry_row_end(state_->expired_before_ms), limit, false};
}

void job_table::forget_expired(const std::string& key, std::string_view bytes) {
  berth::forget_expired(*state_, key, bytes);
}

void job_table::check_invariants() const {
  berth::check_invariants(*state_);
}

void job_table::add_to(state_hash& hash) const {
  add_to_hash(*state_, hash);
}

} // namespace berth
