#include "actors/gateway_machine.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

const account_region ours{"123456789012", "eu-central-1"};
constexpr request_token asked_as = 99;

job_id job(uint8_t number, uint32_t shard) {
  std::array<uint8_t, 16> hash{};
  hash[0] = number;
  return make_job_id(hash, shard_id{shard});
}

/// A gateway of four shards; queue `q` lives in shard 2.
class world {
public:
  world() : gateway(options()) {
    environment_object environment;
    environment.uid = environment_uid{1};
    environment.owner = ours;
    environment.settings.name = "ce";
    environment.settings.details_json = "old";
    definition_object definition;
    definition.owner = ours;
    definition.revision = 1;
    definition.settings.name = "d";
    fold({environment_created{environment}, definition_registered{definition}});
    add_queue("q");
  }

  void add_queue(const std::string& name) {
    queue_object queue;
    queue.uid = queue_uid{++last_uid};
    queue.owner = ours;
    queue.shard = shard_id{2};
    queue.settings.name = name;
    queue.settings.environments = {{1, environment_uid{1}}};
    fold({queue_created{queue}});
  }

  void fold(std::vector<event> events) {
    decision_record decision;
    decision.events = std::move(events);
    gateway.on_folded(decision);
  }

  void ask(request what) {
    gateway.on_request(asked_as, {ours, "call", "body"}, std::move(what),
                       {1, 2, 3});
  }

  std::vector<call_shard_effect> calls() {
    std::vector<call_shard_effect> all;
    for (auto& effect : gateway.take_effects())
      all.push_back(std::get<call_shard_effect>(effect));
    return all;
  }

  /// The one call that was made, which must be of this kind.
  template <class Call>
  Call call(uint32_t shard) {
    auto all = calls();
    REQUIRE(all.size() == 1);
    CHECK(all[0].to == shard_id{shard});
    REQUIRE(std::holds_alternative<Call>(all[0].what));
    token = all[0].token;
    return std::get<Call>(all[0].what);
  }

  void reply(result answer) { gateway.on_answer(token, std::move(answer)); }

  /// Answers each call that was made with the same.
  void reply_to_all(const result& answer) {
    for (const auto& call : calls())
      gateway.on_answer(call.token, answer);
  }

  /// The request's answer; nothing may be left open.
  result answer() {
    auto effects = gateway.take_effects();
    REQUIRE(effects.size() == 1);
    REQUIRE(std::holds_alternative<answer_request_effect>(effects[0]));
    auto one = std::get<answer_request_effect>(effects[0]);
    CHECK(one.token == asked_as);
    CHECK(gateway.open_requests() == 0);
    return one.answer;
  }

  std::string refusal(api_errc code = api_errc::invalid) {
    auto a = answer();
    REQUIRE(std::holds_alternative<api_error>(a));
    CHECK(std::get<api_error>(a).code == code);
    return std::get<api_error>(a).message;
  }

  template <class Answer>
  Answer good() {
    auto a = answer();
    REQUIRE(std::holds_alternative<response>(a));
    REQUIRE(std::holds_alternative<Answer>(std::get<response>(a)));
    return std::get<Answer>(std::get<response>(a));
  }

  static gateway_options options() {
    return {4, [](const std::string& stored, const std::string& given) {
              return stored + "+" + given;
            }};
  }

  uint64_t last_uid = 1;
  gateway_machine gateway;
  call_token token = 0;
};

const result done = response{done_response{}};
const result unavailable = api_error{api_errc::unavailable, "try again"};

submit_job_request submission(std::vector<requested_dependency> on = {}) {
  submit_job_request r;
  r.name = "job";
  r.queue = "q";
  r.definition = "d";
  r.depends_on = std::move(on);
  return r;
}

job_view view_of(const job_key& key, uint32_t array_size = 0) {
  auto spec = std::make_shared<job_spec>();
  spec->array_size = array_size;
  job_view view;
  view.key = key;
  view.spec = std::move(spec);
  return view;
}

result views(std::vector<job_view> all) {
  return response{jobs_response{std::move(all)}};
}

} // namespace

