#include "actors/gateway_machine.hpp"

#include "messages/simulation.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace berth {

namespace {

api_error invalid(std::string message) {
  return {api_errc::invalid, std::move(message)};
}

std::optional<parsed_arn> job_arn(const request& what) {
  const std::string* text = nullptr;
  if (const auto* tag = std::get_if<tag_resource_request>(&what))
    text = &tag->arn;
  else if (const auto* untag = std::get_if<untag_resource_request>(&what))
    text = &untag->arn;
  else if (const auto* tags = std::get_if<list_tags_request>(&what))
    text = &tags->arn;
  auto arn = text != nullptr ? parse_arn(*text) : std::nullopt;
  if (!arn || arn->kind != resource_kind::job)
    return std::nullopt;
  return arn;
}

/// Names are looked up in the replica.
bool goes_by_replica(const request& what) {
  return std::holds_alternative<submit_job_request>(what)
         || std::holds_alternative<list_jobs_request>(what)
         || std::holds_alternative<queue_snapshot_request>(what)
         || std::holds_alternative<update_environment_request>(what);
}

/// Why there is no such answer in it: an error, or, of a node of another
/// version, an answer of another kind.
template <class Answer>
std::optional<api_error> problem_of(const result& answer) {
  if (const auto* error = std::get_if<api_error>(&answer))
    return *error;
  if (!std::holds_alternative<Answer>(std::get<response>(answer)))
    return api_error{api_errc::unavailable,
                     "a node gave an answer of another kind; try again"};
  return std::nullopt;
}

} // namespace

gateway_machine::gateway_machine(gateway_options options)
    : options_(std::move(options)),
      replica_(catalog_options{options_.shard_count, 0}) {}

void gateway_machine::load_row(std::string_view key, std::string_view bytes) {
  replica_.load_row(key, bytes);
  // Rows may be older than what was folded before.
  grow_stale();
}

void gateway_machine::on_folded(const decision_record& decision) {
  for (const auto& e : decision.events)
    std::visit(
        [this](const auto& one) {
          if constexpr (requires(catalog_actor & c) { c.apply(one); })
            replica_.apply(one);
        },
        e);
}

std::vector<gateway_effect> gateway_machine::take_effects() {
  return std::exchange(effects_, {});
}

void gateway_machine::on_request(request_token token, caller who, request what,
                                 const std::array<uint8_t, 16>& call_hash) {
  auto number = ++last_number_;
  auto& r = *(open_[number] = std::make_unique<open_request>());
  r.number = number;
  r.token = token;
  r.who = std::move(who);
  r.what = std::move(what);
  r.call_hash = call_hash;
  start(r);
  if (r.outstanding == 0)
    open_.erase(number);
}

void gateway_machine::resolve(request_token token, account_region owner,
                              submit_job_request what) {
  auto number = ++last_number_;
  auto& r = *(open_[number] = std::make_unique<open_request>());
  r.number = number;
  r.token = token;
  r.who.owner = std::move(owner);
  r.what = std::move(what);
  r.only_resolves = true;
  start(r);
  if (r.outstanding == 0)
    open_.erase(number);
}

void gateway_machine::on_answer(call_token token, result answer) {
  auto call = calls_.find(token);
  if (call == calls_.end())
    return;
  auto number = call->second;
  calls_.erase(call);
  auto found = open_.find(number);
  if (found == open_.end())
    return;
  auto& r = *found->second;
  r.answers.push_back(std::move(answer));
  if (--r.outstanding > 0)
    return;
  auto then = std::exchange(r.then, nullptr);
  then(r);
  if (r.outstanding == 0)
    open_.erase(number);
}

void gateway_machine::finish(open_request& r, result answer) {
  if (r.only_resolves)
    effects_.push_back(submission_resolved_effect{
        r.token, std::get<api_error>(std::move(answer))});
  else
    effects_.push_back(answer_request_effect{r.token, std::move(answer)});
}

