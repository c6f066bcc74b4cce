// What every log promises, asked of each implementation.
#include "tests/unit/storage/log_fixture.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <mutex>
#include <thread>

using namespace berth;

namespace {

constexpr shard_id first{0};

} // namespace

TEST_CASE("a new log is empty and begins at 0", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())), {.partitions = 3});
  auto& log = fixture->subject();
  CHECK(log.partitions() == 3);
  CHECK(log.cluster_id().size() == 36);
  for (uint32_t i = 0; i < 3; ++i) {
    CHECK(log.begin_offset(shard_id{i}) == 0);
    CHECK(end_of(*fixture, shard_id{i}) == 0);
  }
}

TEST_CASE("records are read in the order in which they were appended",
          "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  auto records = numbered(1000);
  REQUIRE(append_all(*fixture, first, records));
  auto read = read_all(*fixture, first);
  CHECK(bytes_of(read) == records);
  for (size_t i = 0; i < read.size(); ++i)
    REQUIRE(read[i].offset == static_cast<log_offset>(i));
}

TEST_CASE("any bytes go through a log unchanged", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  std::string every_byte;
  for (int i = 0; i < 256; ++i)
    every_byte += static_cast<char>(i);
  std::vector<std::string> records{"", every_byte,
                                   std::string(log_record_bytes_max, '\xff'),
                                   std::string(1, '\0'), ""};
  REQUIRE(append_all(*fixture, first, records));
  CHECK(bytes_of(read_all(*fixture, first)) == records);
}

TEST_CASE("a record over the limit is refused and leaves no gap", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  appender to{fixture->subject()};
  to.append(first, "before");
  to.append(first, std::string(log_record_bytes_max + 1, 'x'));
  to.append(first, "after");
  REQUIRE(to.wait(*fixture));
  CHECK(to.count(append_outcome::appended) == 2);
  REQUIRE(to.count(append_outcome::refused) == 1);
  for (const auto& given : to.answers()) {
    if (given.outcome != append_outcome::refused)
      continue;
    CHECK(given.error.code == storage_errc::none);
    CHECK(given.error.message.find("1048577 bytes") != std::string::npos);
    CHECK(given.error.message.find("1048576") != std::string::npos);
  }
  CHECK(bytes_of(read_all(*fixture, first))
        == std::vector<std::string>{"before", "after"});
}

TEST_CASE("partitions are counted and read each for itself", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())), {.partitions = 4});
  appender to{fixture->subject()};
  for (uint32_t i = 0; i < 100; ++i)
    to.append(shard_id{i % 4}, std::to_string(i));
  REQUIRE(to.wait(*fixture));
  for (uint32_t p = 0; p < 4; ++p) {
    auto read = read_all(*fixture, shard_id{p});
    REQUIRE(read.size() == 25);
    for (uint32_t i = 0; i < 25; ++i) {
      CHECK(read[i].offset == i);
      CHECK(read[i].bytes == std::to_string(4 * i + p));
    }
  }
}

TEST_CASE("a reading starts at any offset of the log", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  auto records = numbered(200);
  REQUIRE(append_all(*fixture, first, records));
  for (size_t from : {size_t{0}, size_t{1}, size_t{57}, size_t{199}}) {
    auto read = read_all(*fixture, first, static_cast<log_offset>(from));
    REQUIRE(read.size() == 200 - from);
    CHECK(read.front().offset == static_cast<log_offset>(from));
    CHECK(read.front().bytes == records[from]);
    CHECK(read.back().bytes == records.back());
  }
}

TEST_CASE("a reading at the end is given each new record", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  REQUIRE(append_all(*fixture, first, numbered(10)));
  recorder reader{fixture->subject(), first, 10};
  for (size_t i = 0; i < 50; ++i) {
    REQUIRE(append_all(*fixture, first, numbered(1, 10 + i)));
    REQUIRE(reader.wait(*fixture, i + 1));
  }
  reader.stop();
  CHECK(bytes_of(reader.records()) == numbered(50, 10));
  CHECK(reader.failures().empty());
  CHECK(reader.empty_deliveries() == 0);
}

TEST_CASE("a reading that is behind catches up while records are appended",
          "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  constexpr size_t before = 5000;
  constexpr size_t during = 5000;
  REQUIRE(append_all(*fixture, first, numbered(before)));
  appender to{fixture->subject()};
  recorder early{fixture->subject(), first, 0};
  for (size_t i = 0; i < during; ++i) {
    to.append(first, "record " + std::to_string(before + i));
    if (i % 1000 == 0)
      fixture->pump();
  }
  recorder late{fixture->subject(), first, 17};
  REQUIRE(early.wait(*fixture, before + during));
  REQUIRE(late.wait(*fixture, before + during - 17));
  REQUIRE(to.wait(*fixture));
  early.stop();
  late.stop();
  CHECK(bytes_of(early.records()) == numbered(before + during));
  CHECK(bytes_of(late.records()) == numbered(before + during - 17, 17));
}

