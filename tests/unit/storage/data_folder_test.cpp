#include "storage/data_folder.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace berth;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<data_folder>
must_open(const fs::path& path,
          folder_access access = folder_access::exclusive) {
  auto [opened, error] = data_folder::open(path, access);
  INFO(error.message);
  REQUIRE(opened);
  return std::move(opened);
}

std::string error_of(const fs::path& path,
                     folder_access access = folder_access::exclusive) {
  auto [opened, error] = data_folder::open(path, access);
  REQUIRE_FALSE(opened);
  REQUIRE(error.code == storage_errc::fatal);
  return error.message;
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream{path} << text;
}

unsigned mode_of(const fs::path& path) {
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

/// A process that holds a data folder until it is killed.
class holder {
public:
  explicit holder(const fs::path& path) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      auto result = data_folder::open(path, folder_access::exclusive);
      char byte = result.opened ? 'y' : 'n';
      if (::write(ready[1], &byte, 1) != 1)
        _exit(1);
      for (;;)
        pause();
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    REQUIRE(byte == 'y');
    close(ready[0]);
    close(ready[1]);
  }
  ~holder() { end(); }
  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;

  pid_t pid() const { return pid_; }
  void end() {
    if (pid_ <= 0)
      return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

private:
  pid_t pid_ = 0;
};

} // namespace

TEST_CASE("a data folder is made with its parents, for its owner only",
          "[data_folder]") {
  temporary_folder parent;
  auto path = parent.path() / "some" / "where";
  auto folder = must_open(path);
  CHECK(folder->path() == path);
  CHECK(mode_of(path) == 0700);
  CHECK(mode_of(path / "format") == 0600);
  CHECK(folder->cluster_id().size() == 36);
  CHECK(folder->may_make_log());
  CHECK(fs::is_directory(folder->output_folder()));
  CHECK(fs::is_directory(folder->work_folder()));
  CHECK(fs::is_directory(folder->keeper_folder()));
  CHECK(folder->store_folder(shard_id{7}) == path / "store" / "0007");
  CHECK(folder->store_folder(shard_id{4095}) == path / "store" / "4095");
}

TEST_CASE("a folder that was open to others is closed to them",
          "[data_folder]") {
  temporary_folder parent;
  auto path = parent.path() / "data";
  fs::create_directory(path);
  fs::permissions(path, fs::perms::all);
  must_open(path.string() + "/");
  CHECK(mode_of(path) == 0700);
}

TEST_CASE("a data folder keeps its cluster id", "[data_folder]") {
  temporary_folder parent;
  auto first = must_open(parent.path())->cluster_id();
  CHECK(must_open(parent.path())->cluster_id() == first);
  CHECK(must_open(parent.path(), folder_access::read_only)->cluster_id()
        == first);
  temporary_folder other;
  CHECK(must_open(other.path())->cluster_id() != first);
}

TEST_CASE("a folder in use is refused, naming who uses it", "[data_folder]") {
  temporary_folder parent;
  holder other{parent.path()};
  auto naming = "in use by process " + std::to_string(other.pid());
  for (auto access : {folder_access::exclusive, folder_access::read_only})
    CHECK(error_of(parent.path(), access).find(naming) != std::string::npos);
  // A user that was killed does not lock it for ever.
  other.end();
  must_open(parent.path());
}

TEST_CASE("several may look at a folder, and nobody work with it meanwhile",
          "[data_folder]") {
  temporary_folder parent;
  must_open(parent.path());
  auto one = must_open(parent.path(), folder_access::read_only);
  auto two = must_open(parent.path(), folder_access::read_only);
  CHECK(error_of(parent.path()).find("in use by another process")
        != std::string::npos);
  one.reset();
  two.reset();
  must_open(parent.path());
}

TEST_CASE("a folder of a newer version is refused and left alone",
          "[data_folder]") {
  temporary_folder parent;
  auto access = GENERATE(folder_access::exclusive, folder_access::read_only);
  write_file(parent.path() / "format", "berth-data-folder 2\nnew things\n");
  write_file(parent.path() / "lock", "");
  auto message = error_of(parent.path(), access);
  CHECK(message.find("newer version") != std::string::npos);
  CHECK(message.find("layout 2") != std::string::npos);
  CHECK_FALSE(fs::exists(parent.path() / "store"));
}

