#include "messages/resources.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace berth;

namespace {

resources random_resources() {
  resources r;
  r.vcpu_milli = *rc::gen::inRange<int64_t>(0, 5000);
  r.memory_mib = *rc::gen::inRange<int64_t>(0, 5000);
  if (*rc::gen::arbitrary<bool>())
    r.named["GPU"] = *rc::gen::inRange<int64_t>(0, 5);
  return r;
}

} // namespace

TEST_CASE("a need fits when no part of it exceeds what is free") {
  resources free{2000, 1024, {{"GPU", 1}}};
  CHECK(fits({2000, 1024, {{"GPU", 1}}}, free));
  CHECK(fits({}, free));
  CHECK_FALSE(fits({2001, 1, {}}, free));
  CHECK_FALSE(fits({1, 1025, {}}, free));
  CHECK_FALSE(fits({1, 1, {{"GPU", 2}}}, free));
  CHECK_FALSE(fits({1, 1, {{"other", 1}}}, free));
  CHECK(fits({1, 1, {{"other", 0}}}, free));
}

TEST_CASE("a need fits as often as its scarcest part") {
  resources free{4000, 1000, {{"GPU", 3}}};
  CHECK(times_fitting({1000, 100, {}}, free, 100) == 4);
  CHECK(times_fitting({100, 300, {}}, free, 100) == 3);
  CHECK(times_fitting({100, 100, {{"GPU", 2}}}, free, 100) == 1);
  CHECK(times_fitting({100, 100, {{"other", 1}}}, free, 100) == 0);
  CHECK(times_fitting({1000, 100, {}}, free, 2) == 2);
  CHECK(times_fitting({}, free, 7) == 7);
  CHECK(times_fitting({1, 0, {}}, {-5, 0, {}}, 7) == 0);
}

TEST_CASE("what fits so often can be taken so often and no more") {
  REQUIRE(rc::check([] {
    auto need = random_resources();
    auto free = random_resources();
    need.vcpu_milli += 100;
    auto times = times_fitting(need, free, 1000);
    RC_ASSERT((times > 0) == fits(need, free));
    for (int64_t i = 0; i < times; ++i) {
      RC_ASSERT(fits(need, free));
      free -= need;
    }
    RC_ASSERT(!fits(need, free));
  }));
}

TEST_CASE("what is added and taken away again leaves the amounts as before") {
  REQUIRE(rc::check([] {
    auto before = random_resources();
    auto other = random_resources();
    auto after = before;
    after += other;
    RC_ASSERT(fits(other, after));
    after -= other;
    RC_ASSERT(after.vcpu_milli == before.vcpu_milli);
    RC_ASSERT(after.memory_mib == before.memory_mib);
    for (const auto& [name, amount] : after.named)
      RC_ASSERT(amount == before.named[name]);
  }));
}

TEST_CASE("resources are printed as people read them") {
  CHECK(to_string(resources{1000, 512, {}}) == "1 vCPU, 512 MiB");
  CHECK(to_string(resources{2000, 4, {}}) == "2 vCPUs, 4 MiB");
  CHECK(to_string(resources{250, 4, {}}) == "0.25 vCPUs, 4 MiB");
  CHECK(to_string(resources{1005, 4, {}}) == "1.005 vCPUs, 4 MiB");
  CHECK(to_string(resources{0, 0, {{"GPU", 2}}}) == "0 vCPUs, 0 MiB, 2 GPU");
}