TEST_CASE("the catalog's calls go to shard 0 with their caller") {
  world w;
  w.ask(delete_queue_request{"q"});
  auto call = w.call<catalog_call>(0);
  CHECK(call.who.invocation_id == "call");
  CHECK(std::get<delete_queue_request>(*call.what).queue == "q");
  CHECK(w.gateway.open_requests() == 1);
  w.reply(done);
  w.good<done_response>();
}

TEST_CASE("an update's details are merged with the stored ones") {
  world w;
  update_environment_request update;
  update.environment = "ce";
  update.details_json = "new";
  w.ask(update);
  auto call = w.call<catalog_call>(0);
  CHECK(std::get<update_environment_request>(*call.what).details_json
        == "old+new");
  w.reply(unavailable);
  CHECK(w.refusal(api_errc::unavailable) == "try again");
}

TEST_CASE("a submission goes to its queue's shard under an id of its hash") {
  world w;
  std::vector<job_id> ids;
  for (int tries = 0; tries < 2; ++tries) {
    w.ask(submission());
    auto call = w.call<submit_job_call>(2);
    CHECK(call.queue == queue_uid{2});
    CHECK(shard_of(call.id) == shard_id{2});
    ids.push_back(call.id);
    w.reply(response{submitted_response{call.id, "job", "arn"}});
    CHECK(w.good<submitted_response>().id == call.id);
  }
  CHECK(ids[0] == ids[1]);
}

TEST_CASE("a queue that is not known is looked for behind a barrier") {
  world w;
  auto asked = submission();
  asked.queue = "new";
  w.ask(asked);
  w.call<barrier_call>(0);
  SECTION("it was there") {
    w.add_queue("new");
    w.reply(done);
    w.call<submit_job_call>(2);
  }
  SECTION("it is not there") {
    w.reply(done);
    w.reply_to_all(response{jobs_response{}});
    CHECK(w.refusal() == "JobQueue new not found.");
  }
  SECTION("the shard cannot say") {
    w.reply(unavailable);
    CHECK(w.refusal(api_errc::unavailable) == "try again");
  }
}

TEST_CASE("a repeat of an accepted submission is accepted, though its queue is "
          "gone") {
  world w;
  auto asked = submission();
  asked.queue = "gone";
  w.ask(asked);
  w.call<barrier_call>(0);
  w.reply(done);
  auto calls = w.calls();
  REQUIRE(calls.size() == 4);
  for (const auto& call : calls) {
    const auto& what = std::get<describe_jobs_call>(call.what);
    REQUIRE(what.jobs.size() == 1);
    auto id = what.jobs[0].id;
    CHECK(shard_of(id) == call.to);
    jobs_response known;
    if (call.to == shard_id{1}) {
      known.jobs.emplace_back();
      known.jobs[0].key.id = id;
      job_spec spec;
      spec.name = "job";
      known.jobs[0].spec = std::make_shared<const job_spec>(spec);
    }
    w.gateway.on_answer(call.token, response{std::move(known)});
  }
  auto answer = w.good<submitted_response>();
  CHECK(shard_of(answer.id) == shard_id{1});
  CHECK(answer.name == "job");
  CHECK(answer.arn.ends_with("job/" + to_string(answer.id)));
}

TEST_CASE("a repeat finds its job in the shard where its queue was before") {
  world w;
  w.fold({queue_name_freed{ours, "q", shard_id{1}, 1000}});
  w.ask(submission());
  auto looked = w.call<describe_jobs_call>(1);
  REQUIRE(looked.jobs.size() == 1);
  CHECK(shard_of(looked.jobs[0].id) == shard_id{1});
  SECTION("and is answered with it") {
    jobs_response known;
    known.jobs.emplace_back();
    known.jobs[0].key = looked.jobs[0];
    known.jobs[0].spec = std::make_shared<const job_spec>();
    w.reply(response{std::move(known)});
    CHECK(w.good<submitted_response>().id == looked.jobs[0].id);
  }
  SECTION("or is submitted, when there is none") {
    w.reply(response{jobs_response{}});
    CHECK(shard_of(w.call<submit_job_call>(2).id) == shard_id{2});
    w.reply(done);
    w.good<done_response>();
  }
  SECTION("or has to be tried again, when the shard does not answer") {
    w.reply(unavailable);
    CHECK(w.refusal(api_errc::unavailable) == "try again");
  }
}

