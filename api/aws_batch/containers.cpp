#include "api/aws_batch/containers.hpp"

#include "api/aws_batch/bounds.hpp"
#include "api/aws_batch/errors.hpp"
#include "api/aws_batch/packaging.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace berth::aws_batch {

namespace {

constexpr std::array<std::string_view, 15> ulimit_names{
    "core",    "cpu",      "data",   "fsize",      "locks",
    "memlock", "msgqueue", "nice",   "nofile",     "nproc",
    "rss",     "rtprio",   "rttime", "sigpending", "stack"};

constexpr std::string_view reserved_prefix = "AWS_BATCH";

struct requirements {
  std::optional<int64_t> vcpu_milli;
  std::optional<int64_t> memory_mib;
};

/// `2`, `0.25`: at most three decimals.
std::optional<int64_t> parse_thousandths(std::string_view text) {
  auto point = text.find('.');
  auto whole = text.substr(0, point);
  auto decimals = point == std::string_view::npos ? std::string_view{}
                                                  : text.substr(point + 1);
  if (whole.empty() || whole.size() > 7 || decimals.size() > 3
      || (point != std::string_view::npos && decimals.empty()))
    return std::nullopt;
  std::string digits{whole};
  digits += decimals;
  digits.append(3 - decimals.size(), '0');
  int64_t value = 0;
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 0)
    return std::nullopt;
  return value;
}

int64_t parse_vcpus(const json_place& place) {
  auto value = parse_thousandths(place.text());
  if (!value || *value < 1 || *value > vcpus_max * 1000)
    place.fail("must be, for VCPU, a decimal number such as \"1\" or \"0.25\", "
               "from 0.001 to "
               + std::to_string(vcpus_max));
  return *value;
}

int64_t parse_memory(const json_place& place) {
  auto text = place.text();
  int64_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()
      || value < limits::memory_mib_min || value > memory_mib_max)
    place.fail(
        "must be, for MEMORY, an integer number of MiB such as \"512\", from "
        + std::to_string(limits::memory_mib_min) + " to "
        + std::to_string(memory_mib_max));
  return value;
}

requirements parse_requirements(const json_place& place) {
  requirements needs;
  place.for_each_element([&](const json_place& element) {
    auto kind = element.member("type");
    auto type = kind.text();
    auto value = element.member("value");
    if (type == "GPU")
      throw refused{kind.path()
                    + " is GPU, which is not supported yet: leave it out; a "
                      "job can ask for VCPU and MEMORY"};
    auto& need = type == "VCPU" ? needs.vcpu_milli : needs.memory_mib;
    if (type != "VCPU" && type != "MEMORY")
      kind.fail("must be VCPU or MEMORY");
    if (need)
      kind.fail("must not be there twice");
    need = type == "VCPU" ? parse_vcpus(value) : parse_memory(value);
  });
  return needs;
}

std::vector<key_value> parse_environment(const json_place& place,
                                         bool keep_empty) {
  std::vector<key_value> environment;
  place.for_each_element([&](const json_place& element) {
    auto name_place = element.member("name");
    key_value entry{name_place.nonempty_text(),
                    element.member("value").text_or_empty()};
    if (entry.name.find('=') != std::string::npos)
      name_place.fail("must not contain =");
    if (entry.name.starts_with(reserved_prefix))
      name_place.fail("must not begin with AWS_BATCH, which is reserved");
    if (keep_empty || !entry.value.empty())
      environment.push_back(std::move(entry));
  });
  return environment;
}

std::vector<ulimit> parse_ulimits(const json_place& place) {
  std::vector<ulimit> list;
  place.for_each_element([&](const json_place& element) {
    auto name = element.member("name");
    auto hard = element.member("hardLimit");
    ulimit entry{name.text(),
                 element.member("softLimit").integer(-1, INT64_MAX),
                 hard.integer(-1, INT64_MAX)};
    if (std::find(ulimit_names.begin(), ulimit_names.end(), entry.name)
        == ulimit_names.end())
      name.fail("must be a name of the ulimit command such as nofile");
    // -1 is unlimited.
    if (entry.hard != -1 && (entry.soft == -1 || entry.soft > entry.hard))
      hard.fail("must not be less than softLimit");
    list.push_back(std::move(entry));
  });
  return list;
}

bool is_user_or_group(std::string_view text) {
  if (text.empty() || text.size() > user_length_max || text.front() == '-')
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-';
  });
}

