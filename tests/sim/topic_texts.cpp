#include "tests/sim/topic_texts.hpp"

#include <nlohmann/json.hpp>

namespace berth::sim {

namespace {

using nlohmann::json;

/// `0.25`
std::string vcpus_of(int64_t milli) {
  auto text = std::to_string(milli / 1000);
  auto rest = std::to_string(1000 + milli % 1000).substr(1);
  return milli % 1000 == 0 ? text : text + "." + rest;
}

json requirements_of(const container_overrides& o) {
  json all = json::array();
  if (o.vcpu_milli)
    all.push_back({{"type", "VCPU"}, {"value", vcpus_of(*o.vcpu_milli)}});
  if (o.memory_mib)
    all.push_back(
        {{"type", "MEMORY"}, {"value", std::to_string(*o.memory_mib)}});
  return all;
}

json retry_of(const retry_strategy& s) {
  json retry{{"attempts", s.attempts}};
  for (const auto& rule : s.rules) {
    json one{{"action", rule.action == retry_action::exit ? "EXIT" : "RETRY"}};
    if (rule.on_exit_code)
      one["onExitCode"] = *rule.on_exit_code;
    retry["evaluateOnExit"].push_back(std::move(one));
  }
  return retry;
}

json dependency_of(const requested_dependency& d) {
  json one = json::object();
  if (d.job)
    one["jobId"] = *d.job;
  if (d.kind == dependency_kind::n_to_n)
    one["type"] = "N_TO_N";
  if (d.kind == dependency_kind::sequential)
    one["type"] = "SEQUENTIAL";
  return one;
}

/// What anything may contain by chance.
constexpr size_t telling_size_min = 4;

json read_submission(std::string_view record) {
  auto all = json::parse(record, nullptr, false);
  return all.is_object() ? all : json::from_msgpack(record, true, false);
}

bool names_part(const std::string& text, const json& of) {
  auto has = [&](const std::string& word) {
    return word.size() >= telling_size_min
           && text.find(word) != std::string::npos;
  };
  if (of.is_string())
    return has(of.get<std::string>());
  if (!of.is_structured())
    return false;
  for (const auto& [name, part] : of.items())
    if ((of.is_object() && has(name)) || names_part(text, part))
      return true;
  return false;
}

} // namespace

std::string text_of_submission(const submit_job_request& what,
                               const account_region& owner, bool as_msgpack) {
  json all{{"account", owner.account},
           {"region", owner.region},
           {"jobName", what.name},
           {"jobQueue", what.queue},
           {"jobDefinition", what.definition},
           {"containerOverrides",
            {{"resourceRequirements", requirements_of(what.overrides)}}}};
  if (what.retry)
    all["retryStrategy"] = retry_of(*what.retry);
  if (what.array_size > 0)
    all["arrayProperties"]["size"] = what.array_size;
  for (const auto& d : what.depends_on)
    all["dependsOn"].push_back(dependency_of(d));
  if (!as_msgpack)
    return all.dump();
  auto bytes = json::to_msgpack(all);
  return {bytes.begin(), bytes.end()};
}

std::string name_of_submission(std::string_view record) {
  auto all = read_submission(record);
  if (!all.is_object())
    return {};
  auto name = all.find("jobName");
  return name != all.end() && name->is_string() ? name->get<std::string>() : "";
}

bool concerns_submission(const std::string& text, std::string_view record) {
  auto all = read_submission(record);
  auto says = [&](const char* word) {
    return text.find(word) != std::string::npos;
  };
  return all.is_object() ? names_part(text, all)
                         : says("the submission ") || says("is not JSON");
}

std::optional<published_change> read_change(std::string_view text) {
  auto all = json::parse(text, nullptr, false);
  if (!all.is_object())
    return std::nullopt;
  published_change c;
  const auto& sequence = all["sequence"];
  c.shard = shard_id{sequence.value("shard", 0U)};
  c.offset = sequence.value("offset", log_offset{-1});
  c.number = sequence.value("number", uint64_t{0});
  c.id = all.value("id", "");
  const auto& detail = all["detail"];
  c.job = detail.value("jobId", "");
  c.name = detail.value("jobName", "");
  c.status = detail.value("status", "");
  if (auto array = detail.find("arrayProperties"); array != detail.end())
    c.array_size = array->value("size", 0U);
  return c;
}

std::optional<published_rejection> read_rejection(std::string_view text) {
  auto all = json::parse(text, nullptr, false);
  if (!all.is_object())
    return std::nullopt;
  published_rejection r;
  r.reason = all.value("reason", "");
  r.topic = all.value("topic", "");
  r.partition = all.value("partition", 0U);
  r.offset = all.value("offset", log_offset{-1});
  if (auto original = all.find("original");
      original != all.end() && original->is_string())
    r.original = original->get<std::string>();
  if (auto bytes = all.find("originalBase64");
      bytes != all.end() && bytes->is_string())
    r.original_base64 = bytes->get<std::string>();
  return r;
}

} // namespace berth::sim
