#include "actors/catalog_actor.hpp"

#include "messages/limits.hpp"
#include "tests/support/draft_view.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace berth;
using namespace berth::testing;

namespace {

const account_region ours{"123456789012", "eu-central-1"};
const account_region theirs{"210987654321", "eu-central-1"};

/// A catalog whose decisions are applied at once, and a replica that hears of
/// them by their events alone.
class world {
public:
  explicit world(catalog_options options = {1, 0})
      : catalog(options), replica(options) {}

  result ask(request what, std::string invocation = "",
             const account_region& owner = ours) {
    catalog_call call{{owner, std::move(invocation), "body"}, std::move(what)};
    if (catalog_actor::is_question(*call.what))
      return catalog.answer(call);
    last = draft{};
    catalog.decide(7, call, {now_ms, shard_id{0}, nullptr}, last);
    take();
    REQUIRE(last.answers.size() == 1);
    REQUIRE(last.answers[0].token == 7);
    return last.answers[0].answer;
  }

  void take() {
    apply_all(catalog, last);
    apply_all(replica, last);
    catalog.check_invariants();
    REQUIRE(hash_of(catalog) == hash_of(replica));
  }

  int64_t now_ms = 1'000'000;
  catalog_actor catalog;
  catalog_actor replica;
  draft last;
};

template <class Answer>
Answer good(const result& r) {
  if (const auto* error = std::get_if<api_error>(&r))
    FAIL("refused: " << error->message);
  REQUIRE(std::holds_alternative<Answer>(std::get<response>(r)));
  return std::get<Answer>(std::get<response>(r));
}

std::string refusal(const result& r) {
  REQUIRE(std::holds_alternative<api_error>(r));
  CHECK(std::get<api_error>(r).code == api_errc::invalid);
  return std::get<api_error>(r).message;
}

create_environment_request environment(const std::string& name) {
  create_environment_request r;
  r.settings.name = name;
  r.settings.max_vcpus = 8;
  return r;
}

create_queue_request queue(const std::string& name,
                           std::vector<requested_environment_order> order) {
  create_queue_request r;
  r.name = name;
  r.environments = std::move(order);
  return r;
}

register_definition_request definition(const std::string& name) {
  register_definition_request r;
  r.settings.name = name;
  r.settings.type = "container";
  return r;
}

update_environment_request disable_environment(const std::string& name) {
  update_environment_request r;
  r.environment = name;
  r.state = object_state::disabled;
  return r;
}

update_queue_request disable_queue(const std::string& name) {
  update_queue_request r;
  r.queue = name;
  r.state = object_state::disabled;
  return r;
}

tag_map many_tags(size_t count) {
  tag_map tags;
  for (size_t i = 0; i < count; ++i)
    tags["key" + std::to_string(i)] = "value";
  return tags;
}

} // namespace

TEST_CASE("a created environment is answered, stored and told its actor") {
  world w;
  auto answer = good<object_response>(w.ask(environment("ce")));
  CHECK(answer.name == "ce");
  CHECK(answer.arn
        == "arn:aws:batch:eu-central-1:123456789012:compute-environment/ce");
  const auto* stored = w.catalog.find_environment(ours, "ce");
  REQUIRE(stored != nullptr);
  CHECK(stored->created_ms == w.now_ms);
  CHECK(w.catalog.find_environment(ours, answer.arn) == stored);
  CHECK(w.catalog.find_environment(theirs, answer.arn) == nullptr);
  CHECK(w.catalog.find_environment(theirs, "ce") == nullptr);
  auto told = sent<configure_environment>(w.last);
  REQUIRE(told.size() == 1);
  CHECK(told[0].object.uid == stored->uid);
}

