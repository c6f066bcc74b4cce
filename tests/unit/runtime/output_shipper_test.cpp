// What agents ship and what nodes collect of it, by a log in memory.
#include "messages/codec.hpp"
#include "messages/output_chunk.hpp"
#include "runtime/attempt_files.hpp"
#include "runtime/output_capture.hpp"
#include "runtime/output_collector.hpp"
#include "runtime/output_shipper.hpp"
#include "storage/memory_log.hpp"
#include "tests/support/temporary_folder.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <sstream>

namespace berth {

namespace {

constexpr auto patience = std::chrono::seconds(30);
constexpr int patience_ms = 30'000;
constexpr int64_t large = 1LL << 40;

attempt_id attempt(uint8_t number) {
  std::array<uint8_t, 16> hash{};
  hash[0] = number;
  return {{make_job_id(hash, shard_id{})}, 1};
}

std::string text_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

memory_log_options partitions(uint32_t count) {
  memory_log_options o;
  o.partitions = count;
  return o;
}

/// A log that takes nothing while it is told so.
class refusing_log final : public log {
public:
  explicit refusing_log(log& behind) : behind_(behind) {}
  std::atomic<bool> refuses = false;
  std::atomic<size_t> refused = 0;

  uint32_t partitions() const override { return behind_.partitions(); }
  std::string cluster_id() const override { return behind_.cluster_id(); }
  void append(shard_id partition, std::string bytes,
              append_callback done) override {
    if (!refuses)
      return behind_.append(partition, std::move(bytes), std::move(done));
    ++refused;
    done(append_outcome::unknown, {storage_errc::none, "no broker answers"});
  }
  std::unique_ptr<log_reading>
  read(shard_id partition, log_offset from, records_callback on_records,
       std::function<void(storage_error)> failed) override {
    return behind_.read(partition, from, std::move(on_records),
                        std::move(failed));
  }
  void
  end_offset(shard_id partition,
             std::function<void(log_offset, storage_error)> done) override {
    behind_.end_offset(partition, std::move(done));
  }
  log_offset begin_offset(shard_id partition) override {
    return behind_.begin_offset(partition);
  }

private:
  log& behind_;
};

/// An agent's folder, as a keeper fills it, and its shipper.
struct shipping_side {
  temporary_folder folder;
  std::unique_ptr<output_shipper> shipper;

  std::string path() const { return folder.path().string(); }
  std::string file(const attempt_id& a) const {
    return output_file_path(path(), a);
  }
  void start(log& topic, int64_t hold_ms = output_hold_ms_max) {
    output_shipper_options o;
    o.data_folder = path();
    o.hold_ms = hold_ms;
    shipper = std::make_unique<output_shipper>(topic, std::move(o));
  }
  output_capture capture(const attempt_id& a) const {
    std::filesystem::create_directories(path() + "/output");
    return output_capture{file(a), large};
  }
  std::future<void> finish(const attempt_id& a) {
    auto settled = std::make_shared<std::promise<void>>();
    shipper->finish(a, [settled] { settled->set_value(); });
    return settled->get_future();
  }
};

bool is_settled(const std::future<void>& f) {
  return f.wait_for(patience) == std::future_status::ready;
}

std::vector<output_chunk> chunks_of(const memory_log& topic) {
  std::vector<output_chunk> all;
  for (uint32_t i = 0; i < topic.partitions(); ++i)
    for (const auto& r : topic.records(shard_id{i}))
      all.push_back(decode<output_record>(r.bytes)->body);
  return all;
}

/// Waits until the topic holds that many bytes of output.
bool holds(const memory_log& topic, size_t bytes) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    size_t found = 0;
    for (const auto& chunk : chunks_of(topic))
      found += chunk.bytes.size();
    if (found >= bytes)
      return true;
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::yield();
  }
}

/// A node's folder and its collector.
struct collecting_side {
  temporary_folder folder;
  std::unique_ptr<output_collector> collector;

  std::string path() const { return folder.path().string(); }
  std::string file(const attempt_id& a) const {
    return output_file_path(path(), a);
  }
  void start(log& topic, int64_t retention_ms = large) {
    output_collector_options o;
    o.data_folder = path();
    o.retention_ms = retention_ms;
    collector = std::make_unique<output_collector>(topic, std::move(o));
  }
};

void append(log& to, const attempt_id& a, int64_t position,
            const std::string& bytes) {
  output_record r;
  r.body = {a, position, bytes, false};
  std::promise<void> done;
  to.append(output_partition(a, to.partitions()), encode(r),
            [&](append_outcome, const storage_error&) { done.set_value(); });
  done.get_future().get();
}

} // namespace

