#include "runtime/submission_reader.hpp"

#include "storage/keyed_record.hpp"
#include "tests/unit/runtime/driven_shard.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::test;

namespace {

memory_log_options partitions(uint32_t count) {
  memory_log_options o;
  o.partitions = count;
  o.now_ms = [] { return 1'700'000'000'000; };
  return o;
}

/// A topic whose records are names of jobs, for the queue `q`; `bad …` makes no
/// sense, `gone …` names a queue that is not there.
std::variant<public_submission, api_error> parse_name(std::string_view text) {
  if (text.starts_with("bad"))
    return api_error{api_errc::invalid, "jobName: no sense"};
  submit_job_request r;
  r.name = text;
  r.queue = text.starts_with("gone") ? "gone" : "q";
  r.definition = "d";
  return public_submission{test_owner(), r};
}

/// Nodes around one log and one topic, in one thread.
class world {
public:
  explicit world(uint32_t topic_partitions = 1)
      : truth(memory_log_mode::manual, partitions(1)),
        topic(memory_log_mode::manual, partitions(topic_partitions)) {}

  struct node {
    std::unique_ptr<driven_shard> shard;
    std::shared_ptr<submission_reader> reader;
  };

  /// Owns the shard once the log has run.
  node& start(const std::string& name) {
    auto& n = *nodes.emplace_back(std::make_unique<node>());
    n.shard = std::make_unique<driven_shard>(
        truth, std::make_shared<memory_store>(), name);
    n.reader = std::make_shared<submission_reader>(
        submission_reader_options{shard_id{0}, 1, &topic, "t"}, ports(n));
    n.shard->on_owned = [r = n.reader.get()] { r->on_owned(); };
    return n;
  }

  submission_ports ports(node& n) {
    submission_ports p;
    p.post = [this](auto task) { tasks.push_back(std::move(task)); };
    p.post_later = [this](int64_t, auto task) {
      later.push_back(std::move(task));
    };
    p.parse = parse_name;
    p.resolve = [this, &n](auto asked, auto done) {
      std::vector<resolved_submission> answers;
      for (const auto& s : *asked)
        answers.push_back(resolve(n, s));
      done(std::move(answers));
    };
    p.give = [&n, this](const std::string& source, log_offset after, auto what,
                        auto done) {
      largest_gift = std::max(largest_gift, what->size());
      done(n.shard->driver().on_submissions(source, after, *what));
    };
    p.warn = [this](std::string text) { warnings.push_back(std::move(text)); };
    return p;
  }

  resolved_submission resolve(node& n, const public_submission& s) {
    if (gateway_is_away)
      return api_error{api_errc::unavailable, "try again"};
    auto admission =
        admit(n.shard->machine().state().catalog(), s.owner, s.what);
    if (auto* refused = std::get_if<refused_submission>(&admission))
      return refused->error;
    return std::get<admitted_submission>(admission);
  }

  void make_queue() {
    auto& shard = *nodes.back()->shard;
    shard.call(catalog_call{test_caller("1"), environment_of("e", 4)});
    shard.call(catalog_call{test_caller("2"), queue_of("q", 1, {"e"})});
    register_definition_request d;
    d.settings.name = "d";
    shard.call(catalog_call{test_caller("3"), d});
    run();
  }

  void submit(const std::string& name, uint32_t partition = 0) {
    topic.append(shard_id{partition}, join_keyed("q", name),
                 [](append_outcome, storage_error) {});
  }

  bool step() {
    if (!tasks.empty()) {
      auto task = std::move(tasks.front());
      tasks.pop_front();
      task();
      return true;
    }
    return truth.run_once() || topic.run_once();
  }
  void run() {
    while (step()) {
    }
  }
  void pass_time() {
    for (auto& task : std::exchange(later, {}))
      task();
    run();
  }

  template <class Event>
  std::vector<Event> decided() {
    std::vector<Event> found;
    for (const auto& r : truth.records(shard_id{0}))
      if (auto decoded = decode<record>(r.bytes))
        if (auto* d = std::get_if<decision_record>(&decoded->body))
          for (const auto& e : d->events)
            if (const auto* one = std::get_if<Event>(&e))
              found.push_back(*one);
    return found;
  }
  std::vector<std::string> jobs() {
    std::vector<std::string> names;
    for (const auto& e : decided<job_submitted>())
      names.push_back(e.spec->name);
    return names;
  }

  using names = std::vector<std::string>;
  memory_log truth;
  memory_log topic;
  std::deque<std::function<void()>> tasks;
  std::vector<std::function<void()>> later;
  std::vector<std::string> warnings;
  std::vector<std::unique_ptr<node>> nodes;
  bool gateway_is_away = false;
  size_t largest_gift = 0;
};

} // namespace

TEST_CASE("submissions of a topic become jobs, those refused become events") {
  world w;
  w.start("n1");
  w.run();
  w.make_queue();
  for (const auto* name : {"a", "bad 1", "b", "gone-1", "c"})
    w.submit(name);
  w.run();
  CHECK(w.jobs() == world::names{"a", "b", "c"});
  auto refused = w.decided<message_refused>();
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].source == "t/0");
  CHECK(refused[0].offset == 1);
  CHECK(refused[0].why == "jobName: no sense");
  CHECK(refused[1].offset == 3);
  CHECK(refused[1].why == "JobQueue gone not found.");
}