TEST_CASE("an environment that cannot be is refused and changes nothing") {
  world w;
  w.ask(environment("ce"));
  auto before = hash_of(w.catalog);
  CHECK(refusal(w.ask(environment("ce")))
        == "Object already exists: compute-environment/ce");
  CHECK(refusal(w.ask(environment("a b")))
        == "computeEnvironmentName: Provided name a b is not supported "
           "pattern[a-zA-Z_0-9-]{1,128}");
  auto r = environment("other");
  r.settings.min_vcpus = 9;
  CHECK(refusal(w.ask(r))
        == "computeResources.minvCpus must be between 0 and maxvCpus (8), not "
           "9");
  r.settings.min_vcpus = -1;
  CHECK(refusal(w.ask(r)).ends_with("not -1"));
  r.settings.min_vcpus = 0;
  r.tags = many_tags(limits::tags_max + 1);
  CHECK(refusal(w.ask(r))
        == "tags: Member must have length less than or equal to 50, not 51");
  CHECK(w.last.events.empty());
  CHECK(w.last.messages.empty());
  CHECK(hash_of(w.catalog) == before);
}

TEST_CASE("the same name may be used by two accounts") {
  world w;
  good<object_response>(w.ask(environment("ce")));
  good<object_response>(w.ask(environment("ce"), "", theirs));
  CHECK(w.catalog.find_environment(ours, "ce")->uid
        != w.catalog.find_environment(theirs, "ce")->uid);
  CHECK(good<environments_response>(w.ask(describe_environments_request{}))
            .environments.size()
        == 1);
}

TEST_CASE("an update changes what it gives and keeps the rest") {
  world w;
  w.ask(environment("ce"));
  update_environment_request r;
  r.environment = "ce";
  r.max_vcpus = 16;
  good<object_response>(w.ask(r));
  const auto* stored = w.catalog.find_environment(ours, "ce");
  CHECK(stored->settings.max_vcpus == 16);
  CHECK(stored->settings.state == object_state::enabled);
  CHECK(sent<configure_environment>(w.last).size() == 1);
  r.min_vcpus = 17;
  CHECK(refusal(w.ask(r)).find("minvCpus") != std::string::npos);
  CHECK(w.catalog.find_environment(ours, "ce")->settings.min_vcpus == 0);
  r.environment = "none";
  CHECK(refusal(w.ask(r)) == "compute-environment/none does not exist");
}

TEST_CASE("an environment goes only when disabled and without queues") {
  world w;
  w.ask(environment("ce"));
  w.ask(queue("q", {{1, "ce"}}));
  delete_environment_request gone{"ce"};
  CHECK(refusal(w.ask(gone))
        == "Cannot delete, compute-environment/ce must be DISABLED first "
           "(UpdateComputeEnvironment)");
  w.ask(disable_environment("ce"));
  CHECK(refusal(w.ask(gone))
        == "Cannot delete, found existing JobQueue relationship: job-queue/q");
  w.ask(disable_queue("q"));
  w.ask(delete_queue_request{"q"});
  CHECK(refusal(w.ask(gone)).find("relationship") != std::string::npos);
  auto uid = w.catalog.find_queue(ours, "q")->uid;
  w.last = draft{};
  w.catalog.decide(queue_gone{uid}, {w.now_ms, shard_id{0}, nullptr}, w.last);
  w.take();
  good<done_response>(w.ask(gone));
  CHECK(sent<remove_environment>(w.last).size() == 1);
  CHECK(w.catalog.find_environment(ours, "ce") == nullptr);
  CHECK(refusal(w.ask(gone)) == "compute-environment/ce does not exist");
}

TEST_CASE("environments are spread over the shards that may have them") {
  world w{{4, 1}};
  std::map<uint32_t, int> count;
  for (int i = 0; i < 6; ++i) {
    auto name = "ce" + std::to_string(i);
    w.ask(environment(name));
    ++count[w.catalog.find_environment(ours, name)->shard.value];
  }
  CHECK(count == std::map<uint32_t, int>{{1, 2}, {2, 2}, {3, 2}});
}

