// What the catalog decides: one function per request.

#include "actors/catalog_actor.hpp"
#include "messages/assert.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <set>

namespace berth {

namespace {

api_error invalid(std::string message) {
  return {api_errc::invalid, std::move(message)};
}

api_error no_environment(const std::string& name) {
  return invalid("compute-environment/" + name + " does not exist");
}

api_error no_queue(const std::string& name) {
  return invalid("job-queue/" + name + " does not exist");
}

std::string arn_of(const environment_object& e) {
  return make_arn(e.owner, resource_kind::compute_environment, e.settings.name);
}

std::string arn_of(const queue_object& q) {
  return make_arn(q.owner, resource_kind::job_queue, q.settings.name);
}

std::string arn_of(const definition_object& d) {
  return make_arn(d.owner, resource_kind::job_definition,
                  d.settings.name + ":" + std::to_string(d.revision));
}

std::optional<api_error> check_tags(const tag_map& tags) {
  if (tags.size() > limits::tags_max)
    return invalid("tags: Member must have length less than or equal to "
                   + std::to_string(limits::tags_max) + ", not "
                   + std::to_string(tags.size()));
  return std::nullopt;
}

std::optional<api_error> check_vcpus(const environment_settings& s) {
  if (s.type != environment_type::managed)
    return std::nullopt;
  if (s.min_vcpus < 0 || s.max_vcpus < s.min_vcpus)
    return invalid("computeResources.minvCpus must be between 0 and maxvCpus ("
                   + std::to_string(s.max_vcpus) + "), not "
                   + std::to_string(s.min_vcpus));
  return std::nullopt;
}

} // namespace

/// One decision: the catalog as it is, the caller, and where to put what comes
/// of it. Each `on` returns the answer.
class catalog_decisions {
public:
  catalog_decisions(const catalog_actor& catalog, const account_region& owner,
                    const decision_context& context, draft& out)
      : catalog_(catalog), owner_(owner), context_(context), out_(out) {}

  result on(const create_environment_request& r) {
    if (!is_valid_name(r.settings.name))
      return invalid("computeEnvironmentName: Provided name " + r.settings.name
                     + " is not supported pattern[a-zA-Z_0-9-]{1,128}");
    if (catalog_.environment_names_.count({owner_, r.settings.name}) != 0)
      return invalid("Object already exists: compute-environment/"
                     + r.settings.name);
    if (auto error = check_vcpus(r.settings))
      return *error;
    if (auto error = check_tags(r.tags))
      return *error;
    environment_object object{environment_uid{catalog_.last_uid_ + 1},
                              owner_,
                              shard_for_environment(),
                              r.settings,
                              r.tags,
                              object_status::valid,
                              context_.now_ms};
    out_.emit(environment_created{object});
    out_.send(object.shard, configure_environment{object});
    return response{object_response{object.settings.name, arn_of(object), 0}};
  }

  result on(const update_environment_request& r) {
    const auto* found = catalog_.find_environment(owner_, r.environment);
    if (found == nullptr)
      return no_environment(r.environment);
    auto object = *found;
    auto& s = object.settings;
    s.state = r.state.value_or(s.state);
    s.min_vcpus = r.min_vcpus.value_or(s.min_vcpus);
    s.max_vcpus = r.max_vcpus.value_or(s.max_vcpus);
    s.desired_vcpus = r.desired_vcpus.value_or(s.desired_vcpus);
    if (r.unmanaged_vcpus)
      s.unmanaged_vcpus = r.unmanaged_vcpus;
    if (!r.details_json.empty())
      s.details_json = r.details_json;
    if (auto error = check_vcpus(s))
      return *error;
    out_.emit(environment_updated{object});
    out_.send(object.shard, configure_environment{object});
    return response{object_response{s.name, arn_of(object), 0}};
  }

  result on(const delete_environment_request& r) {
    const auto* found = catalog_.find_environment(owner_, r.environment);
    if (found == nullptr)
      return no_environment(r.environment);
    if (found->settings.state != object_state::disabled)
      return invalid("Cannot delete, compute-environment/"
                     + found->settings.name
                     + " must be DISABLED first (UpdateComputeEnvironment)");
    for (const auto& [uid, queue] : catalog_.queues_)
      for (const auto& entry : queue.settings.environments)
        if (entry.environment == found->uid)
          return invalid("Cannot delete, found existing JobQueue relationship: "
                         "job-queue/"
                         + queue.settings.name);
    out_.emit(environment_deleted{found->uid});
    out_.send(found->shard, remove_environment{found->uid});
    return response{done_response{}};
  }