TEST_CASE("a queue made anew while it is submitted to is looked at again") {
  world w;
  w.ask(submission());
  w.call<submit_job_call>(2);
  // Meanwhile the queue has moved.
  queue_object anew;
  anew.uid = queue_uid{9};
  anew.owner = ours;
  anew.shard = shard_id{3};
  anew.settings.name = "q";
  w.fold({queue_name_freed{ours, "q", shard_id{2}, 1000},
          queue_deleted{queue_uid{1}}, queue_created{anew}});
  w.reply(unavailable);
  w.call<barrier_call>(2);
  w.reply(done);
  w.call<describe_jobs_call>(2);
  w.reply(response{jobs_response{}});
  CHECK(shard_of(w.call<submit_job_call>(3).id) == shard_id{3});
}

TEST_CASE(
    "nobody is refused while a shard cannot say whether it knows the job") {
  world w;
  auto asked = submission();
  asked.queue = "gone";
  w.ask(asked);
  w.call<barrier_call>(0);
  w.reply(done);
  w.reply_to_all(unavailable);
  CHECK(w.refusal(api_errc::unavailable) == "try again");
}

TEST_CASE("a mistake that no barrier can mend is refused at once") {
  world w;
  auto asked = submission();
  asked.name = "a b";
  w.ask(asked);
  CHECK(w.refusal().starts_with("Job name should match"));
}

TEST_CASE("a shard that does not know its queue yet is asked once more") {
  world w;
  w.ask(submission());
  auto first = w.call<submit_job_call>(2);
  w.reply(unavailable);
  w.call<barrier_call>(2);
  w.reply(done);
  CHECK(w.call<submit_job_call>(2).id == first.id);
  w.reply(unavailable);
  CHECK(w.refusal(api_errc::unavailable) == "try again");
}

TEST_CASE("another refusal of the queue's shard is passed on") {
  world w;
  w.ask(submission());
  w.call<submit_job_call>(2);
  w.reply(api_error{api_errc::too_many_requests, "full"});
  CHECK(w.refusal(api_errc::too_many_requests) == "full");
}

TEST_CASE("dependencies are looked up in all their shards first") {
  world w;
  auto one = job_key{job(1, 1), no_index};
  auto two = job_key{job(2, 3), 4};
  w.ask(submission({{to_string(one), dependency_kind::plain},
                    {to_string(two), dependency_kind::plain}}));
  auto calls = w.calls();
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].to == shard_id{1});
  CHECK(calls[1].to == shard_id{3});
  CHECK(std::get<describe_jobs_call>(calls[1].what).jobs == std::vector{two});
  w.gateway.on_answer(calls[1].token, views({view_of(two)}));
  CHECK(w.gateway.take_effects().empty());
  SECTION("all exist") {
    w.gateway.on_answer(calls[0].token, views({view_of(one)}));
    CHECK(w.call<submit_job_call>(2).spec->depends_on.size() == 2);
  }
  SECTION("one does not exist") {
    w.gateway.on_answer(calls[0].token, views({}));
    CHECK(w.refusal()
          == "dependsOn: job " + to_string(one) + " does not exist");
  }
  SECTION("one cannot be looked up") {
    w.gateway.on_answer(calls[0].token, unavailable);
    CHECK(w.refusal(api_errc::unavailable) == "try again");
  }
}

TEST_CASE("a dependency in a shard that is not there does not exist") {
  world w;
  auto id = to_string(job(1, 4));
  w.ask(submission({{id, dependency_kind::plain}}));
  CHECK(w.refusal() == "dependsOn: job " + id + " does not exist");
}

TEST_CASE("N_TO_N needs an array of the same size") {
  world w;
  auto other = job_key{job(1, 1), no_index};
  auto asked = submission({{to_string(other), dependency_kind::n_to_n}});
  asked.array_size = 3;
  w.ask(asked);
  w.call<describe_jobs_call>(1);
  auto text = "dependsOn: type N_TO_N needs an array of the same size (3), but "
              + to_string(other) + " has ";
  SECTION("the same") {
    w.reply(views({view_of(other, 3)}));
    w.call<submit_job_call>(2);
  }
  SECTION("another") {
    w.reply(views({view_of(other, 2)}));
    CHECK(w.refusal() == text + "2");
  }
  SECTION("a single job") {
    w.reply(views({view_of(other)}));
    CHECK(w.refusal() == text + "no children");
  }
}

