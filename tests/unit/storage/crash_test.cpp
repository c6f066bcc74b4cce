// `kill -9` of a process that writes, again and again: what was acknowledged is
// there, and nothing is half there. The process that is killed is this test
// program itself, started with one of the hidden cases below.
#include "storage/local_log.hpp"
#include "storage/rocksdb_store.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/storage/log_fixture.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace berth;
namespace fs = std::filesystem;

namespace {

constexpr char folder_variable[] = "BERTH_TEST_CRASH_FOLDER";
constexpr int rounds = 12;
constexpr uint32_t partitions = 3;
constexpr size_t row_count = 300;

fs::path folder_of_writer() {
  const auto* folder = std::getenv(folder_variable);
  REQUIRE(folder != nullptr);
  return folder;
}

/// Tells the parent; a line is short enough for one write to be whole.
void tell(const std::string& line) {
  auto text = line + "\n";
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0)
    std::abort();
}

/// Runs a hidden case in a process of its own, kills it after it has told
/// `lines` lines, and returns all that it told.
std::vector<std::string> run_and_kill(const char* hidden_case,
                                      const fs::path& folder, size_t lines) {
  int told[2];
  REQUIRE(pipe(told) == 0);
  auto child = fork();
  if (child == 0) {
    setenv(folder_variable, folder.c_str(), 1);
    dup2(told[1], STDOUT_FILENO);
    close(told[0]);
    close(told[1]);
    execl("/proc/self/exe", "unit", hidden_case, nullptr);
    _exit(127);
  }
  close(told[1]);
  std::vector<std::string> heard;
  std::string line;
  bool killed = false;
  char bytes[4096];
  for (ssize_t size = 0; (size = read(told[0], bytes, sizeof bytes)) > 0;) {
    for (auto byte : std::string_view{bytes, static_cast<size_t>(size)}) {
      if (byte != '\n') {
        line += byte;
        continue;
      }
      heard.push_back(std::move(line));
      line.clear();
    }
    if (heard.size() >= lines && !killed) {
      kill(child, SIGKILL);
      killed = true;
    }
  }
  close(told[0]);
  int status = 0;
  waitpid(child, &status, 0);
  INFO("the writer ended by itself after " << heard.size() << " lines");
  REQUIRE(killed);
  REQUIRE(WIFSIGNALED(status));
  return heard;
}

std::string value_at(log_offset offset) {
  return std::to_string(offset) + std::string(200, 'v');
}

} // namespace

TEST_CASE("writes a log until it is killed", "[.crash_writer]") {
  auto [opened, error] =
      open_local_log({.folder = folder_of_writer(), .partitions = partitions});
  REQUIRE(opened);
  auto run = std::to_string(getpid());
  std::atomic<size_t> outstanding{0};
  for (size_t i = 0;; ++i) {
    auto partition = static_cast<uint32_t>(i % partitions);
    auto id = std::to_string(partition) + " " + run + " "
              + std::to_string(i / partitions);
    auto padding = std::string(i * 7919 % 3000, 'p');
    ++outstanding;
    opened->append(shard_id{partition}, id + " " + padding,
                   [id, &outstanding](append_outcome outcome, storage_error) {
                     if (outcome == append_outcome::appended)
                       tell(id);
                     --outstanding;
                   });
    while (outstanding > 200)
      std::this_thread::yield();
  }
}

TEST_CASE("a killed log has all that was acknowledged, in order, no gap",
          "[crash]") {
  temporary_folder parent;
  auto folder = parent.path() / "log";
  std::mt19937 random{20};
  std::map<std::string, size_t> acknowledged;
  for (int round = 0; round < rounds; ++round) {
    for (auto& id : run_and_kill("writes a log until it is killed", folder,
                                 1 + random() % 3000))
      ++acknowledged[id];
    auto [opened, error] = open_local_log({.folder = folder});
    INFO(error.message);
    REQUIRE(opened);
    size_t found = 0;
    for (uint32_t p = 0; p < partitions; ++p) {
      log_offset end = 0;
      opened->end_offset(shard_id{p},
                         [&](log_offset at, storage_error) { end = at; });
      recorder reader{*opened, shard_id{p}, 0};
      REQUIRE(reader.wait(static_cast<size_t>(end)));
      reader.stop();
      log_offset offset = 0;
      std::map<std::string, size_t> next_of_run;
      for (const auto& record : reader.records()) {
        REQUIRE(record.offset == offset++);
        auto id = record.bytes.substr(0, record.bytes.rfind(' '));
        auto number_at = id.rfind(' ');
        REQUIRE(std::stoul(id.substr(number_at))
                == next_of_run[id.substr(0, number_at)]++);
        found += acknowledged.count(id);
      }
    }
    REQUIRE(found == acknowledged.size());
  }
  for (const auto& [id, times] : acknowledged)
    REQUIRE(times == 1);
}

TEST_CASE("writes a store until it is killed", "[.crash_writer]") {
  auto [opened, error] = open_rocksdb_store({.folder = folder_of_writer()});
  REQUIRE(opened);
  auto at = opened->last_checkpoint().value_or(checkpoint{});
  for (;;) {
    ++at.folded_offset;
    row_batch rows;
    for (size_t i = 0; i < row_count; ++i)
      rows["row " + std::to_string(i)] = value_at(at.folded_offset);
    rows["only at " + std::to_string(at.folded_offset)] = "";
    rows["only at " + std::to_string(at.folded_offset - 1)] = std::nullopt;
    if (opened->write(rows, at))
      return;
    tell(std::to_string(at.folded_offset));
  }
}

TEST_CASE("in a killed store rows and checkpoint agree", "[crash]") {
  temporary_folder parent;
  auto folder = parent.path() / "store";
  std::mt19937 random{22};
  for (int round = 0; round < rounds; ++round) {
    auto heard = run_and_kill("writes a store until it is killed", folder,
                              1 + random() % 40);
    auto [opened, error] = open_rocksdb_store({.folder = folder});
    INFO(error.message);
    REQUIRE(opened);
    auto at = opened->last_checkpoint();
    REQUIRE(at);
    REQUIRE(at->folded_offset >= std::stol(heard.back()));
    auto rows = opened->scan("row ", "row!", row_count + 1);
    REQUIRE(rows.size() == row_count);
    for (const auto& [key, value] : rows)
      REQUIRE(value == value_at(at->folded_offset));
    auto only = opened->scan("only at ", "only at!", 10);
    REQUIRE(only.size() == 1);
    CHECK(only[0].first == "only at " + std::to_string(at->folded_offset));
  }
}