  result on(const create_queue_request& r) {
    if (!is_valid_name(r.name))
      return invalid("jobQueueName: Provided name " + r.name
                     + " is not supported pattern[a-zA-Z_0-9-]{1,128}");
    if (catalog_.queue_names_.count({owner_, r.name}) != 0)
      return invalid("job-queue/" + r.name + " already exists");
    if (auto error = check_tags(r.tags))
      return *error;
    queue_object object;
    if (auto error =
            resolve_order(r.environments, object.settings.environments))
      return *error;
    object.uid = queue_uid{catalog_.last_uid_ + 1};
    object.owner = owner_;
    object.shard = catalog_.environments_
                       .at(object.settings.environments.front().environment)
                       .shard;
    object.settings.name = r.name;
    object.settings.state = r.state;
    object.settings.priority = r.priority;
    object.tags = r.tags;
    object.created_ms = context_.now_ms;
    out_.emit(queue_created{object});
    tell_queue(object);
    return response{object_response{r.name, arn_of(object), 0}};
  }

  result on(const update_queue_request& r) {
    const auto* found = catalog_.find_queue(owner_, r.queue);
    if (found == nullptr)
      return no_queue(r.queue);
    if (found->status == object_status::deleting)
      return invalid("job-queue/" + found->settings.name
                     + " is being modified: it is being deleted");
    auto object = *found;
    object.settings.state = r.state.value_or(object.settings.state);
    object.settings.priority = r.priority.value_or(object.settings.priority);
    if (r.environments) {
      object.settings.environments.clear();
      if (auto error =
              resolve_order(*r.environments, object.settings.environments))
        return *error;
    }
    out_.emit(queue_updated{object});
    tell_queue(object);
    return response{object_response{object.settings.name, arn_of(object), 0}};
  }

  result on(const delete_queue_request& r) {
    const auto* found = catalog_.find_queue(owner_, r.queue);
    if (found == nullptr)
      return no_queue(r.queue);
    if (found->status == object_status::deleting)
      return response{done_response{}};
    if (found->settings.state != object_state::disabled)
      return invalid("Cannot delete, job-queue/" + found->settings.name
                     + " must be DISABLED first (UpdateJobQueue)");
    auto object = *found;
    object.status = object_status::deleting;
    out_.emit(queue_updated{object});
    out_.send(object.shard, remove_queue{object.uid});
    return response{done_response{}};
  }

  result on(const register_definition_request& r) {
    if (!is_valid_name(r.settings.name))
      return invalid("jobDefinitionName: Provided name " + r.settings.name
                     + " is not supported pattern[a-zA-Z_0-9-]{1,128}");
    if (auto error = check_tags(r.tags))
      return *error;
    auto revisions = catalog_.revisions_of({owner_, r.settings.name});
    definition_object object;
    object.owner = owner_;
    object.revision = revisions.empty() ? 1 : revisions.back()->revision + 1;
    object.settings = r.settings;
    object.tags = r.tags;
    object.registered_ms = context_.now_ms;
    out_.emit(definition_registered{object});
    return response{
        object_response{r.settings.name, arn_of(object), object.revision}};
  }

  result on(const deregister_definition_request& r) {
    const auto* found = catalog_.find_definition(owner_, r.definition);
    if (found == nullptr)
      return invalid("job-definition/" + r.definition + " does not exist");
    if (found->active)
      out_.emit(definition_deregistered{owner_, found->settings.name,
                                        found->revision, context_.now_ms});
    return response{done_response{}};
  }

  result on(const tag_resource_request& r) {
    return change_tags(r.arn, [&](tag_map& tags) {
      for (const auto& [key, value] : r.tags)
        tags[key] = value;
    });
  }

  result on(const untag_resource_request& r) {
    return change_tags(r.arn, [&](tag_map& tags) {
      for (const auto& key : r.keys)
        tags.erase(key);
    });
  }

  template <class Question>
  result on(const Question&) {
    return api_error{api_errc::internal, "not a mutation of the catalog"};
  }

private:
  /// The shard with the fewest environments; the first of those.
  shard_id shard_for_environment() const {
    auto count = catalog_.options_.shard_count;
    auto first = std::min(catalog_.options_.first_environment_shard, count - 1);
    std::vector<size_t> load(count, 0);
    for (const auto& [uid, object] : catalog_.environments_)
      if (object.shard.value < count)
        ++load[object.shard.value];
    auto least = std::min_element(load.begin() + first, load.end());
    return shard_id{static_cast<uint32_t>(least - load.begin())};
  }

