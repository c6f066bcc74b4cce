#include "tests/sim/forked_work.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <unistd.h>

using namespace berth::sim;

namespace {

/// Every task once; what came of each.
std::map<std::string, task_end>
run_all(std::vector<std::string> tasks, unsigned processes,
        const std::function<std::string(const std::string&)>& work,
        unsigned seconds = 60) {
  std::map<std::string, task_end> ends;
  forked_work w;
  w.processes = processes;
  w.seconds_per_task = seconds;
  w.next = [&]() -> std::optional<std::string> {
    if (tasks.empty())
      return std::nullopt;
    auto task = tasks.back();
    tasks.pop_back();
    return task;
  };
  w.work = work;
  w.on_end = [&](const std::string& task, const task_end& end) {
    ends[task] = end;
  };
  run(w);
  return ends;
}

} // namespace

TEST_CASE("Tasks are done in other processes, each once") {
  auto here = std::to_string(::getpid());
  auto ends = run_all({"1", "2", "3", "4", "5"}, 2, [](const std::string& t) {
    return t + " in " + std::to_string(::getpid());
  });
  REQUIRE(ends.size() == 5);
  for (const auto& [task, end] : ends) {
    REQUIRE(end.answer);
    CHECK(end.answer->starts_with(task + " in "));
    CHECK(*end.answer != task + " in " + here);
  }
}

TEST_CASE("A task that aborts costs only itself, and its last words are kept") {
  auto ends = run_all({"1", "bad", "3"}, 1, [](const std::string& t) {
    std::fprintf(stderr, "words of %s\n", t.c_str());
    if (t == "bad")
      std::abort();
    return t;
  });
  REQUIRE(ends.size() == 3);
  CHECK(ends["1"].answer == "1");
  CHECK(ends["3"].answer == "3");
  CHECK_FALSE(ends["bad"].answer);
  CHECK(ends["bad"].last_words == "words of bad");
}

TEST_CASE("A task that never ends is ended") {
  auto ends = run_all(
      {"1", "endless"}, 2,
      [](const std::string& t) {
        while (t == "endless")
          ::pause();
        return t;
      },
      1);
  CHECK(ends["1"].answer == "1");
  CHECK_FALSE(ends["endless"].answer);
  CHECK(ends["endless"].last_words == "does not end in real time");
}

TEST_CASE("Large answers arrive whole") {
  auto ends = run_all({"large"}, 1, [](const std::string&) {
    return std::string(3'000'000, 'x');
  });
  REQUIRE(ends["large"].answer);
  CHECK(ends["large"].answer->size() == 3'000'000);
}

TEST_CASE("Tasks that an end brings are done, too") {
  std::vector<std::string> tasks{"first"};
  std::vector<std::string> done;
  forked_work w;
  w.processes = 2;
  w.next = [&]() -> std::optional<std::string> {
    if (tasks.empty())
      return std::nullopt;
    auto task = tasks.back();
    tasks.pop_back();
    return task;
  };
  w.work = [](const std::string& t) { return t; };
  w.on_end = [&](const std::string& task, const task_end&) {
    done.push_back(task);
    if (task == "first")
      tasks = {"second"};
  };
  run(w);
  CHECK(done == std::vector<std::string>{"first", "second"});
}