void gateway_machine::ask(open_request& r, shard_id to, shard_call what) {
  auto token = ++last_number_;
  calls_[token] = r.number;
  ++r.outstanding;
  effects_.push_back(call_shard_effect{to, token, std::move(what)});
}

/// One call whose answer is the request's.
void gateway_machine::pass_on(open_request& r, shard_id to, shard_call what) {
  r.then = [this](open_request& q) { finish(q, std::move(q.answers.back())); };
  ask(r, to, std::move(what));
}

bool gateway_machine::confirm(open_request& r, shard_id at,
                              std::function<void(open_request&)> again) {
  if (r.confirmed)
    return false;
  r.confirmed = true;
  r.then = [this, again = std::move(again)](open_request& q) {
    if (std::holds_alternative<api_error>(q.answers.back()))
      finish(q, std::move(q.answers.back()));
    else
      again(q);
  };
  ask(r, at, barrier_call{});
  return true;
}

void gateway_machine::on_membership(bool is_member) {
  if (is_member == is_member_)
    return;
  is_member_ = is_member;
  grow_stale();
}

void gateway_machine::grow_stale() {
  is_fresh_ = false;
  ++grown_stale_;
}

void gateway_machine::spread(open_request& r, result answer) {
  r.then = [this, answer = std::move(answer)](open_request& q) mutable {
    finish(q, std::move(answer));
  };
  auto token = ++last_number_;
  calls_[token] = r.number;
  ++r.outstanding;
  effects_.push_back(spread_change_effect{token, r.token});
}

void gateway_machine::start(open_request& r) {
  if (!options_.is_replicated || is_fresh_ || !goes_by_replica(r.what))
    return go_on(r);
  r.then = [this, grown = grown_stale_](open_request& q) {
    if (std::holds_alternative<api_error>(q.answers.back()))
      return finish(q, std::move(q.answers.back()));
    is_fresh_ = is_member_ && grown == grown_stale_;
    go_on(q);
  };
  ask(r, catalog_shard, barrier_call{});
}

void gateway_machine::go_on(open_request& r) {
  if (std::holds_alternative<submit_job_request>(r.what))
    return submit(r);
  if (const auto* asked = std::get_if<describe_jobs_request>(&r.what))
    return describe(r, *asked);
  if (const auto* asked = std::get_if<cancel_job_request>(&r.what))
    return end(r, asked->job, false, asked->reason);
  if (const auto* asked = std::get_if<terminate_job_request>(&r.what))
    return end(r, asked->job, true, asked->reason);
  if (const auto* asked = std::get_if<list_jobs_request>(&r.what))
    return list(r, *asked);
  if (const auto* asked = std::get_if<queue_snapshot_request>(&r.what))
    return snapshot(r, *asked);
  if (const auto* asked = std::get_if<why_request>(&r.what))
    return why(r, *asked);
  if (const auto* asked = std::get_if<describe_environments_request>(&r.what))
    return describe_environments(r, *asked);
  if (auto arn = job_arn(r.what))
    return tag_job(r, *arn);
  to_catalog(r);
}

void gateway_machine::to_catalog(open_request& r) {
  catalog_call call{r.who, r.what};
  auto* update = std::get_if<update_environment_request>(&*call.what);
  if (update != nullptr && !update->details_json.empty()) {
    const auto* stored =
        replica_.find_environment(r.who.owner, update->environment);
    if (stored == nullptr && confirm(r, catalog_shard, [this](open_request& q) {
          to_catalog(q);
        }))
      return;
    if (stored != nullptr)
      update->details_json = options_.merge_details(
          stored->settings.details_json, update->details_json);
  }
  if (!options_.is_replicated || catalog_actor::is_question(*call.what))
    return pass_on(r, catalog_shard, std::move(call));
  r.then = [this](open_request& q) {
    auto answer = std::move(q.answers.back());
    if (std::holds_alternative<api_error>(answer)
        || broken(breakage::change_answered_at_once))
      finish(q, std::move(answer));
    else
      spread(q, std::move(answer));
  };
  ask(r, catalog_shard, std::move(call));
}

