#include "runtime/attempt_files.hpp"
#include "tests/unit/runtime/keeper_fixture.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

namespace berth {

TEST_CASE("a job runs and its end is reported") {
  keeper_fixture k;
  k.start();
  auto start = k.job({"/bin/true"});
  auto end = k.run(start);
  CHECK(end.end == attempt_end::exited);
  CHECK(end.exit_code == 0);
  CHECK(end.reason.empty());
  CHECK(end.started_ms > 0);
  CHECK(end.stopped_ms >= end.started_ms);
  CHECK(k.wait_for_start(start.attempt).started_ms == end.started_ms);
}

} // namespace berth
