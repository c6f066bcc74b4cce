#include "runtime/node_door.hpp"

#include "tests/unit/storage/log_fixture.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

using namespace berth;

namespace {

constexpr const char* cluster = "00000000-0000-4000-8000-000000000001";
constexpr const char* secret = "secret";

/// What a door tells its gateway.
struct told {
  bool answered = false;
  std::string endpoint;
};

caf::behavior note(caf::event_based_actor* self, collector<told>* into) {
  return {
      [=](const peer_answers& m) {
        into->add({true, m.endpoint});
      },
      [=](const peer_unreachable& m) {
        into->add({false, m.endpoint});
      },
      [=](const stop_now&) { self->quit(); },
  };
}

/// Both doors of a node without shards: it turns every call away, and so
/// answers it.
class doors {
public:
  doors() {
    set_up_network(config_, cluster, secret);
    system_ = std::make_unique<caf::actor_system>(config_);
    callers_ = std::make_unique<caller_system>(cluster, secret);
    gateway_ = system_->spawn(note, &heard);
    door_ = spawn_node_door(*system_);
    node_endpoint at{"127.0.0.1", 0};
    auto problem = publish_node_door(*system_, door_, at);
    REQUIRE_FALSE(problem);
    endpoint = to_string(at);
    auto gateway = caf::actor_cast<gateway_actor>(gateway_);
    open_node_door(door_, {endpoint, gateway, {}});
    open_node_door(callers_->door(), {endpoint, gateway, {}});
  }
  ~doors() {
    callers_.reset();
    caf::anon_send(door_, stop_now{});
    caf::anon_send(gateway_, stop_now{});
    door_ = nullptr;
    gateway_ = nullptr;
    system_->await_all_actors_done();
  }
  doors(const doors&) = delete;
  doors& operator=(const doors&) = delete;

  void call(const std::string& there, call_token token) {
    peer_calls calls;
    calls.endpoint = there;
    calls.calls.push_back({token, shard_id{0}, {}});
    caf::anon_send(callers_->door(), std::move(calls));
  }

  std::string endpoint;
  collector<told> heard;

private:
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<caller_system> callers_;
  caf::actor gateway_;
  node_door_actor door_;
};

} // namespace

TEST_CASE("nodes that call each other at the same time are both answered",
          "[node_door]") {
  for (int round = 0; round < 40; ++round) {
    doors one;
    doors other;
    one.call(other.endpoint, 1);
    other.call(one.endpoint, 1);
    for (auto* caller : {&one, &other}) {
      REQUIRE(caller->heard.wait(1));
      CHECK(caller->heard.values().front().answered);
    }
  }
}

TEST_CASE("a node that is gone is unreachable, and its heir is reached",
          "[node_door]") {
  doors caller;
  auto called = std::make_unique<doors>();
  auto there = called->endpoint;
  caller.call(there, 1);
  REQUIRE(caller.heard.wait(1));
  CHECK(caller.heard.values().back().answered);
  called.reset();
  REQUIRE(caller.heard.wait(2));
  CHECK_FALSE(caller.heard.values().back().answered);
  CHECK(caller.heard.values().back().endpoint == there);
  called = std::make_unique<doors>();
  caller.call(called->endpoint, 2);
  REQUIRE(caller.heard.wait(3));
  CHECK(caller.heard.values().back().answered);
}