void gateway_machine::describe_environments(
    open_request& r, const describe_environments_request& asked) {
  r.then = [this](open_request& q) {
    if (auto problem = problem_of<environments_response>(q.answers.back()))
      finish(q, *problem);
    else
      fill_environments(q);
  };
  ask(r, catalog_shard, catalog_call{r.who, asked});
}

void gateway_machine::fill_environments(open_request& r) {
  auto listed = std::get<environments_response>(
      std::get<response>(std::move(r.answers.back())));
  r.answers.clear();
  std::map<shard_id, fill_environments_call> by_shard;
  for (const auto& object : listed.environments)
    if (object.shard != catalog_shard && exists(object.shard))
      by_shard[object.shard].environments.push_back(object);
  if (by_shard.empty())
    return finish(r, response{std::move(listed)});
  r.then = [this, listed = std::move(listed)](open_request& q) mutable {
    std::map<environment_uid, environment_object> filled;
    for (auto& answer : q.answers) {
      // Rule Barrier: nothing is silently left out.
      if (auto problem = problem_of<environments_response>(answer))
        return finish(q, *problem);
      for (auto& object :
           std::get<environments_response>(std::get<response>(answer))
               .environments)
        filled[object.uid] = std::move(object);
    }
    for (auto& object : listed.environments)
      if (auto found = filled.find(object.uid); found != filled.end())
        object = std::move(found->second);
    finish(q, response{std::move(listed)});
  };
  for (auto& [shard, call] : by_shard)
    ask(r, shard, std::move(call));
}

// Submissions.

void gateway_machine::submit(open_request& r) {
  const auto& asked = std::get<submit_job_request>(r.what);
  auto admission = admit(replica_, r.who.owner, asked);
  if (auto* refused = std::get_if<refused_submission>(&admission)) {
    if (refused->may_be_stale
        && confirm(r, catalog_shard, [this](open_request& q) { submit(q); }))
      return;
    if (refused->may_be_stale && !r.only_resolves)
      return refuse_unless_known(r, std::move(refused->error));
    return finish(r, std::move(refused->error));
  }
  r.admitted = std::move(std::get<admitted_submission>(admission));
  if (!r.only_resolves
      && std::exchange(r.looked_elsewhere, r.admitted->queue)
             != r.admitted->queue) {
    // A queue of that name may have been elsewhere when it was tried first.
    auto former =
        replica_.former_shards(*replica_.find_queue(r.admitted->queue));
    if (!former.empty())
      return look_for_earlier_try(r, former,
                                  [this](open_request& q) { submit(q); });
  }
  if (!r.dependencies_checked && !r.admitted->spec->depends_on.empty())
    return check_dependencies(r);
  if (r.only_resolves) {
    effects_.push_back(
        submission_resolved_effect{r.token, std::move(*r.admitted)});
    return;
  }
  auto id = make_job_id(r.call_hash, r.admitted->queue_shard);
  r.then = [this](open_request& q) {
    // The queue's shard has not heard of its queue yet: behind its log's end it
    // has.
    const auto* error = std::get_if<api_error>(&q.answers.back());
    if (error != nullptr && error->code == api_errc::unavailable
        && confirm(q, q.admitted->queue_shard,
                   [this](open_request& again) { submit(again); }))
      return;
    finish(q, std::move(q.answers.back()));
  };
  ask(r, r.admitted->queue_shard,
      submit_job_call{id, r.who.owner, r.admitted->queue, r.admitted->spec});
}