TEST_CASE("several readings of a partition are each given everything",
          "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  recorder one{fixture->subject(), first, 0};
  recorder two{fixture->subject(), first, 0};
  REQUIRE(append_all(*fixture, first, numbered(100)));
  recorder three{fixture->subject(), first, 0};
  for (auto* reader : {&one, &two, &three}) {
    REQUIRE(reader->wait(*fixture, 100));
    CHECK(bytes_of(reader->records()) == numbered(100));
  }
}

TEST_CASE("appends of many threads are all there, each thread's in order",
          "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())), {.partitions = 2});
  constexpr size_t threads = 8;
  constexpr size_t each = 2000;
  collector<append_outcome> outcomes;
  std::vector<std::thread> running;
  for (size_t t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      for (size_t i = 0; i < each; ++i)
        fixture->subject().append(
            shard_id{static_cast<uint32_t>(t % 2)},
            std::to_string(t) + " " + std::to_string(i),
            [&outcomes](append_outcome outcome, storage_error) {
              outcomes.add(outcome);
            });
    });
  for (auto& thread : running)
    thread.join();
  REQUIRE(outcomes.wait(*fixture, threads * each));
  for (auto outcome : outcomes.values())
    REQUIRE(outcome == append_outcome::appended);
  std::vector<size_t> next(threads, 0);
  for (uint32_t p = 0; p < 2; ++p) {
    for (const auto& record : read_all(*fixture, shard_id{p})) {
      auto thread = std::stoul(record.bytes);
      REQUIRE(thread % 2 == p);
      REQUIRE(record.bytes
              == std::to_string(thread) + " " + std::to_string(next[thread]));
      ++next[thread];
    }
  }
  CHECK(next == std::vector<size_t>(threads, each));
}

TEST_CASE("an appended record is before the end", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  for (log_offset i = 1; i <= 20; ++i) {
    REQUIRE(append_all(*fixture, first, {"x"}));
    REQUIRE(end_of(*fixture, first) == i);
  }
}

TEST_CASE("reading from where the log is not is fatal, once", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  REQUIRE(append_all(*fixture, first, numbered(5)));
  auto from = GENERATE(log_offset{6}, log_offset{1000000}, log_offset{-1});
  recorder reader{fixture->subject(), first, from};
  REQUIRE(reader.wait_for_failure(*fixture));
  REQUIRE(append_all(*fixture, first, numbered(5, 5)));
  reader.stop();
  auto failures = reader.failures();
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].code == storage_errc::fatal);
  CHECK(failures[0].message.find("ends at 5") != std::string::npos);
  CHECK(failures[0].message.find(std::to_string(from)) != std::string::npos);
  CHECK(reader.records().empty());
}

TEST_CASE("append times never go backwards in a partition", "[log]") {
  // The clock of a machine that is set back again and again.
  std::atomic<int64_t> calls{0};
  auto fixture =
      make_log(GENERATE(from_range(all_logs())), {.now_ms = [&calls] {
                 auto call = calls++;
                 return 1000 + call - 10 * (call % 5);
               }});
  for (size_t i = 0; i < 100; ++i)
    REQUIRE(append_all(*fixture, first, {"x"}));
  int64_t last = 0;
  std::vector<int64_t> different;
  for (const auto& record : read_all(*fixture, first)) {
    CHECK(record.append_ms >= last);
    if (record.append_ms != last)
      different.push_back(record.append_ms);
    last = record.append_ms;
  }
  CHECK(different.size() > 10);
}

TEST_CASE("appends over the limit of waiting bytes are refused", "[log]") {
  // Two of the records fit, three do not.
  auto fixture =
      make_log(GENERATE(from_range(all_logs())), {.pending_bytes_max = 2500});
  std::mutex gate;
  std::unique_lock closed{gate};
  collector<bool> held;
  if (fixture->threaded()) {
    // Holds the log's thread in an answer, so that what follows must wait.
    fixture->subject().append(first, "", [&](append_outcome, storage_error) {
      held.add(true);
      std::lock_guard wait{gate};
    });
    REQUIRE(held.wait(*fixture, 1));
  }
  appender to{fixture->subject()};
  for (int i = 0; i < 100; ++i)
    to.append(first, std::string(1000, 'x'));
  CHECK(to.count(append_outcome::refused) == 98);
  closed.unlock();
  REQUIRE(to.wait(*fixture));
  CHECK(to.count(append_outcome::refused) == 98);
  CHECK(to.count(append_outcome::appended) == 2);
  auto held_records = held.size();
  CHECK(read_all(*fixture, first).size() == 2 + held_records);
  CHECK(append_all(*fixture, first, {std::string(1000, 'x')}));
}