TEST_CASE("Output is shipped while its attempt prints") {
  memory_log topic{memory_log_mode::threaded, partitions(3)};
  shipping_side agent;
  agent.start(topic);
  auto capture = agent.capture(attempt(1));
  capture.take("first\n", 1000);
  auto so_far = std::filesystem::file_size(agent.file(attempt(1)));
  REQUIRE(holds(topic, so_far));
  capture.take("second\n", 2000);
  REQUIRE(holds(topic, so_far + 1));
  capture.finish(3000);
  auto whole = text_of(agent.file(attempt(1)));
  REQUIRE(is_settled(agent.finish(attempt(1))));
  std::string shipped;
  for (const auto& chunk : chunks_of(topic)) {
    CHECK(chunk.attempt == attempt(1));
    CHECK(chunk.position == static_cast<int64_t>(shipped.size()));
    shipped += chunk.bytes;
  }
  CHECK(shipped == whole);
  // Nobody needs it here any more.
  CHECK_FALSE(std::filesystem::exists(agent.file(attempt(1))));
}

TEST_CASE("An attempt that printed nothing is settled at once") {
  memory_log topic{memory_log_mode::threaded};
  shipping_side agent;
  agent.start(topic);
  CHECK(is_settled(agent.finish(attempt(1))));
  CHECK(chunks_of(topic).empty());
}