TEST_CASE("a queue lives with its first environment, in the given order") {
  world w{{4, 1}};
  w.ask(environment("one"));
  w.ask(environment("two"));
  good<object_response>(w.ask(queue("q", {{5, "one"}, {2, "two"}})));
  const auto* stored = w.catalog.find_queue(ours, "q");
  REQUIRE(stored != nullptr);
  const auto* two = w.catalog.find_environment(ours, "two");
  CHECK(stored->settings.environments[0].environment == two->uid);
  CHECK(stored->shard == two->shard);
  auto told = sent<configure_queue>(w.last);
  REQUIRE(told.size() == 1);
  REQUIRE(told[0].environments.size() == 2);
  CHECK(told[0].environments[0].uid == two->uid);

  update_queue_request r;
  r.queue = "q";
  r.environments = {{1, "one"}};
  good<object_response>(w.ask(r));
  CHECK(w.catalog.find_queue(ours, "q")->shard == two->shard);
  CHECK(w.catalog.find_queue(ours, "q")->settings.environments.size() == 1);
}

TEST_CASE("a queue that cannot be is refused") {
  world w;
  w.ask(environment("ce"));
  w.ask(queue("q", {{1, "ce"}}));
  CHECK(refusal(w.ask(queue("q", {{1, "ce"}})))
        == "job-queue/q already exists");
  CHECK(refusal(w.ask(queue("-q", {{1, "ce"}})))
        == "jobQueueName: Provided name -q is not supported "
           "pattern[a-zA-Z_0-9-]{1,128}");
  CHECK(refusal(w.ask(queue("x", {})))
        == "computeEnvironmentOrder must have 1 to 3 entries, not 0");
  CHECK(refusal(w.ask(queue("x", {{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}})))
            .ends_with("not 4"));
  CHECK(refusal(w.ask(queue("x", {{1, "none"}})))
        == "compute-environment/none does not exist: it must be created and "
           "valid before attaching to a job queue");
  CHECK(refusal(w.ask(queue("x", {{1, "ce"}, {2, "ce"}})))
        == "computeEnvironmentOrder names compute-environment/ce twice");
  auto tagged = queue("x", {{1, "ce"}});
  tagged.tags = many_tags(51);
  CHECK(refusal(w.ask(tagged)).starts_with("tags: "));
  CHECK(w.catalog.queues().size() == 1);
  CHECK(refusal(w.ask(disable_queue("none")))
        == "job-queue/none does not exist");
  CHECK(refusal(w.ask(delete_queue_request{"none"}))
        == "job-queue/none does not exist");
}

TEST_CASE("a queue is deleted when its actor says that it is gone") {
  world w;
  w.ask(environment("ce"));
  w.ask(queue("q", {{1, "ce"}}));
  CHECK(refusal(w.ask(delete_queue_request{"q"}))
        == "Cannot delete, job-queue/q must be DISABLED first "
           "(UpdateJobQueue)");
  w.ask(disable_queue("q"));
  good<done_response>(w.ask(delete_queue_request{"q"}));
  CHECK(sent<remove_queue>(w.last).size() == 1);
  auto uid = w.catalog.find_queue(ours, "q")->uid;
  CHECK(w.catalog.find_queue(uid)->status == object_status::deleting);

  good<done_response>(w.ask(delete_queue_request{"q"}));
  CHECK(w.last.messages.empty());
  CHECK(refusal(w.ask(disable_queue("q")))
        == "job-queue/q is being modified: it is being deleted");

  for (int heard = 0; heard < 2; ++heard) {
    w.last = draft{};
    w.catalog.decide(queue_gone{uid}, {w.now_ms, shard_id{0}, nullptr}, w.last);
    CHECK(w.last.events.size() == (heard == 0 ? 1 : 0));
    w.take();
  }
  CHECK(w.catalog.find_queue(ours, "q") == nullptr);
  good<object_response>(w.ask(queue("q", {{1, "ce"}})));
  CHECK(w.catalog.find_queue(ours, "q")->uid != uid);
}

