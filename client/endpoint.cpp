#include "client/endpoint.hpp"

#include "client/http_url.hpp"

#include <algorithm>
#include <fstream>
#include <vector>

namespace berth {

namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

struct named_key {
  std::string profile;
  signing_key key;
};

} // namespace

endpoint_place choose_endpoint(const endpoint_choice& choice) {
  endpoint_place place;
  if (!choice.data_option.empty())
    place.data_folder = choice.data_option;
  else if (!choice.data_variable.empty())
    place.data_folder = choice.data_variable;
  else
    place.data_folder = (choice.home.empty() ? "." : choice.home) + "/.berth";
  if (!choice.option.empty())
    place.url = choice.option;
  else if (choice.data_option.empty())
    place.url = choice.variable;
  return place;
}

parsed_endpoint parse_endpoint(std::string_view text,
                               const std::string& where) {
  auto url = trim(text);
  while (!url.empty() && url.back() == '/')
    url.remove_suffix(1);
  if (parse_http_url(url))
    return {std::string{url}, {}};
  return {{},
          where + " is '" + std::string{url}
              + "', but must be http://HOST:PORT, for example "
                "http://127.0.0.1:9777"};
}

std::optional<signing_key> parse_signing_key(std::string_view text) {
  std::vector<named_key> keys;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() > 2 && line.front() == '[' && line.back() == ']') {
      keys.push_back({std::string{trim(line.substr(1, line.size() - 2))}, {}});
      continue;
    }
    auto equals = line.find('=');
    if (keys.empty() || equals == std::string_view::npos)
      continue;
    auto name = trim(line.substr(0, equals));
    auto value = trim(line.substr(equals + 1));
    if (name == "aws_access_key_id")
      keys.back().key.access_key = value;
    else if (name == "aws_secret_access_key")
      keys.back().key.secret = value;
  }
  std::erase_if(keys, [](const named_key& k) {
    return k.key.access_key.empty() || k.key.secret.empty();
  });
  for (const auto& k : keys)
    if (k.profile == "default")
      return k.key;
  if (keys.empty())
    return std::nullopt;
  return keys.front().key;
}

std::optional<std::string> read_small_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return std::nullopt;
  std::string text(small_file_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || static_cast<std::size_t>(file.gcount()) == text.size())
    return std::nullopt;
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

} // namespace berth
