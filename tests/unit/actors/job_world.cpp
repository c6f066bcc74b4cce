#include "tests/unit/actors/job_world.hpp"

#include "messages/assert.hpp"

#include <catch2/catch.hpp>
#include <utility>

namespace berth::testing {

job_id test_id(uint32_t n, shard_id shard) {
  std::array<uint8_t, 16> hash{};
  hash[0] = static_cast<uint8_t>(n >> 24);
  hash[1] = static_cast<uint8_t>(n >> 16);
  hash[2] = static_cast<uint8_t>(n >> 8);
  hash[3] = static_cast<uint8_t>(n);
  return make_job_id(hash, shard);
}

std::shared_ptr<job_spec> test_spec(const std::string& name) {
  auto spec = std::make_shared<job_spec>();
  spec->name = name;
  spec->definition_name = "calc";
  spec->definition_revision = 3;
  spec->container.command = {"/bin/true"};
  spec->container.needs = {1000, 512, {}};
  return spec;
}

shared_job_spec waiting_spec(const job_key& on, dependency_kind kind) {
  auto spec = test_spec("waiting");
  spec->depends_on.push_back({on, kind});
  return spec;
}

shared_job_spec array_spec(uint32_t size, std::vector<dependency> depends_on) {
  auto spec = test_spec("array");
  spec->array_size = size;
  spec->depends_on = std::move(depends_on);
  return spec;
}

std::optional<api_error> error_of(const result& r) {
  const auto* error = std::get_if<api_error>(&r);
  return error ? std::optional{*error} : std::nullopt;
}

job_world::job_world(uint32_t shards, job_table_options options)
    : options_(options), shards_(shards) {
  for (uint32_t i = 0; i < shards; ++i) {
    make_queues(shards_[i]);
    shards_[i].table = new_table({i});
  }
}

void job_world::make_queues(one_shard& s) {
  for (auto uid : {test_queue, queue_uid{8}}) {
    queue_configured made;
    made.object->uid = uid;
    made.object->owner = test_owner;
    made.object->settings.name = "queue-" + std::to_string(uid.value);
    s.queues.emplace(uid, queue_actor{made});
  }
}

std::unique_ptr<job_table> job_world::new_table(shard_id shard) {
  return std::make_unique<job_table>(
      options_, [this, shard](queue_uid uid) -> const queue_actor* {
        auto& queues = shards_[shard.value].queues;
        auto found = queues.find(uid);
        return found == queues.end() ? nullptr : &found->second;
      });
}

void job_world::disable_queue(queue_uid queue, shard_id shard) {
  auto& actor = shards_[shard.value].queues.at(queue);
  queue_configured changed;
  changed.object = actor.object();
  changed.object->settings.state = object_state::disabled;
  actor.apply(changed);
}

fetched_rows job_world::fetch(shard_id shard, const needed_rows& needs) const {
  const auto& s = shards_[shard.value];
  fetched_rows rows;
  for (const auto& key : needs.keys) {
    if (auto pending = s.table->pending_row(key)) {
      rows[key] = *pending;
      continue;
    }
    auto found = s.rows.find(key);
    rows[key] =
        found == s.rows.end() ? std::nullopt : std::optional{found->second};
  }
  for (const auto& range : needs.ranges) {
    auto first = s.rows.lower_bound(range.from);
    auto last = s.rows.lower_bound(range.to);
    size_t n = 0;
    if (range.backwards)
      while (last != first && n++ < range.limit)
        --last, rows[last->first] = last->second;
    else
      for (; first != last && n < range.limit; ++first, ++n)
        rows[first->first] = first->second;
  }
  return rows;
}

void job_world::step(shard_id shard, const decide_function& decide,
                     const fetched_rows& rows) {
  auto outermost = inside_.empty();
  if (outermost) {
    last_events.clear();
    last_messages.clear();
    last_dispatches.clear();
  }
  auto& s = shards_[shard.value];
  draft d;
  d.position_base = ++steps_ << 20;
  decide(*s.table, {now_ms, shard, &rows}, d);
  largest_step = std::max({largest_step, d.events.size(), d.messages.size()});
  for (const auto& e : d.events) {
    std::visit(
        [&](const auto& one) {
          if constexpr (requires { s.table->apply(one); })
            s.table->apply(one);
          else
            FAIL("a job table emits only events of its own");
        },
        e);
    s.events.push_back(e);
    last_events.push_back(e);
  }
  last_messages.insert(last_messages.end(), d.messages.begin(),
                       d.messages.end());
  last_dispatches.insert(last_dispatches.end(), d.dispatches.begin(),
                         d.dispatches.end());
  answers_.insert(answers_.end(), d.answers.begin(), d.answers.end());
  inside_.insert(inside_.end(), d.messages.begin(), d.messages.end());
  if (!outermost)
    return;
  while (!inside_.empty()) {
    // Stays in front while it is handled, so that nested steps know.
    auto m = inside_.front();
    deliver(m);
    inside_.pop_front();
  }
  if (checks)
    for (const auto& each : shards_)
      each.table->check_invariants();
}

void job_world::deliver(const sent_message& m) {
  std::visit(
      [&](const auto& body) {
        using type = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<
                          type,
                          watch_job> || std::is_same_v<type, dependency_ended>)
          step(
              m.to,
              [&](const job_table& t, const decision_context& c, draft& d) {
                t.decide(body, c, d);
              },
              fetch(m.to, shards_[m.to.value].table->keys_needed(
                              actor_message{body})));
      },
      m.body);
  note_queue_message(m.body);
}