/// An SDK repeats a call whose answer was lost. What was accepted is answered
/// so again, whatever has become of queue and definition since.
void gateway_machine::look_for_earlier_try(
    open_request& r, const std::vector<shard_id>& shards,
    std::function<void(open_request&)> otherwise) {
  r.answers.clear();
  r.then = [this, otherwise = std::move(otherwise)](open_request& q) {
    for (auto& answer : q.answers) {
      if (auto problem = problem_of<jobs_response>(answer))
        return finish(q, *problem);
      const auto& known =
          std::get<jobs_response>(std::get<response>(answer)).jobs;
      if (known.empty())
        continue;
      auto id = known.front().key.id;
      return finish(
          q, response{submitted_response{
                 id, known.front().spec->name,
                 make_arn(q.who.owner, resource_kind::job, to_string(id))}});
    }
    otherwise(q);
  };
  for (auto shard : shards)
    ask(r, shard,
        describe_jobs_call{r.who.owner,
                           {job_key{make_job_id(r.call_hash, shard)}}});
}

void gateway_machine::refuse_unless_known(open_request& r, api_error why) {
  std::vector<shard_id> all;
  for (uint32_t i = 0; i < options_.shard_count; ++i)
    all.push_back(shard_id{i});
  look_for_earlier_try(r, all, [this, why = std::move(why)](open_request& q) {
    finish(q, why);
  });
}

void gateway_machine::check_dependencies(open_request& r) {
  r.dependencies_checked = true;
  std::map<shard_id, describe_jobs_call> by_shard;
  for (const auto& d : r.admitted->spec->depends_on) {
    if (!d.on)
      continue;
    if (!exists(shard_of(d.on->id)))
      return finish(
          r, invalid("dependsOn: job " + to_string(*d.on) + " does not exist"));
    auto& call = by_shard[shard_of(d.on->id)];
    call.owner = r.who.owner;
    call.jobs.push_back(*d.on);
  }
  if (by_shard.empty())
    return submit(r);
  r.answers.clear();
  r.then = [this](open_request& q) { on_dependencies(q); };
  for (auto& [shard, call] : by_shard)
    ask(r, shard, std::move(call));
}

void gateway_machine::on_dependencies(open_request& r) {
  std::map<job_key, const job_view*> known;
  for (const auto& answer : r.answers) {
    if (auto problem = problem_of<jobs_response>(answer))
      return finish(r, *problem);
    for (const auto& view :
         std::get<jobs_response>(std::get<response>(answer)).jobs)
      known[view.key] = &view;
  }
  for (const auto& d : r.admitted->spec->depends_on) {
    if (!d.on)
      continue;
    auto found = known.find(*d.on);
    if (found == known.end())
      return finish(
          r, invalid("dependsOn: job " + to_string(*d.on) + " does not exist"));
    const auto& view = *found->second;
    auto size = view.key.is_child() ? 0U : view.spec->array_size;
    if (d.kind == dependency_kind::n_to_n
        && size != r.admitted->spec->array_size)
      return finish(
          r, invalid("dependsOn: type N_TO_N needs an array of the same size ("
                     + std::to_string(r.admitted->spec->array_size) + "), but "
                     + to_string(*d.on) + " has "
                     + (size == 0 ? std::string("no children")
                                  : std::to_string(size))));
  }
  submit(r);
}

// Jobs.

void gateway_machine::describe(open_request& r,
                               const describe_jobs_request& asked) {
  std::map<shard_id, describe_jobs_call> by_shard;
  std::vector<job_key> order;
  std::set<job_key> named;
  for (const auto& text : asked.jobs) {
    // Jobs may be named by ARN, too.
    auto arn = parse_arn(text);
    auto key = parse_job_key(arn && arn->kind == resource_kind::job ? arn->name
                                                                    : text);
    if (!key || !exists(shard_of(key->id)))
      continue;
    // As AWS: a job named twice is given once.
    if (!named.insert(*key).second)
      continue;
    order.push_back(*key);
    auto& call = by_shard[shard_of(key->id)];
    call.owner = r.who.owner;
    call.jobs.push_back(*key);
  }
  if (by_shard.empty())
    return finish(r, response{jobs_response{}});
  r.then = [this, order = std::move(order)](open_request& q) {
    std::map<job_key, job_view> found;
    for (auto& answer : q.answers) {
      if (auto problem = problem_of<jobs_response>(answer))
        return finish(q, *problem);
      for (auto& view :
           std::get<jobs_response>(std::get<response>(answer)).jobs)
        found[view.key] = std::move(view);
    }
    jobs_response all;
    for (const auto& key : order)
      if (auto view = found.find(key); view != found.end())
        all.jobs.push_back(view->second);
    finish(q, response{std::move(all)});
  };
  for (auto& [shard, call] : by_shard)
    ask(r, shard, std::move(call));
}

