#include "tests/sim/simulated_clock.hpp"

#include <catch2/catch.hpp>

using namespace berth::sim;

TEST_CASE("a time of a clock is reached when the clock says") {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    random_source random{seed};
    simulated_clock clock{random, 50'000};
    for (sim_time now : {sim_time{0}, 3 * second, 7200 * second}) {
      auto wanted = clock.boottime_ms(now) + random.between(1, 100'000);
      auto at = clock.when(wanted);
      CHECK(at > now);
      CHECK(clock.boottime_ms(at) >= wanted);
      CHECK(clock.boottime_ms(at - 2 * millisecond) < wanted);
    }
  }
}

TEST_CASE("CLOCK_BOOTTIME begins anew with the machine") {
  random_source random{1};
  simulated_clock clock{random, 0};
  clock.reboot(10 * second);
  CHECK(clock.boottime_ms(10 * second) == 0);
  CHECK(clock.boottime_ms(12 * second) == 2000);
  CHECK(clock.when(2000) == 12 * second);
}

TEST_CASE("a jump of the wall clock leaves CLOCK_BOOTTIME alone") {
  random_source random{1};
  simulated_clock clock{random, 0};
  auto wall = clock.wall_ms(second);
  auto boottime = clock.boottime_ms(second);
  clock.jump_wall(-3'600'000);
  CHECK(clock.wall_ms(second) == wall - 3'600'000);
  CHECK(clock.boottime_ms(second) == boottime);
}
