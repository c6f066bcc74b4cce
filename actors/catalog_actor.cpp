#include "actors/catalog_actor.hpp"

#include "messages/assert.hpp"
#include "messages/catalog_rows.hpp"
#include "messages/codec.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <charconv>

namespace berth {

namespace {

// Every key of the catalog starts with `c`; its kind follows.
constexpr std::string_view counter_key = "c/counter";
constexpr std::string_view environment_prefix = "c/e/";
constexpr std::string_view queue_prefix = "c/q/";
constexpr std::string_view definition_prefix = "c/d/";
constexpr std::string_view answer_prefix = "c/r/";
constexpr std::string_view freed_name_prefix = "c/f/";

std::string padded(uint64_t number) {
  auto digits = std::to_string(number);
  return std::string(20 - digits.size(), '0') + digits;
}

std::string environment_key(environment_uid uid) {
  return std::string(environment_prefix) + padded(uid.value);
}

std::string queue_key(queue_uid uid) {
  return std::string(queue_prefix) + padded(uid.value);
}

std::string definition_key(const definition_object& d) {
  return std::string(definition_prefix) + d.owner.account + "/" + d.owner.region
         + "/" + d.settings.name + "/" + padded(d.revision);
}

std::string freed_name_key(const account_region& owner, const std::string& name,
                           shard_id shard) {
  return std::string(freed_name_prefix) + owner.account + "/" + owner.region
         + "/" + name + "/" + padded(shard.value);
}

/// The name within an ARN of `kind` that belongs to `owner`, or the text
/// itself when it is no ARN; nothing when the ARN is somebody else's.
std::optional<std::string> own_name(const account_region& owner,
                                    resource_kind kind, std::string_view text) {
  if (!text.starts_with("arn:"))
    return std::string(text);
  auto arn = parse_arn(text);
  if (!arn || arn->kind != kind || arn->owner != owner)
    return std::nullopt;
  return arn->name;
}

struct definition_reference {
  std::string name;
  std::optional<uint32_t> revision;
};

std::optional<definition_reference> parse_reference(std::string text) {
  auto colon = text.find(':');
  if (colon == std::string::npos)
    return definition_reference{std::move(text), std::nullopt};
  uint32_t revision = 0;
  const auto* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data() + colon + 1, end, revision);
  if (error != std::errc{} || rest != end)
    return std::nullopt;
  return definition_reference{text.substr(0, colon), revision};
}

} // namespace

const environment_object*
catalog_actor::find_environment(const account_region& owner,
                                std::string_view text) const {
  auto name = own_name(owner, resource_kind::compute_environment, text);
  if (!name)
    return nullptr;
  auto found = environment_names_.find({owner, *name});
  return found == environment_names_.end() ? nullptr
                                           : find_environment(found->second);
}

const environment_object*
catalog_actor::find_environment(environment_uid uid) const {
  auto found = environments_.find(uid);
  return found == environments_.end() ? nullptr : &found->second;
}

const queue_object* catalog_actor::find_queue(const account_region& owner,
                                              std::string_view text) const {
  auto name = own_name(owner, resource_kind::job_queue, text);
  if (!name)
    return nullptr;
  auto found = queue_names_.find({owner, *name});
  return found == queue_names_.end() ? nullptr : find_queue(found->second);
}

const queue_object* catalog_actor::find_queue(queue_uid uid) const {
  auto found = queues_.find(uid);
  return found == queues_.end() ? nullptr : &found->second;
}

std::vector<shard_id>
catalog_actor::former_shards(const queue_object& queue) const {
  owned_name name{queue.owner, queue.settings.name};
  std::vector<shard_id> shards;
  for (auto at = freed_names_.lower_bound({name, shard_id{0}});
       at != freed_names_.end() && at->first.first == name; ++at)
    if (at->first.second != queue.shard)
      shards.push_back(at->first.second);
  return shards;
}

const definition_object*
catalog_actor::find_definition(const account_region& owner,
                               std::string_view text) const {
  auto name = own_name(owner, resource_kind::job_definition, text);
  auto reference = name ? parse_reference(*name) : std::nullopt;
  if (!reference)
    return nullptr;
  auto found = definitions_.find({owner, reference->name});
  if (found == definitions_.end())
    return nullptr;
  if (reference->revision) {
    auto revision = found->second.find(*reference->revision);
    return revision == found->second.end() ? nullptr : &revision->second;
  }
  for (auto i = found->second.rbegin(); i != found->second.rend(); ++i)
    if (i->second.active)
      return &i->second;
  return nullptr;
}