void gateway_machine::end(open_request& r, const std::string& job,
                          bool terminate, const std::string& reason) {
  auto arn = parse_arn(job);
  auto key =
      parse_job_key(arn && arn->kind == resource_kind::job ? arn->name : job);
  // AWS answers 200 for an unknown job.
  if (!key || !exists(shard_of(key->id)))
    return finish(r, response{done_response{}});
  pass_on(r, shard_of(key->id),
          end_job_call{r.who.owner, *key, terminate, reason});
}

void gateway_machine::list(open_request& r, const list_jobs_request& asked) {
  list_jobs_call call{r.who.owner,  std::nullopt, std::nullopt,
                      asked.status, asked.filter, asked.filter_values,
                      asked.page};
  if (!asked.array_job.empty()) {
    auto id = parse_job_id(asked.array_job);
    if (!id || !exists(shard_of(*id)))
      return finish(r, response{job_list_response{}});
    call.array_job = *id;
    return pass_on(r, shard_of(*id), std::move(call));
  }
  const auto* queue = replica_.find_queue(r.who.owner, asked.queue);
  if (queue == nullptr) {
    if (confirm(r, catalog_shard, [this](open_request& q) {
          list(q, std::get<list_jobs_request>(q.what));
        }))
      return;
    return finish(r, invalid("job-queue/" + asked.queue + " does not exist"));
  }
  call.queue = queue->uid;
  pass_on(r, queue->shard, std::move(call));
}

void gateway_machine::snapshot(open_request& r,
                               const queue_snapshot_request& asked) {
  const auto* queue = replica_.find_queue(r.who.owner, asked.queue);
  if (queue == nullptr) {
    if (confirm(r, catalog_shard, [this](open_request& q) {
          snapshot(q, std::get<queue_snapshot_request>(q.what));
        }))
      return;
    return finish(r, invalid("job-queue/" + asked.queue + " does not exist"));
  }
  pass_on(r, queue->shard, queue_snapshot_call{r.who.owner, queue->uid});
}

void gateway_machine::why(open_request& r, const why_request& asked) {
  auto key = parse_job_key(asked.job);
  if (!key || !exists(shard_of(key->id)))
    return finish(r, invalid("job " + asked.job + " does not exist"));
  pass_on(r, shard_of(key->id), why_call{r.who.owner, *key});
}

void gateway_machine::tag_job(open_request& r, const parsed_arn& arn) {
  auto id = parse_job_id(arn.name);
  if (!id || arn.owner != r.who.owner || !exists(shard_of(*id)))
    return finish(r,
                  invalid("resourceArn: job/" + arn.name + " does not exist"));
  if (const auto* put = std::get_if<tag_resource_request>(&r.what))
    return pass_on(r, shard_of(*id),
                   tag_job_call{r.who.owner, *id, put->tags, {}});
  if (const auto* remove = std::get_if<untag_resource_request>(&r.what))
    return pass_on(r, shard_of(*id),
                   tag_job_call{r.who.owner, *id, {}, remove->keys});
  r.then = [this, name = arn.name](open_request& q) {
    if (auto problem = problem_of<jobs_response>(q.answers.back()))
      return finish(q, *problem);
    const auto& jobs =
        std::get<jobs_response>(std::get<response>(q.answers.back())).jobs;
    if (jobs.empty())
      finish(q, invalid("resourceArn: job/" + name + " does not exist"));
    else
      finish(q, response{tags_response{jobs.front().tags}});
  };
  ask(r, shard_of(*id),
      describe_jobs_call{r.who.owner, {job_key{*id, no_index}}});
}

} // namespace berth
