#include "runtime/report_journal.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

namespace berth {

namespace {

const agent_id agent{environment_uid{1}, "local"};
const session_id session{4, 1};

keeper_journal_record made(uint64_t first, uint64_t last, uint32_t shard = 1) {
  keeper_reports batch{agent, session, shard_id{shard}, {}};
  for (auto n = first; n <= last; ++n)
    batch.reports.push_back({n, attempt_started_report{{}, 0x0101010101}});
  return {batch};
}

keeper_journal_record acknowledged(uint64_t up_to, uint32_t shard = 1) {
  return {keeper_reports_acknowledged{agent, session, shard_id{shard}, up_to}};
}

struct folder_with_journal {
  temporary_folder folder;
  std::string path = (folder.path() / "reports").string();

  std::vector<uint64_t> numbers(uint32_t shard = 1) const {
    std::string warning;
    std::vector<uint64_t> found;
    for (const auto& batch : report_journal{path}.read(warning))
      if (batch.destination.value == shard)
        for (const auto& r : batch.reports)
          found.push_back(r.number);
    return found;
  }
};

using numbers = std::vector<uint64_t>;

} // namespace

TEST_CASE("a journal gives back what was not acknowledged") {
  folder_with_journal f;
  CHECK(f.numbers().empty());
  report_journal journal{f.path};
  REQUIRE(journal.rewrite({}));
  CHECK(f.numbers().empty());
  journal.append(made(1, 3));
  journal.append(made(1, 2, 2));
  REQUIRE(journal.write());
  journal.append(acknowledged(2));
  journal.append(made(4, 4));
  REQUIRE(journal.write());
  CHECK(f.numbers() == numbers{3, 4});
  CHECK(f.numbers(2) == numbers{1, 2});
}

TEST_CASE("a journal that is written anew holds only what it is given") {
  folder_with_journal f;
  report_journal journal{f.path};
  REQUIRE(journal.rewrite({made(1, 9)}));
  CHECK(f.numbers().size() == 9);
  REQUIRE(journal.rewrite({made(9, 9)}));
  journal.append(made(10, 10));
  REQUIRE(journal.write());
  CHECK(f.numbers() == numbers{9, 10});
}

TEST_CASE("a torn last record is no record, those before it are") {
  folder_with_journal f;
  report_journal journal{f.path};
  REQUIRE(journal.rewrite({}));
  journal.append(made(1, 1));
  REQUIRE(journal.write());
  auto whole = journal.bytes();
  journal.append(made(2, 2));
  REQUIRE(journal.write());
  for (auto cut = journal.bytes() - 1; cut >= whole; --cut) {
    std::filesystem::resize_file(f.path, cut);
    CHECK(f.numbers() == numbers{1});
    // As when the file had been made longer already.
    std::filesystem::resize_file(f.path, cut + 100);
    CHECK(f.numbers() == numbers{1});
  }
}

TEST_CASE("a journal of another version is given up with a warning") {
  folder_with_journal f;
  std::ofstream{f.path, std::ios::binary} << std::string("\5\0\0\0abcd\1", 9);
  std::string warning;
  CHECK(report_journal{f.path}.read(warning).empty());
  CHECK(warning.find("cannot read") != std::string::npos);
}

TEST_CASE("a journal grows until it is worth writing anew") {
  folder_with_journal f;
  report_journal journal{f.path};
  REQUIRE(journal.rewrite({}));
  uint64_t number = 0;
  while (!journal.is_due_for_rewrite()) {
    journal.append(made(number + 1, number + 400));
    number += 400;
    journal.append(acknowledged(number - 1));
    REQUIRE(journal.write());
  }
  CHECK(journal.bytes() > journal_bytes_max);
  CHECK(f.numbers() == numbers{number});
  REQUIRE(journal.rewrite({made(number, number)}));
  CHECK(!journal.is_due_for_rewrite());
  CHECK(f.numbers() == numbers{number});
}

} // namespace berth
