// Which server the command line talks to, and with which key.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// What the caller said, before files are read. Empty = not given.
struct endpoint_choice {
  /// --endpoint
  std::string option;
  /// --data
  std::string data_option;
  /// BERTH_ENDPOINT
  std::string variable;
  /// BERTH_DATA
  std::string data_variable;
  /// HOME
  std::string home;
};

/// Where to look: a URL, or else a data folder whose `endpoint` file names it.
struct endpoint_place {
  std::string url;
  std::string data_folder;
};

/// The nearest wins: --endpoint, --data, BERTH_ENDPOINT, BERTH_DATA,
/// HOME/.berth. The folder is there in any case, for the key. Pure.
endpoint_place choose_endpoint(const endpoint_choice& choice);

/// Either a URL without trailing slashes and blanks, or what is wrong.
struct parsed_endpoint {
  std::string url;
  std::string error;
};

/// `where` names what is parsed, for the error. Pure.
parsed_endpoint parse_endpoint(std::string_view text, const std::string& where);

/// A key to sign with.
struct signing_key {
  std::string access_key;
  std::string secret;
};

/// The `default` profile of an AWS shared credentials file, or else its first.
/// Nothing when it has no whole one. Pure.
std::optional<signing_key> parse_signing_key(std::string_view text);

/// The whole of a small file; nothing when it cannot be read.
std::optional<std::string> read_small_file(const std::string& path);

constexpr std::size_t small_file_bytes_max = 1024 * 1024;

} // namespace berth
