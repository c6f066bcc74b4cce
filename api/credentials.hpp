// The keys that clients sign with: a file of the data folder that is also an
// AWS shared credentials file, so that AWS_SHARED_CREDENTIALS_FILE may name it.
//
//   [default]
//   aws_access_key_id = BERTHA2B3C4D5E6F7G2H
//   aws_secret_access_key = 40 characters
//   account = 123456789012
//
// `account` is Berth's own line, which the SDKs skip: the account that the key
// acts for. Source: AWS SDKs and Tools Reference Guide, "Shared config and
// credentials files".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth {

constexpr std::string_view default_account = "123456789012";
constexpr std::size_t credentials_file_bytes_max = 1024 * 1024;
constexpr std::size_t credentials_max = 1000;

struct credential {
  std::string profile;
  std::string access_key;
  std::string secret;
  /// 12 digits.
  std::string account{default_account};
};

/// Never empty; no access key and no profile twice.
class credential_set {
public:
  /// Takes the file's text apart. The error names the line, what it says and
  /// what would be right; it never holds a secret.
  static std::variant<credential_set, std::string> parse(std::string_view text);

  /// Null when nobody has the key. Valid as long as this object.
  const credential* find(std::string_view access_key) const;
  /// Of the profile `default`, or else the first in the file: what Berth gives
  /// to the jobs and commands it starts.
  const credential& own() const;
  const std::vector<credential>& all() const { return all_; }

private:
  explicit credential_set(std::vector<credential> all) : all_(std::move(all)) {}

  std::vector<credential> all_;
};

/// A new key of 20 characters and its secret of 40, from the operating system's
/// random numbers; profile `default`.
credential random_credential();
/// As the file says it.
std::string print_credential(const credential& one);

/// Reads the file; if there is none, first makes it with one random credential,
/// readable by its owner alone. Two processes that do so at once get the same.
/// Refuses, saying what to do, a file that others may read or write, or that is
/// not a plain file.
std::variant<credential_set, std::string>
load_or_create_credentials(const std::string& path);

} // namespace berth