TEST_CASE("an array that waits within itself asks nobody") {
  world w;
  auto asked = submission({{std::nullopt, dependency_kind::sequential}});
  asked.array_size = 3;
  w.ask(asked);
  w.call<submit_job_call>(2);
}

TEST_CASE("described jobs of several shards come in the order asked") {
  world w;
  auto a = job_key{job(1, 3), no_index};
  auto b = job_key{job(2, 0), no_index};
  auto c = job_key{job(3, 3), 7};
  w.ask(describe_jobs_request{
      {to_string(a), make_arn(ours, resource_kind::job, to_string(b)),
       "nonsense", to_string(job(4, 4)), to_string(c), to_string(job(5, 0))}});
  auto calls = w.calls();
  REQUIRE(calls.size() == 2);
  w.gateway.on_answer(calls[1].token, views({view_of(c), view_of(a)}));
  SECTION("all shards answer") {
    w.gateway.on_answer(calls[0].token, views({view_of(b)}));
    auto jobs = w.good<jobs_response>().jobs;
    REQUIRE(jobs.size() == 3);
    CHECK(jobs[0].key == a);
    CHECK(jobs[1].key == b);
    CHECK(jobs[2].key == c);
  }
  SECTION("one cannot: nothing is silently left out") {
    w.gateway.on_answer(calls[0].token, unavailable);
    CHECK(w.refusal(api_errc::unavailable) == "try again");
  }
}

TEST_CASE("a job that is named twice is described once") {
  world w;
  auto a = job_key{job(1, 3), no_index};
  auto b = job_key{job(2, 3), no_index};
  auto arn = make_arn(ours, resource_kind::job, to_string(a));
  w.ask(describe_jobs_request{
      {to_string(a), to_string(b), to_string(a), arn, to_string(b)}});
  CHECK(w.call<describe_jobs_call>(3).jobs == std::vector{a, b});
  w.reply(views({view_of(b), view_of(a)}));
  auto jobs = w.good<jobs_response>().jobs;
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].key == a);
  CHECK(jobs[1].key == b);
}

TEST_CASE("describing only what cannot exist gives an empty list") {
  world w;
  w.ask(describe_jobs_request{{"nonsense", to_string(job(1, 4))}});
  CHECK(w.good<jobs_response>().jobs.empty());
}

TEST_CASE("ending a job goes to its shard, an unknown one succeeds") {
  world w;
  auto key = job_key{job(1, 3), 5};
  w.ask(terminate_job_request{to_string(key), "why"});
  auto call = w.call<end_job_call>(3);
  CHECK(call.job == key);
  CHECK(call.terminate);
  CHECK(call.reason == "why");
  w.reply(done);
  w.good<done_response>();
  w.ask(cancel_job_request{to_string(key), "why"});
  CHECK_FALSE(w.call<end_job_call>(3).terminate);
  w.reply(done);
  w.good<done_response>();
  for (const auto& id : {std::string("nonsense"), to_string(job(1, 4))}) {
    w.ask(cancel_job_request{id, "why"});
    w.good<done_response>();
    w.ask(terminate_job_request{id, "why"});
    w.good<done_response>();
  }
}

TEST_CASE("listings and snapshots confirm that a queue does not exist") {
  world w;
  list_jobs_request list;
  SECTION("of a known queue") {
    list.queue = "q";
    w.ask(list);
    CHECK(w.call<list_jobs_call>(2).queue == queue_uid{2});
    w.reply(response{job_list_response{}});
    w.good<job_list_response>();
    w.ask(queue_snapshot_request{"q"});
    CHECK(w.call<queue_snapshot_call>(2).queue == queue_uid{2});
  }
  SECTION("of an unknown queue") {
    list.queue = "new";
    request asked = GENERATE(0, 1) == 0
                        ? request{list}
                        : request{queue_snapshot_request{"new"}};
    w.ask(asked);
    w.call<barrier_call>(0);
    w.reply(done);
    CHECK(w.refusal() == "job-queue/new does not exist");
  }
  SECTION("of an array") {
    list.array_job = to_string(job(1, 3));
    w.ask(list);
    CHECK(w.call<list_jobs_call>(3).array_job == job(1, 3));
  }
  SECTION("of an array that cannot exist") {
    list.array_job = to_string(job(1, 4));
    w.ask(list);
    CHECK(w.good<job_list_response>().jobs.empty());
  }
}

