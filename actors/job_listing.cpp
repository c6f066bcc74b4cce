#include "actors/job_listing.hpp"

#include "actors/job_questions.hpp"
#include "messages/codec.hpp"
#include "messages/limits.hpp"
#include "messages/row_keys.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

namespace berth {

namespace {

/// Which listing a token belongs to: a letter, then where to go on.
enum class listing_kind : char { by_status = 's', filtered = 'f', array = 'a' };

listing_kind kind_of(const list_jobs_call& call) {
  if (call.array_job)
    return listing_kind::array;
  return call.filter == job_filter_kind::none ? listing_kind::by_status
                                              : listing_kind::filtered;
}

std::string make_token(listing_kind kind, uint64_t from) {
  constexpr size_t digits = 16;
  std::string token(digits + 2, '\0');
  std::snprintf(token.data(), token.size(), "%c%016llx",
                static_cast<char>(kind), static_cast<unsigned long long>(from));
  token.pop_back();
  return token;
}

/// Outer nothing: not a token of this listing. Inner nothing: the first page.
std::optional<std::optional<uint64_t>> parse_token(const list_jobs_call& call) {
  constexpr size_t token_size = 17;
  constexpr int base = 16;
  const auto& token = call.page.token;
  if (token.empty())
    return std::optional<uint64_t>{};
  if (token.size() != token_size
      || token[0] != static_cast<char>(kind_of(call)))
    return std::nullopt;
  uint64_t from = 0;
  const auto* end = token.data() + token.size();
  auto [read_to, error] = std::from_chars(token.data() + 1, end, from, base);
  if (error != std::errc{} || read_to != end)
    return std::nullopt;
  return std::optional<uint64_t>{from};
}

job_status wanted_status(const list_jobs_call& call) {
  return call.status.value_or(job_status::running);
}

size_t page_size(const list_jobs_call& call) {
  auto most = kind_of(call) == listing_kind::filtered
                  ? limits::page_size_max
                  : limits::job_page_size_max;
  return call.page.max_results == 0
             ? most
             : std::min<size_t>(call.page.max_results, most);
}

/// Rows of each terminal status that one page of a filter looks at.
constexpr size_t filter_scan_max = limits::listing_scan_max / 2;

row_range terminal_range(queue_uid queue, job_status status,
                         const list_jobs_call& call,
                         std::optional<uint64_t> from) {
  row_range range;
  if (kind_of(call) == listing_kind::filtered) {
    range.from = listing_row_key(queue, status, 0);
    range.to = from ? listing_row_key(queue, status, *from)
                    : listing_row_prefix_end(queue, status);
    range.limit = filter_scan_max;
    range.backwards = true;
  } else {
    range.from = listing_row_key(queue, status, from.value_or(0));
    range.to = listing_row_prefix_end(queue, status);
    range.limit = page_size(call) + 1;
  }
  return range;
}

/// A stretch of a listing, in listing order. Where it is cut short nothing is
/// known of what comes behind its last position.
struct stretch {
  struct item {
    queue_position position = 0;
    job_view view;
  };
  std::vector<item> items;
  /// Where the next page goes on if this one was looked at to its end; nothing
  /// when there is nothing behind it.
  std::optional<uint64_t> more_from;
};

job_view view_of(listing_row row) {
  job_view view;
  view.key = {row.id, no_index};
  view.owner = row.owner;
  view.queue_name = row.queue_name;
  job_class common;
  common.definition_name = std::move(row.definition_name);
  common.definition_revision = row.definition_revision;
  view.spec = listed_spec(common, row.name, row.array_size);
  view.status = row.status;
  view.status_reason = std::move(row.status_reason);
  view.created_ms = row.created_ms;
  view.started_ms = row.started_ms;
  view.stopped_ms = row.stopped_ms;
  view.children = std::move(row.children);
  view.children_changed_ms = row.children_changed_ms;
  if (row.placed_ms > 0 || row.exit_code || !row.reason.empty()) {
    attempt_record last;
    last.placed_ms = row.placed_ms;
    last.exit_code = row.exit_code;
    last.reason = std::move(row.reason);
    last.started_ms = row.started_ms;
    last.stopped_ms = row.stopped_ms;
    view.attempts.push_back(std::move(last));
  }
  return view;
}

job_view listed_view(const job_state& state, const hot_entry& job) {
  auto view = live_view(state, job, no_index);
  const auto* array = job.second.array();
  view.spec = listed_spec(state.common(job.second), job.second.name.view(),
                          array ? array->children.size : 0);
  return view;
}

job_view listed_view(const job_id& id, const ended_job& ended) {
  auto view = ended_view(id, ended.row);
  view.spec = listed_spec(ended.row.common, ended.name,
                          ended.row.array ? ended.row.array->size : 0);
  return view;
}

bool is_before(queue_position a, queue_position b, bool backwards) {
  return backwards ? a > b : a < b;
}

/// Terminal jobs: the store's rows and those that are not there yet.
stretch terminal_stretch(const job_state& state, queue_uid queue,
                         job_status status, const list_jobs_call& call,
                         std::optional<uint64_t> from,
                         const fetched_rows& rows) {
  auto range = terminal_range(queue, status, call, from);
  auto backwards = range.backwards;
  stretch s;
  size_t seen = 0;
  auto take = [&](const auto& fetched) {
    if (!fetched.second)
      return;
    ++seen;
    auto row = decode<listing_row>(*fetched.second);
    if (!row)
      return;
    if (seen == range.limit)
      s.more_from = row->position;
    if (!state.is_expired(row->stopped_ms))
      s.items.push_back({row->position, view_of(std::move(*row))});
  };
  auto first = rows.lower_bound(range.from);
  auto last = rows.lower_bound(range.to);
  if (backwards)
    while (last != first && seen < range.limit)
      take(*--last);
  else
    for (; first != last && seen < range.limit; ++first)
      take(*first);
  for (const auto& [id, ended] : state.ended) {
    const auto& row = ended.row;
    auto behind =
        !from || (backwards ? row.position < *from : row.position >= *from);
    auto unknown =
        s.more_from && is_before(*s.more_from, row.position, backwards);
    if (row.common.queue == queue && row.status == status && behind && !unknown
        && !state.is_expired(row.stopped_ms))
      s.items.push_back({row.position, listed_view(id, ended)});
  }
  std::sort(s.items.begin(), s.items.end(), [&](auto& a, auto& b) {
    return is_before(a.position, b.position, backwards);
  });
  return s;
}

stretch live_stretch(const job_state& state, queue_uid queue,
                     const list_jobs_call& call, job_status status,
                     std::optional<uint64_t> from) {
  stretch s;
  auto jobs = state.by_queue.find(queue);
  if (jobs == state.by_queue.end())
    return s;
  auto limit = page_size(call) + 1;
  jobs->second.by_status[static_cast<size_t>(status)].ascend(
      from.value_or(0), [&](const auto& e) {
        s.items.push_back({e.position, listed_view(state, *e.what)});
        return s.items.size() < limit;
      });
  if (s.items.size() == limit)
    s.more_from = s.items.back().position;
  return s;
}

std::string_view trim_star(std::string_view text, bool& starred) {
  starred = !text.empty() && text.back() == '*';
  return starred ? text.substr(0, text.size() - 1) : text;
}

std::optional<int64_t> number_of(const std::string& text) {
  int64_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

bool matches_filter(const list_jobs_call& call, std::string_view name,
                    std::string_view definition, uint32_t revision,
                    int64_t created_ms) {
  return std::any_of(call.filter_values.begin(), call.filter_values.end(),
                     [&](const std::string& value) {
                       switch (call.filter) {
                       case job_filter_kind::job_name:
                         return matches_job_name(value, name);
                       case job_filter_kind::job_definition:
                         return matches_job_definition(value, definition,
                                                       revision);
                       case job_filter_kind::before_created_at:
                         return created_ms < number_of(value).value_or(0);
                       case job_filter_kind::after_created_at:
                         return created_ms > number_of(value).value_or(0);
                       case job_filter_kind::none:
                         break;
                       }
                       return true;
                     });
}

/// Live jobs of all statuses that the filter takes, from the newest.
stretch filtered_live_stretch(const job_state& state, queue_uid queue,
                              const list_jobs_call& call,
                              std::optional<uint64_t> from) {
  stretch s;
  auto jobs = state.by_queue.find(queue);
  if (jobs == state.by_queue.end())
    return s;
  auto looked_at =
      jobs->second.descend(from.value_or(UINT64_MAX), limits::listing_scan_max);
  if (looked_at.size() == limits::listing_scan_max)
    s.more_from = looked_at.back()->second.position;
  auto wanted = page_size(call) + 1;
  for (const auto* job : looked_at) {
    const auto& hot = job->second;
    const auto& common = state.common(hot);
    if (!matches_filter(call, hot.name.view(), common.definition_name,
                        common.definition_revision, hot.created_ms))
      continue;
    s.items.push_back({hot.position, listed_view(state, *job)});
    if (s.items.size() == wanted) {
      s.more_from = hot.position;
      break;
    }
  }
  return s;
}

/// Merges stretches and cuts the page; positions behind the nearest end of a
/// cut stretch belong to a later page.
result make_page(const list_jobs_call& call, std::vector<stretch> parts,
                 bool backwards) {
  std::optional<uint64_t> bound;
  std::vector<stretch::item> all;
  for (auto& part : parts) {
    if (part.more_from
        && (!bound || is_before(*part.more_from, *bound, backwards)))
      bound = part.more_from;
    std::move(part.items.begin(), part.items.end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end(), [&](auto& a, auto& b) {
    return is_before(a.position, b.position, backwards);
  });
  job_list_response answer;
  for (auto& item : all) {
    if (bound && is_before(*bound, item.position, backwards))
      break;
    if (answer.jobs.size() == page_size(call)) {
      // Behind the last one taken.
      answer.next_token = make_token(
          kind_of(call), backwards ? item.position + 1 : item.position);
      return response{std::move(answer)};
    }
    answer.jobs.push_back(std::move(item.view));
  }
  if (bound)
    answer.next_token =
        make_token(kind_of(call), backwards ? *bound : *bound + 1);
  return response{std::move(answer)};
}

// Children of an array.

size_t children_known(const job_state& state, const job_id& id,
                      const fetched_rows* rows) {
  if (const auto* job = state.find(id))
    return job->second.array() ? job->second.array()->children.statuses.size()
                               : 0;
  auto row = state.ended_row(id, rows);
  return row && row->array ? row->array->statuses.size() : 0;
}

needed_rows rows_for_children(const job_state& state,
                              const list_jobs_call& call, uint64_t from) {
  needed_rows needs;
  const auto& id = *call.array_job;
  const auto* job = state.find(id);
  if (job == nullptr && !state.ended.contains(id))
    needs.keys.push_back(job_row_key(job_row_kind::terminal, id));
  if (job != nullptr && !is_terminal(wanted_status(call)))
    return needs;
  row_range range;
  range.from =
      child_row_key(job_row_kind::terminal, {id, static_cast<int32_t>(from)});
  range.to = child_row_key(job_row_kind::terminal,
                           {id, static_cast<int32_t>(limits::array_size_max)});
  range.limit = limits::array_size_max;
  needs.ranges.push_back(std::move(range));
  return needs;
}

result answer_children(const job_state& state, const list_jobs_call& call,
                       const fetched_rows& rows, uint64_t from) {
  const auto& id = *call.array_job;
  const auto* job = state.find(id);
  auto ended = job ? std::nullopt : state.ended_row(id, &rows);
  job_list_response answer;
  if (job == nullptr && !ended)
    return response{std::move(answer)};
  const auto& common = job ? state.common(job->second) : ended->common;
  auto size = children_known(state, id, &rows);
  if (common.owner != call.owner || size == 0)
    return response{std::move(answer)};
  const auto& statuses =
      job ? job->second.array()->children.statuses : ended->array->statuses;
  // Names come with the body only; a terminal job's are in the store.
  shared_job_spec spec;
  if (job)
    spec = listed_spec(common, job->second.name.view(),
                       static_cast<uint32_t>(size));
  else if (auto pending = state.ended.find(id); pending != state.ended.end())
    spec =
        listed_spec(common, pending->second.name, static_cast<uint32_t>(size));
  else if (const auto* bytes =
               find_row(&rows, job_row_key(job_row_kind::body, id)))
    if (auto body = decode<job_spec>(*bytes))
      spec = listed_spec(common, body->name, static_cast<uint32_t>(size));
  if (!spec)
    spec = listed_spec(common, "", static_cast<uint32_t>(size));
  for (auto i = static_cast<size_t>(from); i < size; ++i) {
    auto status = static_cast<job_status>(statuses[i]);
    if (status != wanted_status(call))
      continue;
    if (answer.jobs.size() == page_size(call)) {
      answer.next_token = make_token(listing_kind::array, i);
      break;
    }
    job_key key{id, static_cast<int32_t>(i)};
    std::optional<terminal_child_row> own;
    if (is_terminal(status))
      own = state.ended_child_row(key, &rows);
    auto view = job ? live_view(state, *job, key.index)
                    : ended_child_view(key, *ended, own);
    if (job && own)
      take_child_row(*own, view);
    view.spec = spec;
    answer.jobs.push_back(std::move(view));
  }
  return response{std::move(answer)};
}

api_error bad_token(const list_jobs_call& call) {
  return {api_errc::invalid, "nextToken: \"" + call.page.token
                                 + "\" was not given by this listing; repeat "
                                   "the call without it."};
}

std::optional<api_error> check_filter(const list_jobs_call& call) {
  if (call.filter != job_filter_kind::before_created_at
      && call.filter != job_filter_kind::after_created_at)
    return std::nullopt;
  for (const auto& value : call.filter_values)
    if (!number_of(value))
      return api_error{api_errc::invalid,
                       "filters: \"" + value
                           + "\" is not a time; give milliseconds since the "
                             "epoch as a decimal number."};
  return std::nullopt;
}

} // namespace

bool matches_job_name(std::string_view wanted, std::string_view name) {
  auto starred = false;
  wanted = trim_star(wanted, starred);
  if (name.size() < wanted.size() || (!starred && name.size() != wanted.size()))
    return false;
  auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(wanted.begin(), wanted.end(), name.begin(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

bool matches_job_definition(std::string_view wanted, std::string_view name,
                            uint32_t revision) {
  if (auto arn = parse_arn(wanted))
    return arn->kind == resource_kind::job_definition
           && arn->name == std::string(name) + ":" + std::to_string(revision);
  auto starred = false;
  wanted = trim_star(wanted, starred);
  return starred ? name.starts_with(wanted) : name == wanted;
}

needed_rows rows_for(const job_state& state, const list_jobs_call& call) {
  needed_rows needs;
  auto from = parse_token(call);
  if (!from || check_filter(call))
    return needs;
  if (call.array_job) {
    needs = rows_for_children(state, call, from->value_or(0));
    if (state.find(*call.array_job) == nullptr
        && !state.ended.contains(*call.array_job))
      needs.keys.push_back(job_row_key(job_row_kind::body, *call.array_job));
    return needs;
  }
  if (!call.queue)
    return needs;
  auto filtered = kind_of(call) == listing_kind::filtered;
  for (auto status : {job_status::succeeded, job_status::failed})
    if (filtered || call.status == status)
      needs.ranges.push_back(terminal_range(*call.queue, status, call, *from));
  return needs;
}

result answer_list(const job_state& state, const list_jobs_call& call,
                   const fetched_rows& rows) {
  auto from = parse_token(call);
  if (!from)
    return bad_token(call);
  if (auto error = check_filter(call))
    return *error;
  if (call.array_job)
    return answer_children(state, call, rows, from->value_or(0));
  if (!call.queue)
    return api_error{api_errc::invalid,
                     "Either jobQueue or arrayJobId must be given."};
  auto queue = *call.queue;
  if (kind_of(call) == listing_kind::by_status) {
    auto status = wanted_status(call);
    auto part = is_terminal(status)
                    ? terminal_stretch(state, queue, status, call, *from, rows)
                    : live_stretch(state, queue, call, status, *from);
    std::vector<stretch> parts;
    parts.push_back(std::move(part));
    return make_page(call, std::move(parts), false);
  }
  std::vector<stretch> parts;
  parts.push_back(filtered_live_stretch(state, queue, call, *from));
  for (auto status : {job_status::succeeded, job_status::failed}) {
    auto part = terminal_stretch(state, queue, status, call, *from, rows);
    std::erase_if(part.items, [&](const stretch::item& item) {
      const auto& spec = *item.view.spec;
      return !matches_filter(call, spec.name, spec.definition_name,
                             spec.definition_revision, item.view.created_ms);
    });
    parts.push_back(std::move(part));
  }
  return make_page(call, std::move(parts), true);
}

} // namespace berth