TEST_CASE("revisions count up and are never used again") {
  world w;
  CHECK(good<object_response>(w.ask(definition("d"))).revision == 1);
  auto second = good<object_response>(w.ask(definition("d")));
  CHECK(second.revision == 2);
  CHECK(second.arn
        == "arn:aws:batch:eu-central-1:123456789012:job-definition/d:2");
  CHECK(w.catalog.find_definition(ours, "d")->revision == 2);
  CHECK(w.catalog.find_definition(ours, "d:1")->revision == 1);
  CHECK(w.catalog.find_definition(ours, second.arn)->revision == 2);
  CHECK(w.catalog.find_definition(ours, "d:3") == nullptr);
  CHECK(w.catalog.find_definition(ours, "d:x") == nullptr);
  CHECK(w.catalog.find_definition(ours, "d:") == nullptr);

  good<done_response>(w.ask(deregister_definition_request{"d:2"}));
  CHECK(w.catalog.find_definition(ours, "d")->revision == 1);
  CHECK_FALSE(w.catalog.find_definition(ours, "d:2")->active);
  good<done_response>(w.ask(deregister_definition_request{"d:2"}));
  CHECK(w.last.events.empty());
  good<done_response>(w.ask(deregister_definition_request{"d"}));
  CHECK(w.catalog.find_definition(ours, "d") == nullptr);
  CHECK(refusal(w.ask(deregister_definition_request{"d"}))
        == "job-definition/d does not exist");
  CHECK(good<object_response>(w.ask(definition("d"))).revision == 3);
  CHECK(refusal(w.ask(definition("d d"))).starts_with("jobDefinitionName: "));
}

TEST_CASE("tags of each kind are put, removed and listed") {
  world w;
  auto ce = good<object_response>(w.ask(environment("ce"))).arn;
  auto q = good<object_response>(w.ask(queue("q", {{1, "ce"}}))).arn;
  auto d = good<object_response>(w.ask(definition("d"))).arn;
  for (const auto& arn : {ce, q, d}) {
    CAPTURE(arn);
    good<done_response>(
        w.ask(tag_resource_request{arn, {{"a", "1"}, {"b", "2"}}}));
    good<done_response>(w.ask(tag_resource_request{arn, {{"a", "3"}}}));
    good<done_response>(w.ask(untag_resource_request{arn, {"b", "none"}}));
    CHECK(good<tags_response>(w.ask(list_tags_request{arn})).tags
          == tag_map{{"a", "3"}});
    good<done_response>(w.ask(tag_resource_request{arn, {{"a", "3"}}}));
    CHECK(w.last.events.empty());
    CHECK(refusal(w.ask(tag_resource_request{arn, many_tags(50)}))
          == "tags: Member must have length less than or equal to 50, not 51");
    CHECK(refusal(w.ask(list_tags_request{arn}, "", theirs))
          == "resourceArn: " + arn + " does not exist");
    CHECK(refusal(w.ask(tag_resource_request{arn + "x", {{"a", "1"}}}))
          == "resourceArn: " + arn + "x does not exist");
  }
  CHECK(refusal(w.ask(untag_resource_request{"q", {"a"}}))
        == "resourceArn: q does not exist");
}