std::vector<const definition_object*>
catalog_actor::revisions_of(const owned_name& name) const {
  std::vector<const definition_object*> all;
  if (auto found = definitions_.find(name); found != definitions_.end())
    for (const auto& [revision, object] : found->second)
      all.push_back(&object);
  return all;
}

template <class T>
void catalog_actor::changed(const std::string& key, const T& object) {
  changed_rows_[key] = encode(object);
}

void catalog_actor::apply(const environment_created& e) {
  last_uid_ = std::max(last_uid_, e.object->uid.value);
  environment_names_[{e.object->owner, e.object->settings.name}] =
      e.object->uid;
  environments_[e.object->uid] = *e.object;
  changed(environment_key(e.object->uid), *e.object);
  changed(std::string(counter_key), catalog_counter_row{last_uid_});
}

void catalog_actor::apply(const environment_updated& e) {
  environments_[e.object->uid] = *e.object;
  changed(environment_key(e.object->uid), *e.object);
}

void catalog_actor::apply(const environment_deleted& e) {
  auto found = environments_.find(e.uid);
  if (found == environments_.end())
    return;
  environment_names_.erase({found->second.owner, found->second.settings.name});
  environments_.erase(found);
  changed_rows_[environment_key(e.uid)] = std::nullopt;
}

void catalog_actor::apply(const queue_created& e) {
  last_uid_ = std::max(last_uid_, e.object->uid.value);
  queue_names_[{e.object->owner, e.object->settings.name}] = e.object->uid;
  queues_[e.object->uid] = *e.object;
  changed(queue_key(e.object->uid), *e.object);
  changed(std::string(counter_key), catalog_counter_row{last_uid_});
}

void catalog_actor::apply(const queue_updated& e) {
  queues_[e.object->uid] = *e.object;
  changed(queue_key(e.object->uid), *e.object);
}

void catalog_actor::apply(const queue_deleted& e) {
  auto found = queues_.find(e.uid);
  if (found == queues_.end())
    return;
  queue_names_.erase({found->second.owner, found->second.settings.name});
  queues_.erase(found);
  changed_rows_[queue_key(e.uid)] = std::nullopt;
}

void catalog_actor::apply(const definition_registered& e) {
  definitions_[{e.object->owner, e.object->settings.name}][e.object->revision] =
      *e.object;
  changed(definition_key(*e.object), *e.object);
}

void catalog_actor::apply(const definition_deregistered& e) {
  auto found = definitions_.find({e.owner, e.name});
  if (found == definitions_.end())
    return;
  auto revision = found->second.find(e.revision);
  if (revision == found->second.end())
    return;
  revision->second.active = false;
  changed(definition_key(revision->second), revision->second);
}

void catalog_actor::apply(const object_tagged& e) {
  if (e.what.kind == resource_kind::compute_environment) {
    auto name = environment_names_.find({e.what.owner, e.what.name});
    if (name == environment_names_.end())
      return;
    auto& object = environments_.at(name->second);
    object.tags = e.tags;
    changed(environment_key(object.uid), object);
  } else if (e.what.kind == resource_kind::job_queue) {
    auto name = queue_names_.find({e.what.owner, e.what.name});
    if (name == queue_names_.end())
      return;
    auto& object = queues_.at(name->second);
    object.tags = e.tags;
    changed(queue_key(object.uid), object);
  } else if (auto reference = parse_reference(e.what.name);
             reference && reference->revision) {
    auto name = definitions_.find({e.what.owner, reference->name});
    if (name == definitions_.end())
      return;
    auto object = name->second.find(*reference->revision);
    if (object == name->second.end())
      return;
    object->second.tags = e.tags;
    changed(definition_key(object->second), object->second);
  }
}

void catalog_actor::apply(const request_answered& e) {
  auto [entry, fresh] =
      answers_.try_emplace(e.request_key, remembered{*e.answer, e.at_ms});
  if (!fresh)
    return;
  answers_by_time_.emplace(e.at_ms, e.request_key);
  changed(std::string(answer_prefix) + e.request_key, e);
}

void catalog_actor::apply(const queue_name_freed& e) {
  std::pair<owned_name, shard_id> key{{e.owner, e.name}, e.shard};
  if (auto known = freed_names_.find(key); known != freed_names_.end())
    freed_names_by_time_.erase({known->second, key});
  freed_names_[key] = e.at_ms;
  freed_names_by_time_.emplace(e.at_ms, key);
  changed(freed_name_key(e.owner, e.name, e.shard), e);
}

