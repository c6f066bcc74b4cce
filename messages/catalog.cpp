#include "messages/catalog.hpp"

#include "messages/limits.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace berth {

namespace {

constexpr std::array<std::pair<resource_kind, std::string_view>, 4> kind_names{
    {{resource_kind::compute_environment, "compute-environment"},
     {resource_kind::job_queue, "job-queue"},
     {resource_kind::job_definition, "job-definition"},
     {resource_kind::job, "job"}}};

std::string_view partition_of(std::string_view region) {
  if (region.starts_with("cn-"))
    return "aws-cn";
  if (region.starts_with("us-gov-"))
    return "aws-us-gov";
  return "aws";
}

/// Cuts the text up to the next colon off the front of `rest`.
std::string_view next_part(std::string_view& rest) {
  auto colon = rest.find(':');
  auto part = rest.substr(0, colon);
  rest = colon == std::string_view::npos ? std::string_view{}
                                         : rest.substr(colon + 1);
  return part;
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
         || (c >= 'A' && c <= 'Z');
}

} // namespace

const char* to_string(object_state s) {
  return s == object_state::enabled ? "ENABLED" : "DISABLED";
}

std::string make_arn(const account_region& owner, resource_kind kind,
                     const std::string& name) {
  auto found = std::find_if(kind_names.begin(), kind_names.end(),
                            [&](auto& entry) { return entry.first == kind; });
  std::string arn = "arn:";
  arn += partition_of(owner.region);
  arn += ":batch:" + owner.region + ":" + owner.account + ":";
  arn += found->second;
  arn += "/" + name;
  return arn;
}

std::optional<parsed_arn> parse_arn(std::string_view text) {
  auto rest = text;
  if (next_part(rest) != "arn")
    return std::nullopt;
  auto partition = next_part(rest);
  if (next_part(rest) != "batch")
    return std::nullopt;
  parsed_arn arn;
  arn.owner.region = next_part(rest);
  arn.owner.account = next_part(rest);
  if (partition != partition_of(arn.owner.region))
    return std::nullopt;
  auto slash = rest.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  for (const auto& [kind, name] : kind_names)
    if (rest.substr(0, slash) == name) {
      arn.kind = kind;
      arn.name = rest.substr(slash + 1);
      return arn;
    }
  return std::nullopt;
}

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > limits::name_length_max
      || !is_alphanumeric(name.front()))
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_';
  });
}

} // namespace berth