TEST_CASE("Long output is shipped in chunks of a limited size") {
  memory_log topic{memory_log_mode::threaded};
  shipping_side agent;
  auto capture = agent.capture(attempt(1));
  for (int i = 0; i < 100; ++i)
    capture.take(std::string(10'000, 'x') + "\n", 1000);
  capture.finish(2000);
  auto whole = text_of(agent.file(attempt(1)));
  agent.start(topic);
  REQUIRE(is_settled(agent.finish(attempt(1))));
  auto chunks = chunks_of(topic);
  CHECK(chunks.size() == (whole.size() - 1) / output_chunk_bytes_max + 1);
  for (const auto& chunk : chunks)
    CHECK(chunk.bytes.size() <= output_chunk_bytes_max);
}

TEST_CASE("An end waits until brokers that were away take the output") {
  memory_log behind{memory_log_mode::threaded};
  refusing_log topic{behind};
  topic.refuses = true;
  shipping_side agent;
  agent.start(topic);
  auto capture = agent.capture(attempt(1));
  capture.take("a line\n", 1000);
  capture.finish(2000);
  auto whole = text_of(agent.file(attempt(1)));
  auto settled = agent.finish(attempt(1));
  while (topic.refused < 2)
    std::this_thread::yield();
  CHECK(settled.wait_for(std::chrono::seconds(0))
        == std::future_status::timeout);
  topic.refuses = false;
  CHECK(is_settled(settled));
  CHECK(chunks_of(behind).back().bytes == whole);
}

TEST_CASE("An end does not wait for ever for brokers that take nothing") {
  memory_log behind{memory_log_mode::threaded};
  refusing_log topic{behind};
  topic.refuses = true;
  shipping_side agent;
  agent.start(topic, 50);
  auto capture = agent.capture(attempt(1));
  capture.take("a line\n", 1000);
  capture.finish(2000);
  auto size = std::filesystem::file_size(agent.file(attempt(1)));
  CHECK(is_settled(agent.finish(attempt(1))));
  // It is shipped all the same, later.
  CHECK(std::filesystem::exists(agent.file(attempt(1))));
  topic.refuses = false;
  CHECK(holds(behind, size));
}

TEST_CASE("A restarted agent ships what was not shipped in full") {
  memory_log topic{memory_log_mode::threaded};
  shipping_side agent;
  agent.start(topic);
  auto capture = agent.capture(attempt(1));
  capture.take("before\n", 1000);
  REQUIRE(holds(topic, std::filesystem::file_size(agent.file(attempt(1)))));
  agent.shipper.reset();
  capture.take("meanwhile\n", 2000);
  agent.start(topic);
  capture.take("after\n", 3000);
  capture.finish(4000);
  auto whole = text_of(agent.file(attempt(1)));
  REQUIRE(is_settled(agent.finish(attempt(1))));
  collecting_side node;
  node.start(topic);
  REQUIRE(node.collector->catch_up(attempt(1), patience_ms));
  CHECK(text_of(node.file(attempt(1))) == whole);
}

TEST_CASE("Collected output reads as if the job had run here") {
  memory_log topic{memory_log_mode::threaded, partitions(4)};
  shipping_side agent;
  agent.start(topic);
  collecting_side node;
  node.start(topic);
  auto output = make_collected_output(*node.collector, node.path());
  for (uint8_t i = 1; i <= 20; ++i) {
    auto capture = agent.capture(attempt(i));
    capture.take("line of " + std::to_string(i) + "\n", 1000);
    capture.finish(2000);
    REQUIRE(is_settled(agent.finish(attempt(i))));
    // Rule Barrier: whoever knows of the end finds the output.
    auto lines = output->read(attempt(i), 0, {});
    REQUIRE(lines.lines.size() == 1);
    CHECK(lines.lines[0].text == "line of " + std::to_string(i));
  }
  CHECK(output->attempts(100).size() == 20);
}

TEST_CASE("Chunks that come again or in another order change nothing") {
  memory_log topic{memory_log_mode::threaded};
  collecting_side node;
  node.start(topic);
  append(topic, attempt(1), 0, "0123456789");
  append(topic, attempt(1), 10, "abcdef");
  append(topic, attempt(1), 0, "0123456789abc");
  append(topic, attempt(1), 0, "01234");
  REQUIRE(node.collector->catch_up(attempt(1), patience_ms));
  CHECK(text_of(node.file(attempt(1))) == "0123456789abcdef");
}

TEST_CASE("A node goes on collecting where it was, or from the beginning") {
  memory_log topic{memory_log_mode::threaded, partitions(2)};
  collecting_side node;
  node.start(topic);
  append(topic, attempt(1), 0, "first");
  REQUIRE(node.collector->catch_up(attempt(1), patience_ms));
  node.collector.reset();
  append(topic, attempt(1), 5, " second");
  SECTION("stopped") {
    node.start(topic);
    REQUIRE(node.collector->catch_up(attempt(1), patience_ms));
    CHECK(node.collector->counters().chunks == 1);
  }
  SECTION("killed before it noted where it was") {
    std::filesystem::remove(node.path() + "/output_cursors");
    node.start(topic);
    REQUIRE(node.collector->catch_up(attempt(1), patience_ms));
    CHECK(node.collector->counters().chunks == 2);
  }
  SECTION("with a damaged note") {
    std::ofstream{node.path() + "/output_cursors"} << "berth-cursors 1\nx\n7";
    node.start(topic);
    REQUIRE(node.collector->catch_up(attempt(1), patience_ms));
    CHECK(node.collector->counters().chunks == 2);
  }
  CHECK(text_of(node.file(attempt(1))) == "first second");
}

TEST_CASE("A topic that dropped what was not collected is read on") {
  memory_log topic{memory_log_mode::threaded};
  append(topic, attempt(1), 0, "dropped");
  append(topic, attempt(2), 0, "kept");
  topic.trim(shard_id{}, 1);
  collecting_side node;
  node.start(topic);
  REQUIRE(node.collector->catch_up(attempt(2), patience_ms));
  CHECK(text_of(node.file(attempt(2))) == "kept");
}

TEST_CASE("What cannot be read in the topic is passed over") {
  memory_log topic{memory_log_mode::threaded};
  collecting_side node;
  node.start(topic);
  std::promise<void> done;
  topic.append(shard_id{}, "no chunk",
               [&](append_outcome, const storage_error&) { done.set_value(); });
  done.get_future().get();
  append(topic, attempt(1), -5, "before the file");
  append(topic, attempt(1), INT64_MAX, "behind any file");
  append(topic, attempt(1), 0, "good");
  REQUIRE(node.collector->catch_up(attempt(1), patience_ms));
  CHECK(node.collector->counters().passed_over == 3);
  CHECK(text_of(node.file(attempt(1))) == "good");
}

TEST_CASE("Output is removed when it has not grown for the retention") {
  memory_log_options o;
  std::atomic<int64_t> printed_ms = 0;
  o.now_ms = [&] { return printed_ms.load(); };
  memory_log topic{memory_log_mode::threaded, o};
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count();
  constexpr int64_t hour = 3'600'000;
  collecting_side node;
  node.start(topic, 10 * hour);
  printed_ms = now - 20 * hour;
  append(topic, attempt(3), 0, "too old");
  printed_ms = now - 5 * hour;
  append(topic, attempt(1), 0, "older");
  printed_ms = now - hour;
  append(topic, attempt(2), 0, "younger");
  for (uint8_t i = 1; i <= 3; ++i)
    REQUIRE(node.collector->catch_up(attempt(i), patience_ms));
  CHECK(text_of(node.file(attempt(1))) == "older");
  CHECK_FALSE(std::filesystem::exists(node.file(attempt(3))));
  node.collector.reset();
  node.start(topic, 2 * hour);
  REQUIRE(node.collector->catch_up(attempt(1), patience_ms));
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::filesystem::exists(node.file(attempt(1)))
         && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  CHECK_FALSE(std::filesystem::exists(node.file(attempt(1))));
  CHECK(text_of(node.file(attempt(2))) == "younger");
}

} // namespace berth
