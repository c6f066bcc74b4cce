// A gateway of a cluster goes by its replica of the catalog, and so do those of
// all other nodes.
#include "actors/gateway_machine.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

const account_region ours{"123456789012", "eu-central-1"};
const result done = response{done_response{}};
const result registered = response{object_response{}};
const result unavailable = api_error{api_errc::unavailable, "try again"};

/// A gateway of two shards; queue `q` lives in shard 1.
struct world {
  explicit world(bool is_replicated = true) : gateway({2, {}, is_replicated}) {
    queue_object queue;
    queue.uid = queue_uid{2};
    queue.owner = ours;
    queue.shard = shard_id{1};
    queue.settings.name = "q";
    queue.settings.environments = {{1, environment_uid{1}}};
    definition_object definition;
    definition.owner = ours;
    definition.revision = 1;
    definition.settings.name = "d";
    decision_record decision;
    decision.events = {queue_created{queue}, definition_registered{definition}};
    gateway.on_folded(decision);
  }

  void ask(request what) {
    gateway.on_request(++last_request, {ours, "call", "body"}, std::move(what),
                       {1, 2, 3});
  }
  void submit() {
    submit_job_request r;
    r.name = "job";
    r.queue = "q";
    r.definition = "d";
    ask(std::move(r));
  }
  void reply(const result& answer) { gateway.on_answer(token, answer); }

  /// The one thing that is wanted: `barrier`, `submission`, `catalog`,
  /// `spread`, or the answer: `done`, `refused`.
  std::string wanted() {
    auto effects = gateway.take_effects();
    if (effects.empty())
      return "";
    REQUIRE(effects.size() == 1);
    if (const auto* s = std::get_if<spread_change_effect>(&effects[0])) {
      token = s->token;
      CHECK(s->request == last_request);
      return "spread";
    }
    if (const auto* a = std::get_if<answer_request_effect>(&effects[0])) {
      CHECK(a->token == last_request);
      return std::holds_alternative<response>(a->answer) ? "done" : "refused";
    }
    auto& call = std::get<call_shard_effect>(effects[0]);
    token = call.token;
    if (std::holds_alternative<submit_job_call>(call.what))
      return "submission";
    CHECK(call.to == catalog_shard);
    return std::holds_alternative<barrier_call>(call.what) ? "barrier"
                                                           : "catalog";
  }
  /// A member that has seen the log's end since.
  void become_fresh() {
    gateway.on_membership(true);
    submit();
    REQUIRE(wanted() == "barrier");
    reply(done);
    REQUIRE(wanted() == "submission");
    reply(done);
    REQUIRE(wanted() == "done");
  }

  gateway_machine gateway;
  request_token last_request = 0;
  call_token token = 0;
};

} // namespace

TEST_CASE("a change of the catalog is answered once all replicas have it") {
  world w;
  w.ask(deregister_definition_request{"d:1"});
  CHECK(w.wanted() == "catalog");
  w.reply(registered);
  CHECK(w.wanted() == "spread");
  w.reply(done);
  CHECK(w.wanted() == "done");
  CHECK(w.gateway.open_requests() == 0);
}

TEST_CASE("what changes nothing is answered at once") {
  world w;
  SECTION("a refusal") {
    w.ask(delete_queue_request{"q"});
    CHECK(w.wanted() == "catalog");
    w.reply(unavailable);
    CHECK(w.wanted() == "refused");
  }
  SECTION("a question") {
    w.ask(describe_queues_request{});
    CHECK(w.wanted() == "catalog");
    w.reply(done);
    CHECK(w.wanted() == "done");
  }
  CHECK(w.gateway.open_requests() == 0);
}

TEST_CASE("a gateway without other nodes waits for none") {
  world w{false};
  w.ask(delete_queue_request{"q"});
  CHECK(w.wanted() == "catalog");
  w.reply(done);
  CHECK(w.wanted() == "done");
  w.submit();
  CHECK(w.wanted() == "submission");
}

TEST_CASE("a member's replica is gone by once it has seen the log's end") {
  world w;
  w.gateway.on_membership(true);
  w.submit();
  CHECK(w.wanted() == "barrier");
  SECTION("and it is seen") {
    w.reply(done);
    CHECK(w.wanted() == "submission");
    w.submit();
    CHECK(w.wanted() == "submission");
  }
  SECTION("and it cannot be seen") {
    w.reply(unavailable);
    CHECK(w.wanted() == "refused");
    CHECK(w.gateway.open_requests() == 0);
    w.submit();
    CHECK(w.wanted() == "barrier");
  }
}

TEST_CASE("who is no member goes behind the log's end with each request") {
  world w;
  for (int i = 0; i < 2; ++i) {
    w.submit();
    CHECK(w.wanted() == "barrier");
    w.reply(done);
    CHECK(w.wanted() == "submission");
  }
}

TEST_CASE("a replica that may have fallen behind sees the log's end anew") {
  world w;
  w.become_fresh();
  SECTION("when the node is a member again") {
    w.gateway.on_membership(false);
    w.gateway.on_membership(true);
    w.submit();
    CHECK(w.wanted() == "barrier");
  }
  SECTION("also when it became one while it looked") {
    w.gateway.on_membership(false);
    w.submit();
    CHECK(w.wanted() == "barrier");
    w.gateway.on_membership(true);
    w.reply(done);
    CHECK(w.wanted() == "submission");
    w.submit();
    CHECK(w.wanted() == "barrier");
  }
  SECTION("also when rows were loaded, which may be older") {
    w.gateway.load_row("", "");
    w.submit();
    CHECK(w.wanted() == "barrier");
  }
  SECTION("but not when it is told again that it is one") {
    w.gateway.on_membership(true);
    w.submit();
    CHECK(w.wanted() == "submission");
  }
}

TEST_CASE("a topic's submission goes by the replica as one of a call does") {
  world w;
  submit_job_request r;
  r.name = "job";
  r.queue = "q";
  r.definition = "d";
  w.gateway.resolve(++w.last_request, ours, r);
  CHECK(w.wanted() == "barrier");
  w.reply(done);
  auto effects = w.gateway.take_effects();
  REQUIRE(effects.size() == 1);
  CHECK(std::holds_alternative<admitted_submission>(
      std::get<submission_resolved_effect>(effects[0]).what));
}

TEST_CASE("jobs are asked for without the replica") {
  world w;
  w.ask(describe_jobs_request{{to_string(make_job_id({1}, catalog_shard))}});
  auto effects = w.gateway.take_effects();
  REQUIRE(effects.size() == 1);
  CHECK(std::holds_alternative<describe_jobs_call>(
      std::get<call_shard_effect>(effects[0]).what));
}