environment_object environment_of(uint64_t uid, uint32_t shard) {
  environment_object object;
  object.uid = environment_uid{uid};
  object.owner = ours;
  object.shard = shard_id{shard};
  object.settings.name = "ce-" + std::to_string(uid);
  return object;
}

TEST_CASE("environments are filled in by the shards that they live in") {
  world w;
  w.ask(describe_environments_request{});
  CHECK(std::holds_alternative<describe_environments_request>(
      *w.call<catalog_call>(0).what));
  environments_response listed;
  listed.next_token = "more";
  SECTION("of shard 0 alone, nobody else is asked") {
    listed.environments = {environment_of(1, 0)};
    w.reply(response{listed});
    auto answer = w.good<environments_response>();
    CHECK(answer.environments.size() == 1);
    CHECK(answer.next_token == "more");
  }
  SECTION("of several shards") {
    listed.environments = {environment_of(1, 2), environment_of(2, 0),
                           environment_of(3, 1), environment_of(4, 2)};
    listed.environments[1].settings.desired_vcpus = 7;
    w.reply(response{listed});
    auto calls = w.calls();
    REQUIRE(calls.size() == 2);
    CHECK(calls[0].to == shard_id{1});
    CHECK(calls[1].to == shard_id{2});
    std::vector<result> answers;
    for (const auto& call : calls) {
      auto asked = std::get<fill_environments_call>(call.what).environments;
      CHECK(asked.size() == (call.to == shard_id{1} ? 1U : 2U));
      for (auto& object : asked)
        object.settings.desired_vcpus = 10 + int64_t(object.uid.value);
      answers.push_back(response{environments_response{asked, {}}});
    }
    SECTION("all answer, in any order") {
      w.gateway.on_answer(calls[1].token, answers[1]);
      w.gateway.on_answer(calls[0].token, answers[0]);
      auto answer = w.good<environments_response>();
      std::vector<int64_t> desired;
      std::vector<uint64_t> uids;
      for (const auto& object : answer.environments) {
        uids.push_back(object.uid.value);
        desired.push_back(object.settings.desired_vcpus);
      }
      CHECK(uids == std::vector<uint64_t>{1, 2, 3, 4});
      CHECK(desired == std::vector<int64_t>{11, 7, 13, 14});
      CHECK(answer.next_token == "more");
    }
    SECTION("one cannot answer: rule Barrier, nothing is left out") {
      w.gateway.on_answer(calls[0].token, unavailable);
      w.gateway.on_answer(calls[1].token, answers[1]);
      w.refusal(api_errc::unavailable);
    }
  }
  SECTION("an error of the catalog is the answer") {
    w.reply(api_error{api_errc::invalid, "nextToken"});
    w.refusal();
  }
}

TEST_CASE("tags of a job are its shard's") {
  world w;
  auto id = job(1, 3);
  auto arn = make_arn(ours, resource_kind::job, to_string(id));
  SECTION("put") {
    w.ask(tag_resource_request{arn, {{"a", "1"}}});
    auto call = w.call<tag_job_call>(3);
    CHECK(call.job == id);
    CHECK(call.put == tag_map{{"a", "1"}});
    CHECK(call.remove.empty());
  }
  SECTION("removed") {
    w.ask(untag_resource_request{arn, {"a"}});
    CHECK(w.call<tag_job_call>(3).remove == std::vector<std::string>{"a"});
  }
  SECTION("listed") {
    w.ask(list_tags_request{arn});
    w.call<describe_jobs_call>(3);
    auto view = view_of({id, no_index});
    view.tags = {{"a", "1"}};
    w.reply(views({view}));
    CHECK(w.good<tags_response>().tags == view.tags);
  }
  SECTION("listed for a job that is not there") {
    w.ask(list_tags_request{arn});
    w.call<describe_jobs_call>(3);
    w.reply(views({}));
    CHECK(w.refusal()
          == "resourceArn: job/" + to_string(id) + " does not exist");
  }
  SECTION("another account's") {
    w.ask(list_tags_request{
        make_arn({"1", ours.region}, resource_kind::job, to_string(id))});
    CHECK(w.refusal()
          == "resourceArn: job/" + to_string(id) + " does not exist");
  }
}