TEST_CASE("a call made again answers the same, until it is forgotten") {
  world w;
  auto first = good<object_response>(w.ask(definition("d"), "call"));
  auto again = good<object_response>(w.ask(definition("d"), "call"));
  CHECK(again.revision == first.revision);
  CHECK(w.last.events.empty());
  CHECK(good<object_response>(w.ask(definition("d"), "call", theirs)).revision
        == 1);
  CHECK(good<object_response>(w.ask(definition("d"), "other")).revision == 2);

  auto due = w.catalog.next_due_ms();
  REQUIRE(due == w.now_ms + limits::request_memory_ms);
  auto advance = [&](int64_t at) {
    w.last = draft{};
    w.catalog.advance({at, shard_id{0}, nullptr}, w.last);
    w.take();
  };
  advance(*due - 1);
  CHECK(w.last.events.empty());
  CHECK(good<object_response>(w.ask(definition("d"), "call")).revision == 1);
  advance(*due);
  CHECK(emitted<requests_forgotten>(w.last).size() == 1);
  CHECK_FALSE(w.catalog.next_due_ms());
  CHECK(good<object_response>(w.ask(definition("d"), "call")).revision == 3);
}

TEST_CASE("a refused call is decided afresh when made again") {
  world w;
  refusal(w.ask(queue("q", {{1, "ce"}}), "call"));
  CHECK(w.last.events.empty());
  w.ask(environment("ce"));
  good<object_response>(w.ask(queue("q", {{1, "ce"}}), "call"));
}

TEST_CASE("pages of a listing give each entry once, in order of names") {
  world w;
  for (int i = 9; i >= 0; --i)
    w.ask(environment("ce" + std::to_string(i)));
  std::vector<std::string> names;
  describe_environments_request r;
  r.page.max_results = 3;
  size_t pages = 0;
  do {
    auto answer = good<environments_response>(w.ask(r));
    CHECK(answer.environments.size() <= 3);
    for (const auto& e : answer.environments)
      names.push_back(e.settings.name);
    r.page.token = answer.next_token;
    REQUIRE(++pages <= 4);
  } while (!r.page.token.empty());
  CHECK(pages == 4);
  REQUIRE(names.size() == 10);
  CHECK(std::is_sorted(names.begin(), names.end()));
  r.page.token = "made up";
  CHECK(refusal(w.ask(r))
        == "nextToken: made up is not a token that an earlier answer gave");
}

TEST_CASE("a listing by names gives those that exist, each once") {
  world w;
  auto arn = good<object_response>(w.ask(environment("ce"))).arn;
  w.ask(queue("q", {{1, "ce"}}));
  describe_environments_request r;
  r.environments = {"ce", arn, "none"};
  CHECK(good<environments_response>(w.ask(r)).environments.size() == 1);
  auto queues = good<queues_response>(w.ask(describe_queues_request{}));
  REQUIRE(queues.queues.size() == 1);
  CHECK(queues.queues[0].arns == std::vector{arn});
}

TEST_CASE("definitions are listed by name, by revision and by status") {
  world w;
  for (int i = 0; i < 11; ++i)
    w.ask(definition("d"));
  w.ask(definition("e"));
  w.ask(deregister_definition_request{"d:10"});
  auto revisions = [&](describe_definitions_request r) {
    std::vector<std::string> found;
    for (const auto& d :
         good<definitions_response>(w.ask(std::move(r))).definitions)
      found.push_back(d.settings.name + ":" + std::to_string(d.revision));
    return found;
  };
  CHECK(revisions({}).size() == 12);
  CHECK(revisions({{}, "d", true, {}}).size() == 10);
  CHECK(revisions({{}, "d", false, {}}) == std::vector<std::string>{"d:10"});
  auto all = revisions({{"d"}, "", {}, {}});
  REQUIRE(all.size() == 11);
  CHECK(all.front() == "d:1");
  CHECK(all.back() == "d:11");
  CHECK(revisions({{"d:2", "d:10", "none"}, "", {}, {}})
        == std::vector<std::string>{"d:2", "d:10"});
}