TEST_CASE("destroying a log answers every append once", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  constexpr size_t threads = 4;
  constexpr size_t each = 5000;
  std::vector<std::atomic<int>> answers(threads * each);
  std::vector<std::atomic<bool>> kept(threads * each);
  std::vector<std::thread> running;
  for (size_t t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      for (size_t i = t * each; i < (t + 1) * each; ++i)
        fixture->subject().append(
            first, std::to_string(i),
            [&answers, &kept, i](append_outcome outcome, storage_error) {
              ++answers[i];
              kept[i] = outcome == append_outcome::appended;
            });
    });
  for (auto& thread : running)
    thread.join();
  fixture->close();
  for (auto& count : answers)
    REQUIRE(count == 1);
  if (!fixture->persistent())
    return;
  fixture->reopen();
  std::vector<bool> found(answers.size(), false);
  for (const auto& record : read_all(*fixture, first))
    found[std::stoul(record.bytes)] = true;
  for (size_t i = 0; i < kept.size(); ++i)
    if (kept[i])
      REQUIRE(found[i]);
}

TEST_CASE("no call is made after a reading was destroyed", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  REQUIRE(append_all(*fixture, first, numbered(1000)));
  for (int round = 0; round < 50; ++round) {
    auto alive = std::make_shared<std::atomic<bool>>(true);
    std::atomic<bool> called_late{false};
    auto reading = fixture->subject().read(
        first, round % 2 == 0 ? 0 : end_of(*fixture, first),
        [&](std::vector<log_record>) {
          if (!*alive)
            called_late = true;
        },
        [](storage_error) {});
    appender to{fixture->subject()};
    for (int i = 0; i < 20; ++i)
      to.append(first, "x");
    reading.reset();
    *alive = false;
    REQUIRE(to.wait(*fixture));
    REQUIRE_FALSE(called_late);
  }
}

TEST_CASE("a reading may be destroyed by its own callback", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  auto behind = GENERATE(true, false);
  if (behind)
    REQUIRE(append_all(*fixture, first, numbered(10)));
  std::unique_ptr<log_reading> reading;
  std::mutex assigned;
  collector<bool> calls;
  {
    std::lock_guard lock{assigned};
    reading = fixture->subject().read(
        first, 0,
        [&](std::vector<log_record>) {
          std::lock_guard wait{assigned};
          reading.reset();
          calls.add(true);
        },
        [](storage_error) {});
  }
  REQUIRE(append_all(*fixture, first, numbered(10)));
  REQUIRE(calls.wait(*fixture, 1));
  REQUIRE(append_all(*fixture, first, numbered(10)));
  CHECK(calls.size() == 1);
}

TEST_CASE("a callback may append", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  collector<std::string> seen;
  auto reading = fixture->subject().read(
      first, 0,
      [&](std::vector<log_record> records) {
        for (auto& record : records) {
          seen.add(record.bytes);
          if (record.bytes.size() < 10)
            fixture->subject().append(first, record.bytes + "x",
                                      [](append_outcome, storage_error) {});
        }
      },
      [](storage_error) {});
  REQUIRE(append_all(*fixture, first, {"x"}));
  REQUIRE(seen.wait(*fixture, 10));
  CHECK(seen.values().back() == "xxxxxxxxxx");
}

TEST_CASE("a reading may outlive its log", "[log]") {
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  REQUIRE(append_all(*fixture, first, numbered(10)));
  recorder reader{fixture->subject(), first, 0};
  REQUIRE(reader.wait(*fixture, 10));
  fixture->close();
  reader.stop();
  CHECK(reader.records().size() == 10);
}

TEST_CASE("a log that is opened again has everything and goes on", "[log]") {
  auto fixture =
      make_log(GENERATE(from_range(persistent_logs())), {.partitions = 3});
  auto id = fixture->subject().cluster_id();
  int64_t last_ms = 0;
  for (size_t round = 0; round < 3; ++round) {
    for (uint32_t p = 0; p < 2; ++p)
      REQUIRE(append_all(*fixture, shard_id{p}, numbered(100, 100 * round)));
    fixture->close();
    fixture->reopen();
    CHECK(fixture->subject().cluster_id() == id);
    CHECK(fixture->subject().partitions() == 3);
    for (uint32_t p = 0; p < 2; ++p) {
      CHECK(fixture->subject().begin_offset(shard_id{p}) == 0);
      auto read = read_all(*fixture, shard_id{p});
      CHECK(bytes_of(read) == numbered(100 * (round + 1)));
      CHECK(read.back().append_ms >= last_ms);
      last_ms = read.back().append_ms;
    }
    CHECK(end_of(*fixture, shard_id{2}) == 0);
  }
}

TEST_CASE("a log lets go of whom it has told its end", "[log]") {
  // Who asks is kept alive by the question.
  collector<bool> let_go;
  auto fixture = make_log(GENERATE(from_range(all_logs())));
  collector<log_offset> ends;
  {
    std::shared_ptr<void> asker{nullptr, [&](void*) { let_go.add(true); }};
    fixture->subject().end_offset(
        first, [&ends, asker](log_offset end, const storage_error&) {
          ends.add(end);
        });
  }
  REQUIRE(ends.wait(*fixture, 1));
  CHECK(let_go.wait(1));
}