  std::optional<api_error>
  resolve_order(const std::vector<requested_environment_order>& asked,
                std::vector<ordered_environment>& order) const {
    if (asked.empty() || asked.size() > limits::environments_per_queue_max)
      return invalid("computeEnvironmentOrder must have 1 to "
                     + std::to_string(limits::environments_per_queue_max)
                     + " entries, not " + std::to_string(asked.size()));
    std::set<environment_uid> seen;
    for (const auto& entry : asked) {
      const auto* found = catalog_.find_environment(owner_, entry.environment);
      if (found == nullptr)
        return invalid("compute-environment/" + entry.environment
                       + " does not exist: it must be created and valid before "
                         "attaching to a job queue");
      if (!seen.insert(found->uid).second)
        return invalid("computeEnvironmentOrder names compute-environment/"
                       + found->settings.name + " twice");
      order.push_back({entry.order, found->uid});
    }
    std::stable_sort(order.begin(), order.end(),
                     [](auto& a, auto& b) { return a.order < b.order; });
    return std::nullopt;
  }

  void tell_queue(const queue_object& object) {
    configure_queue message{object, {}};
    for (const auto& entry : object.settings.environments) {
      const auto& environment = catalog_.environments_.at(entry.environment);
      message.environments.push_back(
          {environment.uid, environment.shard, environment.settings.name});
    }
    out_.send(object.shard, std::move(message));
  }

  template <class Change>
  result change_tags(const std::string& text, Change change) {
    auto arn = parse_arn(text);
    if (!arn || arn->owner != owner_)
      return invalid("resourceArn: " + text + " does not exist");
    const tag_map* tags = nullptr;
    if (arn->kind == resource_kind::compute_environment) {
      if (const auto* found = catalog_.find_environment(owner_, text))
        tags = &found->tags;
    } else if (arn->kind == resource_kind::job_queue) {
      if (const auto* found = catalog_.find_queue(owner_, text))
        tags = &found->tags;
    } else if (const auto* found = catalog_.find_definition(owner_, text)) {
      arn->name = found->settings.name + ":" + std::to_string(found->revision);
      tags = &found->tags;
    }
    if (tags == nullptr)
      return invalid("resourceArn: " + text + " does not exist");
    auto changed = *tags;
    change(changed);
    if (auto error = check_tags(changed))
      return *error;
    if (changed != *tags)
      out_.emit(object_tagged{*arn, changed});
    return response{done_response{}};
  }

  const catalog_actor& catalog_;
  const account_region& owner_;
  const decision_context& context_;
  draft& out_;
};

void catalog_actor::decide(call_token token, const catalog_call& call,
                           const decision_context& context, draft& out) const {
  const auto& who = call.who;
  std::string key;
  if (!who.invocation_id.empty()) {
    key = who.owner.account + "/" + who.owner.region + "/" + who.invocation_id
          + "/" + who.body_hash;
    if (auto known = answers_.find(key); known != answers_.end()) {
      out.answer(token, known->second.answer);
      return;
    }
  }
  catalog_decisions decisions{*this, who.owner, context, out};
  auto answer =
      std::visit([&](const auto& r) { return decisions.on(r); }, *call.what);
  // A refusal changed nothing, so a repeat may be decided afresh.
  if (const auto* good = std::get_if<response>(&answer);
      good != nullptr && !key.empty()
      && answers_.size() < limits::request_memory_max)
    out.emit(request_answered{key, *good, context.now_ms});
  out.answer(token, std::move(answer));
}

void catalog_actor::decide(const queue_gone& message,
                           const decision_context& context, draft& out) const {
  const auto* queue = find_queue(message.uid);
  if (queue == nullptr)
    return;
  if (options_.shard_count > 1
      && freed_names_.size() < limits::request_memory_max)
    out.emit(queue_name_freed{queue->owner, queue->settings.name, queue->shard,
                              context.now_ms});
  out.emit(queue_deleted{message.uid});
}

std::optional<int64_t> catalog_actor::next_due_ms() const {
  std::optional<int64_t> oldest;
  if (!answers_by_time_.empty())
    oldest = answers_by_time_.begin()->first;
  if (!freed_names_by_time_.empty())
    oldest = std::min(oldest.value_or(INT64_MAX),
                      freed_names_by_time_.begin()->first);
  if (!oldest)
    return std::nullopt;
  return *oldest + limits::request_memory_ms;
}

void catalog_actor::advance(const decision_context& context, draft& out) const {
  if (auto due = next_due_ms(); due && *due <= context.now_ms)
    out.emit(
        requests_forgotten{context.now_ms - limits::request_memory_ms + 1});
}

} // namespace berth