TEST_CASE("a queue made anew knows for a while in which shards it was") {
  world w{{4, 1}};
  w.ask(environment("one"));
  w.ask(environment("two"));
  auto remove = [&] {
    w.ask(disable_queue("q"));
    w.ask(delete_queue_request{"q"});
    auto uid = w.catalog.find_queue(ours, "q")->uid;
    w.last = draft{};
    w.catalog.decide(queue_gone{uid}, {w.now_ms, shard_id{0}, nullptr}, w.last);
    w.take();
  };
  auto former = [&] {
    return w.replica.former_shards(*w.replica.find_queue(ours, "q"));
  };
  w.ask(queue("q", {{1, "one"}}));
  auto first = w.catalog.find_queue(ours, "q")->shard;
  CHECK(former().empty());
  remove();
  w.ask(queue("q", {{1, "two"}}));
  CHECK(former() == std::vector<shard_id>{first});
  SECTION("others of that name do not") {
    w.ask(environment("one"), "", theirs);
    w.ask(environment("two"), "", theirs);
    w.ask(queue("q", {{1, "two"}}), "", theirs);
    const auto* other = w.catalog.find_queue(theirs, "q");
    CHECK(w.catalog.former_shards(*other).empty());
  }
  SECTION("its own shard is none of them") {
    remove();
    w.ask(queue("q", {{1, "one"}}));
    CHECK(former().size() == 1);
    CHECK(former() != std::vector<shard_id>{first});
  }
  SECTION("until that is forgotten") {
    auto due = w.catalog.next_due_ms();
    REQUIRE(due == w.now_ms + limits::request_memory_ms);
    w.last = draft{};
    w.catalog.advance({*due, shard_id{0}, nullptr}, w.last);
    w.take();
    CHECK(former().empty());
    CHECK_FALSE(w.catalog.next_due_ms());
  }
}

TEST_CASE("a catalog loaded from its rows equals the one that wrote them") {
  world w{{3, 1}};
  w.ask(environment("ce"), "1");
  w.ask(environment("gone"), "2");
  w.ask(queue("q", {{1, "ce"}}), "3");
  w.ask(definition("d"), "4");
  std::map<std::string, std::optional<std::string>> store;
  auto cut = [&] {
    std::map<std::string, std::optional<std::string>> rows;
    w.catalog.cut_checkpoint(rows);
    for (auto& [key, bytes] : rows)
      if (bytes)
        store[key] = bytes;
      else
        store.erase(key);
    return rows.size();
  };
  CHECK(cut() > 0);
  CHECK(cut() == 0);
  w.ask(disable_environment("gone"), "5");
  w.ask(delete_environment_request{"gone"}, "6");
  w.ask(deregister_definition_request{"d:1"}, "7");
  w.ask(queue("freed", {{1, "ce"}}), "8");
  auto freed = w.catalog.find_queue(ours, "freed")->uid;
  w.last = draft{};
  w.catalog.decide(queue_gone{freed}, {1, shard_id{0}, nullptr}, w.last);
  w.take();
  cut();

  catalog_actor loaded{{3, 1}};
  auto range = catalog_actor::rows();
  for (const auto& [key, bytes] : store) {
    CHECK((range.from <= key && key < range.to));
    CHECK(loaded.load_row(key, *bytes));
  }
  CHECK_FALSE(loaded.load_row("x/other", ""));
  loaded.check_invariants();
  CHECK(hash_of(loaded) == hash_of(w.catalog));
  // A uid is never used again, also when its object is gone.
  draft next;
  loaded.decide(1, {{ours, "", ""}, environment("new")},
                {1, shard_id{0}, nullptr}, next);
  CHECK(emitted<environment_created>(next).at(0).object->uid
        == environment_uid{5});
}

TEST_CASE("a question is not a mutation, and the other way round") {
  world w;
  draft out;
  w.catalog.decide(1, {{ours, "", ""}, describe_queues_request{}},
                   {1, shard_id{0}, nullptr}, out);
  CHECK(std::get<api_error>(out.answers.at(0).answer).code
        == api_errc::internal);
  auto answer = w.catalog.answer({{ours, "", ""}, environment("ce")});
  CHECK(std::get<api_error>(answer).code == api_errc::internal);
}