void job_world::note_queue_message(const actor_message& m) {
  auto each = [](const job_range& jobs, auto&& act) {
    if (jobs.first == no_index)
      act(job_key{jobs.id, no_index});
    for (auto i = std::max(jobs.first, 0); i < jobs.last; ++i)
      act(job_key{jobs.id, i});
  };
  if (const auto* in = std::get_if<enqueue_jobs>(&m))
    each(in->jobs, [&](const job_key& k) {
      INFO(to_string(k));
      REQUIRE(queued_.insert(k).second);
    });
  if (const auto* out = std::get_if<withdraw_jobs>(&m))
    each(out->jobs, [&](const job_key& k) {
      INFO(to_string(k));
      REQUIRE(queued_.erase(k) == 1);
    });
  if (const auto* done = std::get_if<finish_lease>(&m)) {
    auto lease = leases_.find(done->job);
    REQUIRE(lease != leases_.end());
    REQUIRE(lease->second == done->lease);
    leases_.erase(lease);
  }
}

result job_world::submit(const job_id& id, shared_job_spec spec,
                         queue_uid queue) {
  submit_job_call call{id, test_owner, queue, std::move(spec)};
  auto shard = shard_of(id);
  auto rows = fetch(shard, table(shard).keys_needed(shard_call{call}));
  answers_.clear();
  step(
      shard,
      [&](const job_table& t, const decision_context& c, draft& d) {
        t.decide(call_token{1}, call, c, d);
      },
      rows);
  REQUIRE(answers_.size() == 1);
  return answers_.front().answer;
}

void job_world::cancel(const job_key& job, const std::string& reason) {
  end_job_call call{test_owner, job, false, reason};
  step(shard_of(job.id),
       [&](const job_table& t, const decision_context& c, draft& d) {
         t.decide(call_token{1}, call, c, d);
       });
}

void job_world::terminate(const job_key& job, const std::string& reason) {
  end_job_call call{test_owner, job, true, reason};
  step(shard_of(job.id),
       [&](const job_table& t, const decision_context& c, draft& d) {
         t.decide(call_token{1}, call, c, d);
       });
}

result job_world::tag(const job_id& job, tag_map put,
                      std::vector<std::string> remove) {
  tag_job_call call{test_owner, job, std::move(put), std::move(remove)};
  auto shard = shard_of(job);
  auto rows = fetch(shard, table(shard).keys_needed(shard_call{call}));
  answers_.clear();
  step(
      shard,
      [&](const job_table& t, const decision_context& c, draft& d) {
        t.decide(call_token{1}, call, c, d);
      },
      rows);
  return answers_.front().answer;
}

void job_world::place(const job_key& job) {
  INFO(to_string(job));
  REQUIRE(queued_.erase(job) == 1);
  lease_id lease{next_lease_++};
  leases_[job] = lease;
  tell(shard_of(job.id),
       place_job{job, lease, test_environment, test_agent.name, test_session});
}

attempt_record job_world::live_attempt(const job_key& job) {
  auto view = describe(job);
  REQUIRE(view);
  REQUIRE(!view->attempts.empty());
  return view->attempts.back();
}

void job_world::report(shard_id shard, const agent_id& agent,
                       const session_id& session,
                       const attempt_report& report) {
  step(shard, [&](const job_table& t, const decision_context& c, draft& d) {
    t.decide(agent, session, report, c, d);
  });
}

void job_world::start(const job_key& job) {
  report(shard_of(job.id), test_agent, test_session,
         attempt_started_report{{job, live_attempt(job).number}, now_ms});
}

void job_world::finish(const job_key& job, int32_t exit_code) {
  end(job, attempt_end::exited, exit_code);
}

void job_world::end(const job_key& job, attempt_end how,
                    std::optional<int32_t> exit_code, std::string reason) {
  auto attempt = live_attempt(job);
  report(shard_of(job.id), test_agent, test_session,
         attempt_ended_report{{job, attempt.number},
                              how,
                              exit_code,
                              std::move(reason),
                              attempt.started_ms,
                              now_ms});
}

void job_world::lose(const job_key& job) {
  auto lease = leases_.extract(job);
  REQUIRE(!lease.empty());
  tell(shard_of(job.id), attempt_lost{job, test_environment, lease.mapped(),
                                      lease_lost_reason::session_over});
}

void job_world::run(const job_key& job, int32_t exit_code) {
  place(job);
  start(job);
  finish(job, exit_code);
}