std::string parse_user(const json_place& place) {
  auto user = place.text_or_empty();
  auto colon = user.find(':');
  auto group_fits =
      colon == std::string::npos
      || is_user_or_group(std::string_view{user}.substr(colon + 1));
  if (!user.empty()
      && !(is_user_or_group(std::string_view{user}.substr(0, colon))
           && group_fits))
    throw refused{"User '" + user + "' does not match regex: " + place.path()
                  + " must match ^([a-z0-9_][a-z0-9_-]{0,30})$, with a group "
                    "of the same form after a colon if need be"};
  return user;
}

/// Takes the need from its old member or from the requirements.
int64_t choose_need(const json_place& container, const char* old_member,
                    std::optional<int64_t> old_value,
                    std::optional<int64_t> new_value, const char* type,
                    bool& in_old_form) {
  if (!old_value && !new_value)
    container.member(old_member)
        .fail(std::string{"must be given, best as an entry of "
                          "resourceRequirements with the type "}
              + type);
  if (old_value && new_value && *old_value != *new_value)
    throw refused{std::string{deprecated_key_conflict} + ": "
                  + container.member(old_member).path()
                  + " and resourceRequirements both set " + type};
  in_old_form = !new_value;
  return new_value ? *new_value : *old_value;
}

} // namespace

container_spec parse_container_properties(const json_place& place,
                                          bool is_fargate,
                                          const parse_context& context) {
  if (place.empty())
    throw refused{older_text("Container properties should not be empty: "
                             "containerProperties must be an object with at "
                             "least vCPUs and memory",
                             context.request_id)};
  container_spec spec;
  spec.command = place.member("command").texts();
  spec.environment = parse_environment(place.member("environment"), false);
  spec.user = parse_user(place.member("user"));
  spec.ulimits = parse_ulimits(place.member("ulimits"));
  auto needs = parse_requirements(place.member("resourceRequirements"));
  auto old_vcpus = place.member("vcpus").optional_integer(1, vcpus_max);
  if (old_vcpus)
    *old_vcpus *= 1000;
  auto old_memory = place.member("memory").optional_integer(
      limits::memory_mib_min, memory_mib_max);
  spec.needs.vcpu_milli =
      choose_need(place, "vcpus", old_vcpus, needs.vcpu_milli, "VCPU",
                  spec.vcpus_in_old_form);
  spec.needs.memory_mib =
      choose_need(place, "memory", old_memory, needs.memory_mib, "MEMORY",
                  spec.memory_in_old_form);
  spec.packaging_json = parse_packaging(place, is_fargate, context);
  return spec;
}

container_overrides parse_container_overrides(const json_place& place) {
  container_overrides overrides;
  if (place.absent())
    return overrides;
  auto command = place.member("command").texts();
  if (!command.empty())
    overrides.command = std::move(command);
  overrides.environment = parse_environment(place.member("environment"), true);
  auto needs = parse_requirements(place.member("resourceRequirements"));
  overrides.vcpu_milli = needs.vcpu_milli;
  overrides.memory_mib = needs.memory_mib;
  overrides.old_vcpus = place.member("vcpus").optional_integer(1, vcpus_max);
  overrides.old_memory_mib = place.member("memory").optional_integer(
      limits::memory_mib_min, memory_mib_max);
  return overrides;
}

void print_container_members(json_writer& json, const container_spec& spec) {
  if (spec.vcpus_in_old_form)
    json.member("vcpus", spec.needs.vcpu_milli / 1000);
  if (spec.memory_in_old_form)
    json.member("memory", spec.needs.memory_mib);
  json.member("command", spec.command);
  json.key("environment").begin_array();
  for (const auto& entry : spec.environment) {
    json.begin_object();
    json.member("name", entry.name);
    json.member("value", entry.value);
    json.end_object();
  }
  json.end_array();
  json.key("resourceRequirements").begin_array();
  auto requirement = [&](const char* type, const std::string& value) {
    json.begin_object();
    json.member("value", value);
    json.member("type", type);
    json.end_object();
  };
  if (!spec.vcpus_in_old_form)
    requirement("VCPU", print_thousandths(spec.needs.vcpu_milli));
  if (!spec.memory_in_old_form)
    requirement("MEMORY", std::to_string(spec.needs.memory_mib));
  json.end_array();
  json.key("ulimits").begin_array();
  for (const auto& entry : spec.ulimits) {
    json.begin_object();
    json.member("hardLimit", entry.hard);
    json.member("name", entry.name);
    json.member("softLimit", entry.soft);
    json.end_object();
  }
  json.end_array();
  if (!spec.user.empty())
    json.member("user", spec.user);
  json.splice(spec.packaging_json);
}

} // namespace berth::aws_batch
