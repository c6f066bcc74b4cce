#include "runtime/working_folders.hpp"

#include "runtime/attempt_files.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace berth {

namespace {

struct folders_fixture {
  folders_fixture() {
    std::filesystem::create_directory(data.path() / "keeper");
  }
  temporary_folder data;
  std::string error;

  static attempt_id attempt(uint32_t number) { return {{}, number}; }
  std::string make(working_folders& folders, uint32_t number) {
    auto path = folders.make(attempt(number), nullptr, error);
    INFO(error);
    REQUIRE(path == working_folder_path(data.path().string(), attempt(number)));
    REQUIRE(std::filesystem::is_empty(path));
    struct stat s = {};
    REQUIRE(stat(path.c_str(), &s) == 0);
    REQUIRE((s.st_mode & 07777) == 0755);
    return path;
  }
  bool is_clean() const {
    return std::filesystem::is_empty(data.path() / "work")
           && std::filesystem::is_empty(data.path() / "keeper" / "discarded");
  }
};

} // namespace

TEST_CASE("a folder left as it was is used again, another is not") {
  folders_fixture f;
  working_folders folders{f.data.path().string()};
  struct stat before = {};
  struct stat after = {};
  auto path = f.make(folders, 1);
  REQUIRE(stat(path.c_str(), &before) == 0);
  folders.discard(path);
  CHECK(f.is_clean());
  path = f.make(folders, 2);
  REQUIRE(stat(path.c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino);
  SECTION("a file was made") {
    std::ofstream{path + "/file"} << "x";
  }
  SECTION("it was hidden from others") {
    chmod(path.c_str(), 0700);
  }
  SECTION("it was opened to others") {
    chmod(path.c_str(), 01777);
  }
  SECTION("a folder was made") {
    mkdir((path + "/sub").c_str(), 0755);
  }
  folders.discard(path);
  CHECK(!std::filesystem::exists(path));
  while (folders.remove_some(true)) {
  }
  CHECK(f.is_clean());
  f.make(folders, 3);
}

TEST_CASE("what an earlier keeper left is removed") {
  folders_fixture f;
  {
    working_folders folders{f.data.path().string()};
    auto path = f.make(folders, 1);
    for (int i = 0; i < 500; ++i)
      std::ofstream{path + "/" + std::to_string(i)} << "x";
    folders.discard(path);
    CHECK(!std::filesystem::exists(path));
    std::ofstream{f.make(folders, 2) + "/file"} << "x";
  }
  working_folders next{f.data.path().string()};
  CHECK(std::filesystem::is_empty(f.data.path() / "work"));
  while (next.remove_some(false)) {
  }
  CHECK(f.is_clean());
}

TEST_CASE("deep trees are removed step by step, links are not followed") {
  folders_fixture f;
  temporary_folder outside;
  std::ofstream{outside.path() / "stays"} << "x";
  working_folders folders{f.data.path().string()};
  auto path = f.make(folders, 1);
  auto deep = path;
  for (int i = 0; i < 100; ++i) {
    deep += "/d";
    std::filesystem::create_directory(deep);
    std::filesystem::create_directory_symlink(outside.path(), deep + "/link");
  }
  chmod((path + "/d").c_str(), 0);
  folders.discard(path);
  int steps = 0;
  while (folders.remove_some(true))
    ++steps;
  CHECK(steps > 3);
  CHECK(f.is_clean());
  CHECK(std::filesystem::exists(outside.path() / "stays"));
}

TEST_CASE("a folder that cannot be made says so") {
  folders_fixture f;
  working_folders folders{f.data.path().string()};
  f.make(folders, 1);
  CHECK(folders.make(folders_fixture::attempt(1), nullptr, f.error).empty());
  CHECK(f.error.find("cannot make the working folder") == 0);
}

} // namespace berth
