#include "api/credentials.hpp"

#include "messages/assert.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace berth {

namespace {

constexpr std::size_t account_length = 12;
constexpr std::string_view own_profile = "default";

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_account(std::string_view text) {
  return text.size() == account_length
         && std::all_of(text.begin(), text.end(),
                        [](char c) { return c >= '0' && c <= '9'; });
}

/// What may stand in an Authorization header's Credential.
bool is_access_key(std::string_view text) {
  return !text.empty() && text.size() <= 128
         && std::all_of(text.begin(), text.end(), [](char c) {
              return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
                     || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
            });
}

/// Reads lines into credentials.
class credential_reader {
public:
  std::optional<std::string> read(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      auto end = std::min(text.find('\n'), text.size());
      if (auto wrong = read_line(trim(text.substr(0, end))))
        return wrong;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (auto wrong = end_profile())
      return wrong;
    if (all.empty())
      return "it has no credential; a [default] profile with "
             "aws_access_key_id and aws_secret_access_key is needed";
    return std::nullopt;
  }

  std::vector<credential> all;

private:
  std::optional<std::string> read_line(std::string_view line) {
    if (line.empty() || line.front() == '#' || line.front() == ';')
      return std::nullopt;
    if (line.front() == '[')
      return begin_profile(line);
    auto equals = line.find('=');
    // The line itself may be a secret, so it is not repeated.
    if (equals == std::string_view::npos)
      return here("must be [profile] or name = value");
    if (!open_)
      return here("stands before the first [profile]");
    return set(trim(line.substr(0, equals)), trim(line.substr(equals + 1)));
  }

  std::optional<std::string> begin_profile(std::string_view line) {
    if (auto wrong = end_profile())
      return wrong;
    auto name = line.back() == ']' ? trim(line.substr(1, line.size() - 2))
                                   : std::string_view{};
    if (name.empty())
      return here("must be [profile] with a name");
    for (const auto& one : all)
      if (one.profile == name)
        return here("begins the profile '" + std::string{name}
                    + "' a second time");
    open_.emplace();
    open_->profile = name;
    return std::nullopt;
  }

  std::optional<std::string> set(std::string_view name,
                                 std::string_view value) {
    if (name == "aws_access_key_id") {
      if (!is_access_key(value))
        return here("aws_access_key_id must be 1 to 128 letters, digits, '-' "
                    "or '_'");
      open_->access_key = value;
    } else if (name == "aws_secret_access_key") {
      if (value.empty())
        return here("aws_secret_access_key must not be empty");
      open_->secret = value;
    } else if (name == "account" || name == "aws_account_id") {
      if (!is_account(value))
        return here(std::string{name} + " must be 12 digits, not '"
                    + std::string{value} + "'");
      open_->account = value;
    }
    // Lines that only the SDKs know, such as region, are theirs.
    return std::nullopt;
  }

  std::optional<std::string> end_profile() {
    if (!open_)
      return std::nullopt;
    auto done = *std::exchange(open_, std::nullopt);
    auto of_profile = [&](const std::string& what) {
      return "the profile '" + done.profile + "' " + what;
    };
    if (done.access_key.empty())
      return of_profile("has no aws_access_key_id");
    if (done.secret.empty())
      return of_profile("has no aws_secret_access_key");
    for (const auto& one : all)
      if (one.access_key == done.access_key)
        return of_profile("has the aws_access_key_id of the profile '"
                          + one.profile + "'");
    if (all.size() == credentials_max)
      return of_profile("is one more than " + std::to_string(credentials_max));
    all.push_back(std::move(done));
    return std::nullopt;
  }

  std::string here(const std::string& what) const {
    return "line " + std::to_string(line_) + " " + what;
  }

  std::optional<credential> open_;
  std::size_t line_ = 0;
};

std::string random_text(std::size_t length, std::string_view letters) {
  std::string text;
  // Bytes beyond the last whole multiple would favour the first letters.
  auto usable = 256 - 256 % letters.size();
  while (text.size() < length) {
    unsigned char byte = 0;
    BERTH_ASSERT(RAND_bytes(&byte, 1) == 1,
                 "the operating system gives random numbers");
    if (byte < usable)
      text += letters[byte % letters.size()];
  }
  return text;
}

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }

