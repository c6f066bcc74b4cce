#include "api/credentials.hpp"

#include "tests/support/mutations.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace berth;
using Catch::Contains;

namespace {

std::string read_all(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write_all(const std::string& path, const std::string& text,
               mode_t mode = 0600) {
  std::ofstream{path} << text;
  ::chmod(path.c_str(), mode);
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  ::stat(path.c_str(), &status);
  return status.st_mode & 07777U;
}

std::string error_of(const std::variant<credential_set, std::string>& result) {
  auto* error = std::get_if<std::string>(&result);
  return error ? *error : "none";
}

} // namespace

TEST_CASE("a missing keys file is made, for its owner alone") {
  temporary_folder folder;
  auto path = folder.path().string() + "/credentials";
  auto old_mask = ::umask(0);
  auto made = load_or_create_credentials(path);
  ::umask(old_mask);
  REQUIRE(error_of(made) == "none");
  const auto& own = std::get<credential_set>(made).own();
  CHECK(own.profile == "default");
  CHECK(own.access_key.size() == 20);
  CHECK(own.secret.size() == 40);
  CHECK(own.account == "123456789012");
  CHECK(mode_of(path) == 0600);
  auto again = load_or_create_credentials(path);
  REQUIRE(error_of(again) == "none");
  CHECK(std::get<credential_set>(again).own().secret == own.secret);
  // Nothing else is left behind.
  CHECK(std::distance(
            std::filesystem::directory_iterator{folder.path().string()}, {})
        == 1);
}

TEST_CASE("processes that make the keys file at once end up with one") {
  temporary_folder folder;
  auto path = folder.path().string() + "/credentials";
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    auto child = ::fork();
    if (child == 0) {
      auto made = load_or_create_credentials(path);
      auto* set = std::get_if<credential_set>(&made);
      if (set)
        std::ofstream{folder.path().string() + "/seen." + std::to_string(i)}
            << set->own().secret << std::flush;
      ::_exit(set ? 0 : 1);
    }
    children.push_back(child);
  }
  for (auto child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  std::set<std::string> secrets;
  for (int i = 0; i < 8; ++i)
    secrets.insert(
        read_all(folder.path().string() + "/seen." + std::to_string(i)));
  CHECK(secrets.size() == 1);
}

TEST_CASE("a keys file that others may use is refused with what to do") {
  temporary_folder folder;
  auto path = folder.path().string() + "/credentials";
  for (auto mode : {0644U, 0640U, 0602U, 0610U}) {
    write_all(path, print_credential(random_credential()), mode);
    auto message = error_of(load_or_create_credentials(path));
    CHECK_THAT(message, Contains("run: chmod 600 " + path));
    CHECK_THAT(message, Contains(mode == 0644U ? "0644" : "mode 06"));
  }
  write_all(path, print_credential(random_credential()), 0400);
  CHECK(error_of(load_or_create_credentials(path)) == "none");
}

TEST_CASE("what is not a keys file is refused") {
  temporary_folder folder;
  CHECK_THAT(error_of(load_or_create_credentials(folder.path().string())),
             Contains("is not a plain file"));
  CHECK_THAT(
      error_of(load_or_create_credentials(folder.path().string() + "/no/file")),
      Contains("cannot create the keys file"));
  auto path = folder.path().string() + "/credentials";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_THAT(error_of(load_or_create_credentials(path)),
             Contains("is not a plain file"));
  std::filesystem::remove(path);
  write_all(path, std::string(credentials_file_bytes_max + 1, '#'));
  CHECK_THAT(error_of(load_or_create_credentials(path)),
             Contains("is larger than 1048576 bytes"));
  write_all(path, "");
  CHECK_THAT(error_of(load_or_create_credentials(path)),
             Contains("it has no credential"));
}

TEST_CASE("a keys file may hold several keys, each for an account") {
  auto parsed = credential_set::parse("# comment\n"
                                      "; another\r\n"
                                      "\n"
                                      "[team-a]\r\n"
                                      "aws_access_key_id=KEYA\r\n"
                                      "aws_secret_access_key = a=b/c+d \r\n"
                                      "account = 111111111111\r\n"
                                      "region = us-east-1\n"
                                      "[ default ]\n"
                                      "\taws_secret_access_key=s\n"
                                      "aws_access_key_id = KEYD\n"
                                      "[team-b]\n"
                                      "aws_account_id = 222222222222\n"
                                      "aws_access_key_id = KEYB\n"
                                      "aws_secret_access_key = t");
  REQUIRE(error_of(parsed) == "none");
  const auto& set = std::get<credential_set>(parsed);
  CHECK(set.all().size() == 3);
  REQUIRE(set.find("KEYA") != nullptr);
  CHECK(set.find("KEYA")->secret == "a=b/c+d");
  CHECK(set.find("KEYA")->account == "111111111111");
  CHECK(set.find("KEYB")->account == "222222222222");
  CHECK(set.find("KEYD")->account == "123456789012");
  CHECK(set.find("KEYX") == nullptr);
  CHECK(set.own().access_key == "KEYD");
}

TEST_CASE("without a default profile the first key is Berth's own") {
  auto parsed = credential_set::parse(
      "[a]\naws_access_key_id=A\naws_secret_access_key=1\n"
      "[b]\naws_access_key_id=B\naws_secret_access_key=2\n");
  CHECK(std::get<credential_set>(parsed).own().access_key == "A");
}

TEST_CASE("a line that cannot be read is named, and no secret is shown") {
  auto message = [](const std::string& text) {
    return error_of(credential_set::parse(text));
  };
  const std::string key = "aws_access_key_id = K\n";
  const std::string secret = "aws_secret_access_key = hidden\n";
  CHECK(message("\n" + key) == "line 2 stands before the first [profile]");
  CHECK(message("[default]\nhidden\n")
        == "line 2 must be [profile] or name = value");
  CHECK(message("[default\n") == "line 1 must be [profile] with a name");
  CHECK(message("[]\n") == "line 1 must be [profile] with a name");
  CHECK(message("[") == "line 1 must be [profile] with a name");
  CHECK(message("[a]\n" + key)
        == "the profile 'a' has no aws_secret_access_key");
  CHECK(message("[a]\n" + secret)
        == "the profile 'a' has no aws_access_key_id");
  CHECK(message("[a]\n" + key + secret + "account = 12345\n")
        == "line 4 account must be 12 digits, not '12345'");
  CHECK(message("[a]\naws_access_key_id = a/b\n")
        == "line 2 aws_access_key_id must be 1 to 128 letters, digits, '-' or "
           "'_'");
  CHECK(message("[a]\n" + key + "aws_secret_access_key =\n")
        == "line 3 aws_secret_access_key must not be empty");
  CHECK(message("[a]\n" + key + secret + "[a]\n")
        == "line 4 begins the profile 'a' a second time");
  CHECK(message("[a]\n" + key + secret + "[b]\n" + key + secret)
        == "the profile 'b' has the aws_access_key_id of the profile 'a'");
  std::string many;
  for (std::size_t i = 0; i <= credentials_max; ++i)
    many += "[p" + std::to_string(i) + "]\naws_access_key_id = K"
            + std::to_string(i) + "\n" + secret;
  CHECK(message(many) == "the profile 'p1000' is one more than 1000");
}

TEST_CASE("made keys differ and read back as they were printed") {
  std::set<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    auto made = random_credential();
    keys.insert(made.access_key);
    keys.insert(made.secret);
    auto parsed = credential_set::parse(print_credential(made));
    REQUIRE(error_of(parsed) == "none");
    CHECK(std::get<credential_set>(parsed).own().secret == made.secret);
    CHECK(std::get<credential_set>(parsed).own().access_key == made.access_key);
  }
  CHECK(keys.size() == 200);
}

TEST_CASE("mutated keys files are survived") {
  auto good = print_credential(random_credential());
  int understood = 0;
  rc::prop("a file has whole keys or is refused", [&] {
    for (int round = 0; round < 20; ++round) {
      auto text = test::mutated_bytes(good, "[]=\n#; \t");
      auto parsed = credential_set::parse(text);
      const auto* set = std::get_if<credential_set>(&parsed);
      if (set != nullptr)
        RC_ASSERT(!set->own().secret.empty());
      understood += set != nullptr ? 1 : 0;
    }
  });
  CHECK(understood > 10);
}
