// What the catalog answers: listings by name, a page at a time.

#include "actors/catalog_actor.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace berth {

namespace {

// A page token is this, then the key of the last entry of the page before it.
constexpr std::string_view token_prefix = "berth-1:";

struct page {
  size_t size = 0;
  /// Entries up to this key have been given.
  std::string after;
};

std::variant<page, api_error> parse_page(const page_request& asked) {
  page p;
  p.size = asked.max_results == 0
               ? limits::page_size_max
               : std::min<size_t>(asked.max_results, limits::page_size_max);
  if (asked.token.empty())
    return p;
  if (!asked.token.starts_with(token_prefix))
    return api_error{api_errc::invalid,
                     "nextToken: " + asked.token
                         + " is not a token that an earlier answer gave"};
  p.after = asked.token.substr(token_prefix.size());
  return p;
}

/// Fills one page from `all`, which is ordered by key.
template <class Object, class Out>
std::string fill_page(const std::vector<std::pair<std::string, Object>>& all,
                      const page& p, Out out) {
  auto next = std::upper_bound(
      all.begin(), all.end(), p.after,
      [](const auto& key, const auto& entry) { return key < entry.first; });
  size_t count = 0;
  for (; next != all.end() && count < p.size; ++next, ++count)
    out(next->second);
  if (next == all.end() || count == 0)
    return {};
  return std::string(token_prefix) + std::prev(next)->first;
}

std::string revision_key(const definition_object& d) {
  auto digits = std::to_string(d.revision);
  return d.settings.name + ":" + std::string(10 - digits.size(), '0') + digits;
}

} // namespace

bool catalog_actor::is_question(const request& what) {
  return std::holds_alternative<describe_environments_request>(what)
         || std::holds_alternative<describe_queues_request>(what)
         || std::holds_alternative<describe_definitions_request>(what)
         || std::holds_alternative<list_tags_request>(what);
}

namespace {

class catalog_questions {
public:
  catalog_questions(const catalog_actor& catalog, const account_region& owner)
      : catalog_(catalog), owner_(owner) {}

  result on(const describe_environments_request& r) const {
    std::vector<std::pair<std::string, const environment_object*>> found;
    if (r.environments.empty()) {
      for (const auto& [uid, object] : catalog_.environments())
        if (object.owner == owner_)
          found.emplace_back(object.settings.name, &object);
    } else {
      for (const auto& name : r.environments)
        if (const auto* object = catalog_.find_environment(owner_, name))
          found.emplace_back(object->settings.name, object);
    }
    return fill<environments_response>(r.page, std::move(found),
                                       [](auto& answer, auto* object) {
                                         answer.environments.push_back(*object);
                                       });
  }

  result on(const describe_queues_request& r) const {
    std::vector<std::pair<std::string, const queue_object*>> found;
    if (r.queues.empty()) {
      for (const auto& [uid, object] : catalog_.queues())
        if (object.owner == owner_)
          found.emplace_back(object.settings.name, &object);
    } else {
      for (const auto& name : r.queues)
        if (const auto* object = catalog_.find_queue(owner_, name))
          found.emplace_back(object->settings.name, object);
    }
    return fill<queues_response>(
        r.page, std::move(found), [this](auto& answer, auto* object) {
          queue_view view{*object, {}};
          for (const auto& entry : object->settings.environments)
            view.arns.push_back(make_arn(
                owner_, resource_kind::compute_environment,
                catalog_.find_environment(entry.environment)->settings.name));
          answer.queues.push_back(std::move(view));
        });
  }

  result on(const list_tags_request& r) const {
    const tag_map* tags = nullptr;
    auto arn = parse_arn(r.arn);
    if (!arn || arn->owner != owner_) {
      tags = nullptr;
    } else if (arn->kind == resource_kind::compute_environment) {
      if (const auto* object = catalog_.find_environment(owner_, r.arn))
        tags = &object->tags;
    } else if (arn->kind == resource_kind::job_queue) {
      if (const auto* object = catalog_.find_queue(owner_, r.arn))
        tags = &object->tags;
    } else if (arn->kind == resource_kind::job_definition) {
      if (const auto* object = catalog_.find_definition(owner_, r.arn))
        tags = &object->tags;
    }
    if (tags == nullptr)
      return api_error{api_errc::invalid,
                       "resourceArn: " + r.arn + " does not exist"};
    return response{tags_response{*tags}};
  }

  template <class Answer, class Found, class Put>
  static result fill(const page_request& asked, Found found, Put put) {
    auto parsed = parse_page(asked);
    if (const auto* error = std::get_if<api_error>(&parsed))
      return *error;
    std::sort(found.begin(), found.end(),
              [](auto& a, auto& b) { return a.first < b.first; });
    found.erase(
        std::unique(found.begin(), found.end(),
                    [](auto& a, auto& b) { return a.first == b.first; }),
        found.end());
    Answer answer;
    answer.next_token =
        fill_page(found, std::get<page>(parsed),
                  [&](const auto* object) { put(answer, object); });
    return response{std::move(answer)};
  }

private:
  const catalog_actor& catalog_;
  const account_region& owner_;
};

} // namespace

result catalog_actor::answer(const catalog_call& call) const {
  catalog_questions questions{*this, call.who.owner};
  if (const auto* r = std::get_if<describe_environments_request>(&*call.what))
    return questions.on(*r);
  if (const auto* r = std::get_if<describe_queues_request>(&*call.what))
    return questions.on(*r);
  if (const auto* r = std::get_if<list_tags_request>(&*call.what))
    return questions.on(*r);
  const auto* r = std::get_if<describe_definitions_request>(&*call.what);
  if (r == nullptr)
    return api_error{api_errc::internal, "not a question to the catalog"};
  std::vector<std::pair<std::string, const definition_object*>> found;
  auto take = [&](const definition_object* object) {
    if (!r->active || *r->active == object->active)
      found.emplace_back(revision_key(*object), object);
  };
  if (!r->definitions.empty()) {
    for (const auto& text : r->definitions) {
      auto bare = revisions_of({call.who.owner, text});
      if (!bare.empty())
        std::for_each(bare.begin(), bare.end(), take);
      else if (const auto* object = find_definition(call.who.owner, text))
        take(object);
    }
  } else if (!r->name.empty()) {
    auto revisions = revisions_of({call.who.owner, r->name});
    std::for_each(revisions.begin(), revisions.end(), take);
  } else {
    for (const auto& [name, revisions] : definitions_)
      if (name.first == call.who.owner)
        for (const auto& [revision, object] : revisions)
          take(&object);
  }
  return catalog_questions::fill<definitions_response>(
      r->page, std::move(found), [](auto& answer, auto* object) {
        answer.definitions.push_back(*object);
      });
}

} // namespace berth