private:
  int fd_;
};

std::string system_error(const std::string& what, const std::string& path) {
  return what + " " + path + ": " + std::strerror(errno);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Whole or not at all, and never over an existing file: a link to a finished
/// file of another name fails where the name is taken.
std::optional<std::string> create(const std::string& path) {
  auto draft = path + "." + std::to_string(::getpid()) + ".new";
  ::unlink(draft.c_str());
  std::string problem;
  {
    descriptor file{
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (file.get() < 0)
      return system_error("cannot create the keys file", draft);
    auto text = "# Keys that clients of Berth sign with. It is an AWS shared "
                "credentials file:\n# AWS_SHARED_CREDENTIALS_FILE may name it. "
                "Keep it to yourself.\n"
                + print_credential(random_credential());
    if (!write_all(file.get(), text) || ::fsync(file.get()) != 0)
      problem = system_error("cannot write the keys file", draft);
  }
  if (problem.empty() && ::link(draft.c_str(), path.c_str()) != 0
      && errno != EEXIST)
    problem = system_error("cannot create the keys file", path);
  ::unlink(draft.c_str());
  if (!problem.empty())
    return problem;
  return std::nullopt;
}

std::optional<std::string> check_file(const struct stat& status,
                                      const std::string& path) {
  if (!S_ISREG(status.st_mode))
    return "the keys file " + path
           + " is not a plain file; remove it, and "
             "Berth makes a new one";
  if ((status.st_mode & 077) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
    return "the keys file " + path + " may be used by others (mode "
           + mode.data() + "); run: chmod 600 " + path;
  }
  if (static_cast<std::size_t>(status.st_size) > credentials_file_bytes_max)
    return "the keys file " + path + " is larger than "
           + std::to_string(credentials_file_bytes_max) + " bytes";
  return std::nullopt;
}

/// The file's text, or what is wrong with it.
std::optional<std::string> read_file(int fd, const std::string& path,
                                     std::string& text) {
  std::array<char, 4096> piece{};
  for (;;) {
    auto got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return system_error("cannot read the keys file", path);
    if (got == 0)
      return std::nullopt;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > credentials_file_bytes_max)
      return "the keys file " + path + " grew while it was read";
  }
}

} // namespace

std::variant<credential_set, std::string>
credential_set::parse(std::string_view text) {
  credential_reader reader;
  if (auto wrong = reader.read(text))
    return *wrong;
  return credential_set{std::move(reader.all)};
}

const credential* credential_set::find(std::string_view access_key) const {
  for (const auto& one : all_)
    if (one.access_key == access_key)
      return &one;
  return nullptr;
}

const credential& credential_set::own() const {
  for (const auto& one : all_)
    if (one.profile == own_profile)
      return one;
  return all_.front();
}

credential random_credential() {
  constexpr std::string_view key_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::string_view secret_letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  credential made;
  made.profile = own_profile;
  made.access_key = "BERTH" + random_text(15, key_letters);
  made.secret = random_text(40, secret_letters);
  return made;
}

std::string print_credential(const credential& one) {
  return "[" + one.profile + "]\naws_access_key_id = " + one.access_key
         + "\naws_secret_access_key = " + one.secret
         + "\naccount = " + one.account + "\n";
}

std::variant<credential_set, std::string>
load_or_create_credentials(const std::string& path) {
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  int fd = ::open(path.c_str(), flags);
  if (fd < 0 && errno == ENOENT) {
    if (auto wrong = create(path))
      return *wrong;
    fd = ::open(path.c_str(), flags);
  }
  descriptor file{fd};
  if (file.get() < 0)
    return system_error("cannot open the keys file", path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return system_error("cannot look at the keys file", path);
  if (auto wrong = check_file(status, path))
    return *wrong;
  std::string text;
  if (auto wrong = read_file(file.get(), path, text))
    return *wrong;
  auto parsed = credential_set::parse(text);
  if (auto* wrong = std::get_if<std::string>(&parsed))
    return "the keys file " + path + " cannot be used: " + *wrong;
  return parsed;
}

} // namespace berth