void catalog_actor::apply(const requests_forgotten& e) {
  while (!answers_by_time_.empty()
         && answers_by_time_.begin()->first < e.before_ms) {
    const auto& key = answers_by_time_.begin()->second;
    answers_.erase(key);
    changed_rows_[std::string(answer_prefix) + key] = std::nullopt;
    answers_by_time_.erase(answers_by_time_.begin());
  }
  while (!freed_names_by_time_.empty()
         && freed_names_by_time_.begin()->first < e.before_ms) {
    const auto& key = freed_names_by_time_.begin()->second;
    changed_rows_[freed_name_key(key.first.first, key.first.second,
                                 key.second)] = std::nullopt;
    freed_names_.erase(key);
    freed_names_by_time_.erase(freed_names_by_time_.begin());
  }
}

void catalog_actor::cut_checkpoint(
    std::map<std::string, std::optional<std::string>>& rows) {
  rows.merge(changed_rows_);
  changed_rows_.clear();
}

row_range catalog_actor::rows() {
  return {"c/", "c0", SIZE_MAX, false};
}

bool catalog_actor::load_row(std::string_view key, std::string_view bytes) {
  auto take = [&]<class Event, class Object>(std::type_identity<Event>,
                                             std::type_identity<Object>) {
    if (auto object = decode<Object>(bytes))
      apply(Event{std::move(*object)});
  };
  if (key == counter_key) {
    if (auto row = decode<catalog_counter_row>(bytes))
      last_uid_ = row->last_uid;
  } else if (key.starts_with(environment_prefix)) {
    take(std::type_identity<environment_created>{},
         std::type_identity<environment_object>{});
  } else if (key.starts_with(queue_prefix)) {
    take(std::type_identity<queue_created>{},
         std::type_identity<queue_object>{});
  } else if (key.starts_with(definition_prefix)) {
    take(std::type_identity<definition_registered>{},
         std::type_identity<definition_object>{});
  } else if (key.starts_with(answer_prefix)) {
    if (auto answered = decode<request_answered>(bytes))
      apply(*answered);
  } else if (key.starts_with(freed_name_prefix)) {
    if (auto freed = decode<queue_name_freed>(bytes))
      apply(*freed);
  } else {
    return false;
  }
  // What was just loaded is in the store already.
  changed_rows_.clear();
  return true;
}

void catalog_actor::check_invariants() const {
  BERTH_ASSERT(environment_names_.size() == environments_.size(),
               "every environment has one name");
  for (const auto& [name, uid] : environment_names_)
    BERTH_ASSERT(environments_.at(uid).settings.name == name.second
                     && environments_.at(uid).owner == name.first,
                 "an environment's name leads to it");
  BERTH_ASSERT(queue_names_.size() == queues_.size(),
               "every queue has one name");
  for (const auto& [name, uid] : queue_names_)
    BERTH_ASSERT(queues_.at(uid).settings.name == name.second
                     && queues_.at(uid).owner == name.first,
                 "a queue's name leads to it");
  for (const auto& [uid, queue] : queues_)
    for (const auto& entry : queue.settings.environments)
      BERTH_ASSERT(environments_.count(entry.environment) == 1,
                   "a queue's environments exist");
  BERTH_ASSERT(answers_.size() == answers_by_time_.size(),
               "remembered answers are ordered by time");
  BERTH_ASSERT(freed_names_.size() == freed_names_by_time_.size(),
               "freed names are ordered by time");
}

void catalog_actor::add_to(state_hash& hash) const {
  hash.add("catalog.last_uid", std::to_string(last_uid_));
  for (const auto& [uid, object] : environments_)
    hash.add("catalog.environment", encode(object));
  for (const auto& [uid, object] : queues_)
    hash.add("catalog.queue", encode(object));
  for (const auto& [name, revisions] : definitions_)
    for (const auto& [revision, object] : revisions)
      hash.add("catalog.definition", encode(object));
  for (const auto& [key, kept] : answers_)
    hash.add("catalog.answer",
             encode(request_answered{key, kept.answer, kept.at_ms}));
  for (const auto& [key, at_ms] : freed_names_)
    hash.add("catalog.freed_name",
             encode(queue_name_freed{key.first.first, key.first.second,
                                     key.second, at_ms}));
}

} // namespace berth