TEST_CASE("what came before the shard was owned is read, and each partition") {
  world w{3};
  for (uint32_t p = 0; p < 3; ++p)
    for (int i = 0; i < 40; ++i)
      w.submit("j" + std::to_string(p) + "-" + std::to_string(i), p);
  w.start("n1");
  w.gateway_is_away = true;
  w.run();
  w.make_queue();
  CHECK(w.jobs().empty());
  w.gateway_is_away = false;
  w.pass_time();
  auto found = w.jobs();
  CHECK(found.size() == 120);
  std::sort(found.begin(), found.end());
  CHECK(std::unique(found.begin(), found.end()) == found.end());
}

TEST_CASE("a reader reads the partitions of its own shard alone") {
  world w{5};
  std::vector<std::string> asked;
  submission_ports p;
  p.post = [](auto task) { task(); };
  p.give = [&](const std::string& source, auto, auto, auto) {
    asked.push_back(source);
  };
  auto reader = std::make_shared<submission_reader>(
      submission_reader_options{shard_id{1}, 3, &w.topic, "t"}, p);
  reader->on_owned();
  CHECK(asked == world::names{"t/1", "t/4"});
}

TEST_CASE("a machine that forgot what it was given is given it again") {
  world w;
  auto& n = w.start("n1");
  w.run();
  w.make_queue();
  w.submit("a");
  w.run();
  n.shard->loses_appends = true;
  w.submit("b");
  w.run();
  // Waits behind the lost one.
  w.submit("c");
  w.run();
  n.shard->loses_appends = false;
  n.shard->fail_append();
  CHECK(n.shard->reloads.size() == 1);
  w.submit("d");
  w.run();
  CHECK(w.jobs() == world::names{"a", "b", "c", "d"});
}

TEST_CASE("an owner that was fenced submits nothing, the new one goes on") {
  world w;
  w.start("n1");
  w.run();
  w.make_queue();
  w.submit("a");
  w.run();
  w.start("n2");
  w.submit("b");
  // Both read the topic while the claim is on its way.
  w.run();
  w.submit("c");
  w.run();
  w.pass_time();
  CHECK(w.nodes[0]->shard->machine().role() == shard_role::follower);
  CHECK(w.nodes[1]->shard->machine().role() == shard_role::owner);
  CHECK(w.jobs() == world::names{"a", "b", "c"});
  SECTION("and back") {
    w.nodes[0]->shard->driver().set_candidate(true);
    w.submit("d");
    w.run();
    w.submit("e");
    w.run();
    CHECK(w.nodes[0]->shard->machine().role() == shard_role::owner);
    CHECK(w.jobs() == world::names{"a", "b", "c", "d", "e"});
  }
}

TEST_CASE("who owns and who reads may change between any two steps") {
  for (size_t steps = 0; steps < 60; ++steps) {
    world w;
    w.start("n1");
    w.run();
    w.make_queue();
    for (const auto* name : {"a", "b", "bad", "c"})
      w.submit(name);
    for (size_t i = 0; i < steps; ++i)
      w.step();
    w.start("n2");
    w.submit("d");
    w.run();
    // The first node is killed, with all that it knew.
    w.nodes[0]->reader->stop();
    w.pass_time();
    INFO("after " << steps << " steps");
    CHECK(w.jobs() == world::names{"a", "b", "c", "d"});
    CHECK(w.decided<message_refused>().size() == 1);
  }
}

TEST_CASE("many submissions are given in bounded parts") {
  world w;
  w.start("n1");
  w.run();
  w.make_queue();
  for (int i = 0; i < 5000; ++i)
    w.submit("j" + std::to_string(i));
  w.run();
  CHECK(w.largest_gift == 1000);
  auto found = w.jobs();
  REQUIRE(found.size() == 5000);
  for (size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == "j" + std::to_string(i));
}

TEST_CASE("submissions deleted before they were read are told of") {
  world w;
  w.start("n1");
  w.run();
  w.make_queue();
  w.submit("a");
  w.run();
  w.nodes[0]->reader->stop();
  w.run();
  for (const auto* name : {"b", "c", "d"})
    w.submit(name);
  w.run();
  w.topic.trim(shard_id{0}, 3);
  w.nodes[0]->reader->on_owned();
  w.run();
  CHECK(w.jobs() == world::names{"a", "d"});
  CHECK(w.warnings
        == world::names{
            "submissions 1 to 2 of t/0 were deleted before they were read"});
}

TEST_CASE("a queue that the shard has not heard of yet is waited for") {
  world w;
  auto& n = w.start("n1");
  w.run();
  submit_job_call early;
  early.queue = queue_uid{4711};
  early.spec = std::make_shared<const job_spec>(small_job());
  auto standing =
      n.shard->driver().on_submissions("t/0", -1, {{"t/0", 0, {0}, early}});
  CHECK(standing.owns);
  CHECK(standing.taken == -1);
  standing = n.shard->driver().on_submissions(
      "t/0", -1, {{"t/0", 0, {0}, api_error{api_errc::invalid, "no"}}});
  CHECK(standing.taken == 0);
}