TEST_CASE("tags of a queue are the catalog's") {
  world w;
  w.ask(list_tags_request{make_arn(ours, resource_kind::job_queue, "q")});
  w.call<catalog_call>(0);
}

TEST_CASE("why a job waits is asked of its shard") {
  world w;
  w.ask(why_request{to_string(job(1, 1))});
  CHECK(w.call<why_call>(1).job.id == job(1, 1));
  w.reply(done);
  w.good<done_response>();
  w.ask(why_request{"nonsense"});
  CHECK(w.refusal() == "job nonsense does not exist");
}

TEST_CASE("an answer of another kind fails the call, and no more") {
  world w;
  SECTION("of dependencies") {
    auto asked = submission();
    asked.depends_on.push_back({to_string(job(1, 1)), dependency_kind::plain});
    w.ask(asked);
    w.call<describe_jobs_call>(1);
  }
  SECTION("of jobs") {
    w.ask(describe_jobs_request{{to_string(job(1, 1))}});
    w.call<describe_jobs_call>(1);
  }
  SECTION("of environments") {
    w.ask(describe_environments_request{});
    w.call<catalog_call>(0);
  }
  w.reply(done);
  CHECK(w.refusal(api_errc::unavailable)
        == "a node gave an answer of another kind; try again");
}

TEST_CASE("an answer that nobody waits for is not looked at") {
  world w;
  w.ask(submission());
  w.call<submit_job_call>(2);
  w.reply(done);
  w.good<done_response>();
  w.reply(done);
  w.gateway.on_answer(12345, done);
  CHECK(w.gateway.take_effects().empty());
}

TEST_CASE("a topic's submission is resolved and not submitted") {
  world w;
  auto resolved = [&] {
    auto effects = w.gateway.take_effects();
    REQUIRE(effects.size() == 1);
    auto one = std::get<submission_resolved_effect>(effects[0]);
    CHECK(one.token == asked_as);
    CHECK(w.gateway.open_requests() == 0);
    return one.what;
  };
  auto refusal_of = [&] { return std::get<api_error>(resolved()); };

  SECTION("when its names are known") {
    w.gateway.resolve(asked_as, ours, submission());
    auto admitted = std::get<admitted_submission>(resolved());
    CHECK(admitted.queue == queue_uid{2});
    CHECK(admitted.queue_shard == shard_id{2});
    CHECK(admitted.spec->name == "job");
  }
  SECTION("a name that is not known is looked for behind a barrier") {
    auto asked = submission();
    asked.queue = "new";
    w.gateway.resolve(asked_as, ours, asked);
    w.call<barrier_call>(0);
    SECTION("and was there") {
      w.add_queue("new");
      w.reply(done);
      CHECK(std::holds_alternative<admitted_submission>(resolved()));
    }
    SECTION("and is not there") {
      w.reply(done);
      auto why = refusal_of();
      CHECK(why.code == api_errc::invalid);
      CHECK(why.message == "JobQueue new not found.");
    }
    SECTION("and nobody can tell: this is not final") {
      w.reply(unavailable);
      CHECK(refusal_of().code == api_errc::unavailable);
    }
  }
  SECTION("its dependencies must exist") {
    auto on = job(7, 3);
    w.gateway.resolve(asked_as, ours,
                      submission({{to_string(on), dependency_kind::plain}}));
    CHECK(w.call<describe_jobs_call>(3).jobs
          == std::vector<job_key>{{on, no_index}});
    SECTION("and do") {
      w.reply(views({view_of({on, no_index})}));
      CHECK(std::holds_alternative<admitted_submission>(resolved()));
    }
    SECTION("and do not") {
      w.reply(views({}));
      CHECK(refusal_of().message
            == "dependsOn: job " + to_string(on) + " does not exist");
    }
  }
}
