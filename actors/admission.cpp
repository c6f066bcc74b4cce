#include "actors/admission.hpp"

#include "messages/limits.hpp"

#include <algorithm>

namespace berth {

namespace {

constexpr std::string_view reference_mark = "Ref::";

bool is_parameter_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
         || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/// Replaces every `Ref::name`; the name of the first one without a value ends
/// it.
std::optional<std::string>
substitute(std::string& word,
           const std::map<std::string, std::string>& parameters) {
  size_t at = 0;
  while ((at = word.find(reference_mark, at)) != std::string::npos) {
    auto start = at + reference_mark.size();
    auto end = start;
    while (end < word.size() && is_parameter_character(word[end]))
      ++end;
    auto name = word.substr(start, end - start);
    auto found = parameters.find(name);
    if (found == parameters.end())
      return name;
    word.replace(at, end - at, found->second);
    at += found->second.size();
  }
  return std::nullopt;
}

void merge_environment(std::vector<key_value>& base,
                       const std::vector<key_value>& overrides) {
  for (const auto& variable : overrides) {
    auto same = std::find_if(base.begin(), base.end(), [&](auto& existing) {
      return existing.name == variable.name;
    });
    if (same != base.end())
      same->value = variable.value;
    else
      base.push_back(variable);
  }
}

std::optional<api_error> override_needs(container_spec& container,
                                        const container_overrides& o) {
  if ((o.old_vcpus && !container.vcpus_in_old_form)
      || (o.old_memory_mib && !container.memory_in_old_form))
    return api_error{
        api_errc::invalid,
        "This value was submitted in a deprecated key and may conflict with "
        "resourceRequirements of the job definition: containerOverrides."
            + std::string(o.old_vcpus && !container.vcpus_in_old_form
                              ? "vcpus"
                              : "memory")
            + "; use containerOverrides.resourceRequirements"};
  auto& needs = container.needs;
  if (o.old_vcpus)
    needs.vcpu_milli = *o.old_vcpus * 1000;
  if (o.old_memory_mib)
    needs.memory_mib = *o.old_memory_mib;
  if (o.vcpu_milli) {
    needs.vcpu_milli = *o.vcpu_milli;
    container.vcpus_in_old_form = false;
  }
  if (o.memory_mib) {
    needs.memory_mib = *o.memory_mib;
    container.memory_in_old_form = false;
  }
  return std::nullopt;
}

/// Ids of jobs were checked for their form by the dialect; one that is none
/// belongs to no job.
std::optional<api_error> resolve_dependencies(const submit_job_request& asked,
                                              job_spec& spec) {
  for (const auto& wanted : asked.depends_on) {
    dependency d;
    d.kind = wanted.kind;
    if (wanted.job) {
      d.on = parse_job_key(*wanted.job);
      if (!d.on)
        return api_error{api_errc::invalid,
                         "dependsOn: job " + *wanted.job + " does not exist"};
    } else if (wanted.kind != dependency_kind::sequential) {
      return api_error{api_errc::invalid,
                       "dependsOn: jobId is required unless type is "
                       "SEQUENTIAL"};
    }
    if (spec.array_size == 0 && (!d.on || d.kind == dependency_kind::n_to_n))
      return api_error{
          api_errc::invalid,
          std::string("dependsOn: ")
              + (d.on ? "type N_TO_N" : "type SEQUENTIAL without a jobId")
              + " is for array jobs; give arrayProperties.size"};
    spec.depends_on.push_back(std::move(d));
  }
  return std::nullopt;
}

} // namespace

std::variant<admitted_submission, refused_submission>
admit(const catalog_actor& catalog, const account_region& owner,
      const submit_job_request& asked) {
  auto refuse = [](std::string message, bool may_be_stale = false) {
    return refused_submission{{api_errc::invalid, std::move(message)},
                              may_be_stale};
  };
  if (!is_valid_name(asked.name))
    return refuse("Job name should match valid pattern: jobName \"" + asked.name
                  + "\"");
  const auto* queue = catalog.find_queue(owner, asked.queue);
  if (queue == nullptr)
    return refuse("JobQueue " + asked.queue + " not found.", true);
  if (queue->settings.state == object_state::disabled
      || queue->status == object_status::deleting)
    return refuse("JobQueue " + asked.queue
                      + " is DISABLED: enable it before submitting jobs",
                  true);
  const auto* definition = catalog.find_definition(owner, asked.definition);
  if (definition == nullptr || !definition->active) {
    auto is_arn = asked.definition.starts_with("arn:");
    return refuse(is_arn ? "JobDefinition " + asked.definition + " not found."
                         : "JobDefinition name " + asked.definition
                               + " does not exist or is not in ACTIVE status",
                  true);
  }
  const auto& d = definition->settings;
  auto spec = std::make_shared<job_spec>();
  spec->name = asked.name;
  spec->definition_name = d.name;
  spec->definition_revision = definition->revision;
  spec->parameters = asked.parameters;
  spec->parameters.insert(d.parameters.begin(), d.parameters.end());
  spec->container = d.container;
  if (asked.overrides.command)
    spec->container.command = *asked.overrides.command;
  merge_environment(spec->container.environment, asked.overrides.environment);
  if (auto error = override_needs(spec->container, asked.overrides))
    return refused_submission{*error, false};
  for (auto& word : spec->container.command)
    if (auto missing = substitute(word, spec->parameters))
      return refuse("Unable to substitute value. No parameter found for "
                    "reference "
                    + *missing);
  auto retry = asked.retry ? asked.retry : d.retry;
  spec->retry = retry.value_or(retry_strategy{});
  spec->retry_given = retry.has_value();
  spec->timeout_ms = asked.timeout_ms ? asked.timeout_ms : d.timeout_ms;
  spec->array_size = asked.array_size;
  if (auto error = resolve_dependencies(asked, *spec))
    return refused_submission{*error, false};
  spec->propagate_tags =
      asked.propagate_tags.value_or(d.propagate_tags.value_or(false));
  spec->tags = asked.tags;
  spec->platform_capabilities = d.platform_capabilities;
  return admitted_submission{queue->uid, queue->shard, std::move(spec)};
}

} // namespace berth