TEST_CASE("a damaged format file is an error", "[data_folder]") {
  temporary_folder parent;
  write_file(parent.path() / "format",
             GENERATE("", "something else 1\n", "berth-data-folder one\n",
                      "berth-data-folder 1\n",
                      "berth-data-folder 1\ncluster no-uuid\n"));
  CHECK(error_of(parent.path()).find("is damaged") != std::string::npos);
}

TEST_CASE("a folder with other things in it is not taken", "[data_folder]") {
  temporary_folder parent;
  write_file(parent.path() / "thesis.tex", "x");
  CHECK(error_of(parent.path()).find("not empty") != std::string::npos);
  CHECK_FALSE(fs::exists(parent.path() / "lock"));
  CHECK(mode_of(parent.path() / "thesis.tex") != 0);
}

TEST_CASE("what is no data folder cannot be looked at", "[data_folder]") {
  temporary_folder parent;
  CHECK(error_of(parent.path() / "missing", folder_access::read_only)
            .find("not a Berth data folder")
        != std::string::npos);
  CHECK_FALSE(fs::exists(parent.path() / "missing"));
  write_file(parent.path() / "file", "x");
  CHECK(error_of(parent.path() / "file").find("is not a folder")
        != std::string::npos);
}

TEST_CASE("a path too long for a socket is refused at once", "[data_folder]") {
  temporary_folder parent;
  auto message = error_of(parent.path() / std::string(120, 'x'));
  CHECK(message.find("bytes too long") != std::string::npos);
  CHECK(fs::is_empty(parent.path()));
}

TEST_CASE("damaged stores are set aside under free names", "[data_folder]") {
  temporary_folder parent;
  auto folder = must_open(parent.path());
  auto store = folder->store_folder(shard_id{3});
  for (int i = 1; i <= 3; ++i) {
    fs::create_directory(store);
    write_file(store / "content", std::to_string(i));
    fs::path now_at;
    auto error = folder->set_aside(shard_id{3}, now_at);
    INFO(error.message);
    REQUIRE_FALSE(error);
    CHECK(now_at
          == parent.path() / "store" / ("0003.damaged-" + std::to_string(i)));
    CHECK(fs::exists(now_at / "content"));
    CHECK_FALSE(fs::exists(store));
  }
  fs::path now_at;
  CHECK(folder->set_aside(shard_id{3}, now_at));
}

TEST_CASE("where there are stores an empty log is not made", "[data_folder]") {
  temporary_folder parent;
  auto folder = must_open(parent.path());
  CHECK(folder->may_make_log());
  fs::create_directory(folder->store_folder(shard_id{0}));
  CHECK_FALSE(folder->may_make_log());
}

TEST_CASE("a started program does not keep the lock", "[data_folder]") {
  temporary_folder parent;
  auto folder = must_open(parent.path());
  int alive[2];
  REQUIRE(pipe(alive) == 0);
  auto child = fork();
  if (child == 0) {
    dup2(alive[0], STDIN_FILENO);
    close(alive[1]);
    execlp("cat", "cat", nullptr);
    _exit(127);
  }
  // Once the program answers, only it and we could hold the lock.
  folder.reset();
  std::string message;
  while (true) {
    auto [opened, error] =
        data_folder::open(parent.path(), folder_access::exclusive);
    if (opened)
      break;
    // Between fork and exec the child still has it.
    REQUIRE(error.message.find("in use") != std::string::npos);
    REQUIRE(waitpid(child, nullptr, WNOHANG) == 0);
  }
  CHECK(kill(child, 0) == 0);
  close(alive[0]);
  close(alive[1]);
  waitpid(child, nullptr, 0);
}

TEST_CASE("room that a disk has not is said to be missing", "[data_folder]") {
  temporary_folder parent;
  auto folder = must_open(parent.path());
  CHECK_FALSE(folder->require_room(1));
  auto error = folder->require_room(UINT64_MAX);
  CHECK(error.code == storage_errc::fatal);
  CHECK(error.message.find(parent.path().string()) != std::string::npos);
  CHECK(error.message.find("Free some space") != std::string::npos);
}
