#include "tests/sim/process_life.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace berth::sim;

namespace {

struct lives {
  timeline time;
  process_life life{time};
  std::string done;

  void later(sim_time delay, char what) {
    life.after(delay, [this, what] { done += what; });
  }
  void run_until(sim_time end) {
    while (time.step(end))
      continue;
  }
};

} // namespace

TEST_CASE("what is due for a process is done in its order") {
  lives l;
  l.life.begin();
  l.later(20, 'b');
  l.later(10, 'a');
  l.later(20, 'c');
  l.run_until(100);
  CHECK(l.done == "abc");
}

TEST_CASE("what was put down for an earlier life is forgotten") {
  lives l;
  l.life.begin();
  l.later(10, 'a');
  l.life.end();
  l.life.begin();
  l.later(10, 'b');
  l.run_until(100);
  CHECK(l.done == "b");
}

TEST_CASE("what comes due in a pause is done when the process goes on") {
  lives l;
  l.life.begin();
  l.later(10, 'a');
  l.later(20, 'b');
  l.later(40, 'c');
  l.life.pause();
  l.run_until(30);
  CHECK(l.done.empty());
  l.life.resume();
  l.run_until(35);
  CHECK(l.done == "ab");
  l.run_until(100);
  CHECK(l.done == "abc");
}

TEST_CASE("a paused process that dies forgets what it held") {
  lives l;
  l.life.begin();
  l.later(10, 'a');
  l.life.pause();
  l.run_until(20);
  l.life.end();
  l.life.begin();
  l.life.resume();
  l.run_until(100);
  CHECK(l.done.empty());
}