void job_world::close_queue(queue_uid queue, shard_id shard) {
  tell(shard, end_jobs_of_queue{queue});
}

void job_world::advance(shard_id shard) {
  step(shard, [](const job_table& t, const decision_context& c, draft& d) {
    t.advance(c, d);
  });
}

void job_world::advance_all() {
  for (uint32_t i = 0; i < shards_.size(); ++i)
    while (shards_[i].table->has_work())
      advance({i});
}

std::optional<job_view> job_world::describe(const job_key& job,
                                            const account_region& owner) {
  describe_jobs_call call{owner, {job}};
  auto shard = shard_of(job.id);
  auto rows = fetch(shard, table(shard).keys_needed(shard_call{call}));
  auto answer = table(shard).answer(call, rows);
  auto& jobs = std::get<jobs_response>(std::get<response>(answer)).jobs;
  return jobs.empty() ? std::nullopt : std::optional{jobs.front()};
}

job_status job_world::status(const job_key& job) {
  auto view = describe(job);
  INFO(to_string(job));
  REQUIRE(view);
  return view->status;
}

job_list_response job_world::list(list_jobs_call call) {
  call.owner = test_owner;
  auto rows = fetch({}, table().keys_needed(shard_call{call}));
  auto answer = table().answer(call, rows);
  if (auto error = error_of(answer))
    FAIL(error->message);
  return std::get<job_list_response>(std::get<response>(answer));
}

std::vector<std::string> job_world::names(const list_jobs_call& call) {
  std::vector<std::string> found;
  for (const auto& job : list(call).jobs)
    found.push_back(job.spec->name);
  return found;
}

why_response job_world::why(const job_key& job) {
  why_call call{test_owner, job};
  auto shard = shard_of(job.id);
  auto rows = fetch(shard, table(shard).keys_needed(shard_call{call}));
  auto answer = table(shard).answer(call, rows);
  return std::get<why_response>(std::get<response>(answer));
}

void job_world::checkpoint() {
  for (auto& s : shards_) {
    std::map<std::string, std::optional<std::string>> changes;
    s.table->cut_checkpoint(changes);
    for (auto& [key, value] : changes) {
      if (value)
        s.rows[key] = *value;
      else
        s.rows.erase(key);
    }
  }
}

void job_world::sweep() {
  for (auto& s : shards_) {
    auto range = s.table->expired_range(1000);
    if (!range)
      continue;
    for (auto row = s.rows.lower_bound(range->from);
         row != s.rows.end() && row->first < range->to; ++row)
      s.table->forget_expired(row->first, row->second);
  }
  checkpoint();
}

void job_world::reload() {
  checkpoint();
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    auto& s = shards_[i];
    auto before = hash({i});
    std::set<job_key> entries;
    std::map<job_key, lease_id> leases;
    job_table::restored to{
        [&](queue_uid, queue_position, const job_range& jobs, const shape&,
            int64_t) {
          if (jobs.first == no_index)
            entries.insert({jobs.id, no_index});
          for (auto n = std::max(jobs.first, 0); n < jobs.last; ++n)
            entries.insert({jobs.id, n});
        },
        [&](queue_uid, environment_uid, lease_id lease, const job_key& job,
            const shape&) { leases[job] = lease; }};
    auto fresh = new_table({i});
    for (const auto& range : job_table::live_ranges())
      for (auto row = s.rows.lower_bound(range.from);
           row != s.rows.end() && row->first < range.to; ++row)
        REQUIRE(fresh->load_row(row->first, row->second, to));
    s.table = std::move(fresh);
    REQUIRE(hash({i}) == before);
    s.table->check_invariants();
    auto of_shard = [&](const auto& keyed, auto key_of) {
      size_t n = 0;
      for (const auto& k : keyed)
        n += shard_of(key_of(k).id).value == i ? 1 : 0;
      return n;
    };
    for (const auto& key : entries)
      REQUIRE(queued_.contains(key));
    REQUIRE(entries.size()
            == of_shard(queued_, [](const job_key& k) { return k; }));
    for (const auto& [key, lease] : leases)
      REQUIRE(leases_.at(key) == lease);
    REQUIRE(leases.size()
            == of_shard(leases_, [](const auto& l) { return l.first; }));
  }
}

void job_world::replay() {
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    auto fresh = new_table({i});
    for (const auto& e : shards_[i].events)
      std::visit(
          [&](const auto& one) {
            if constexpr (requires { fresh->apply(one); })
              fresh->apply(one);
          },
          e);
    state_hash replayed;
    fresh->add_to(replayed);
    REQUIRE(replayed.value() == hash({i}));
    fresh->check_invariants();
  }
}

uint64_t job_world::hash(shard_id shard) const {
  state_hash h;
  shards_[shard.value].table->add_to(h);
  return h.value();
}

std::vector<job_key> job_world::placed() const {
  std::vector<job_key> keys;
  for (const auto& [key, lease] : leases_)
    keys.push_back(key);
  return keys;
}

bool job_world::is_queued(const job_key& job) const {
  return queued_.contains(job);
}

} // namespace berth::testing
