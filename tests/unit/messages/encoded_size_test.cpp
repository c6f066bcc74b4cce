#include "messages/encoded_size.hpp"

#include "messages/codec.hpp"
#include "messages/record.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

void check(event e) {
  decision_record d;
  d.events.push_back(std::move(e));
  record r;
  r.body = std::move(d);
  CHECK(encoded_size(r) == encode(r).size());
}

} // namespace

TEST_CASE("numbers are as long as they are encoded") {
  for (auto bits : {0, 4, 5, 7, 8, 15, 16, 31, 32, 62, 63})
    for (auto offset : {-1, 0, 1}) {
      auto x = (uint64_t{1} << bits) + static_cast<uint64_t>(offset);
      check(messages_taken{"shard:1", x});
      check(jobs_expired{static_cast<int64_t>(x)});
      check(jobs_expired{static_cast<int64_t>(uint64_t{0} - x)});
    }
}

TEST_CASE("texts are as long as they are encoded") {
  for (size_t size : {0, 31, 32, 255, 256, 65'535, 65'536})
    check(end_requested{{}, true, std::string(size, 'r')});
}

TEST_CASE("lists are as long as they are encoded") {
  for (size_t size : {0, 15, 16, 65'535, 65'536})
    check(leases_freed{{}, std::vector<lease_id>(size)});
  job_tagged tagged;
  for (int i = 0; i < 20; ++i) {
    check(tagged);
    tagged.tags["key " + std::to_string(i)] = "value";
  }
}

TEST_CASE("what is not there, and what is shared, is as long as it is "
          "encoded") {
  attempt_finished finished;
  check(finished);
  finished.exit_code = -200;
  check(finished);
  job_submitted submitted;
  check(submitted);
  job_spec spec;
  spec.name = "name";
  submitted.spec = std::make_shared<const job_spec>(spec);
  check(submitted);
}
