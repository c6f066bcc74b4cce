#include "api/cloudwatch_logs/event_tokens.hpp"
#include "api/cloudwatch_logs/events.hpp"
#include "api/cloudwatch_logs/filter_pattern.hpp"

#include <algorithm>
#include <queue>

namespace berth::cloudwatch_logs {

namespace {

/// What the buffers of all streams hold together, about.
constexpr size_t buffers_bytes_max = 16 * 1024 * 1024;
constexpr size_t buffer_lines_max = 1000;

/// One stream on its way to its end.
class stream_cursor {
public:
  stream_cursor(output_source& source, stream_reference stream,
                size_t buffer_bytes)
      : source_(source),
        stream_(std::move(stream)), limits_{buffer_lines_max,
                                            std::max<size_t>(buffer_bytes, 1)} {
  }

  /// Goes on from a position that an earlier page gave.
  void start_at(int64_t position) {
    buffer_.end = position;
    refill();
  }

  /// Whether its last line is not after `key`: then it is at its end.
  bool skip_if_done(const event_key& key) {
    auto last = source_.read_before(stream_.attempt, -1, {1, 1});
    if (last.lines.empty()
        || event_key{last.lines.back().at_ms, stream_.name,
                     last.lines.back().position}
               > key)
      return false;
    start_at(last.end);
    return true;
  }

  /// Goes to the first line that may be of interest: from the end backwards,
  /// since clients that follow ask for what is new.
  void start_at_time(int64_t at_ms) {
    int64_t before = -1;
    while (true) {
      auto page = source_.read_before(stream_.attempt, before, limits_);
      before = page.begin;
      if (page.is_at_end || page.lines.empty()
          || page.lines.front().at_ms < at_ms)
        break;
    }
    start_at(before);
  }

  /// Where it goes on.
  stream_place place() const {
    return {hash_of_stream(stream_.name),
            at_end() ? buffer_.end : line().position};
  }

  bool at_end() const { return at_ >= buffer_.lines.size(); }
  const printed_line& line() const { return buffer_.lines[at_]; }
  const stream_reference& stream() const { return stream_; }
  event_key key() const {
    return {line().at_ms, stream_.name, line().position};
  }
  filtered_event take() {
    return {stream_.name, stream_.attempt, std::move(buffer_.lines[at_])};
  }
  void advance() {
    if (++at_ >= buffer_.lines.size())
      refill();
  }

private:
  void refill() {
    at_ = 0;
    buffer_ = source_.read(stream_.attempt, buffer_.end, limits_);
  }

  output_source& source_;
  stream_reference stream_;
  printed_lines_limits limits_;
  printed_lines buffer_;
  size_t at_ = 0;
};

/// Merges streams; the line next in order is at the top.
class stream_merge {
public:
  void add(stream_cursor cursor) {
    cursors_.push_back(std::move(cursor));
    if (!cursors_.back().at_end())
      push(cursors_.size() - 1);
  }
  /// Those in the middle of a stream first: to search for them is dear.
  std::vector<stream_place> places() const {
    std::vector<stream_place> all;
    for (auto at_end : {false, true})
      for (const auto& cursor : cursors_)
        if (cursor.at_end() == at_end && all.size() < token_places_max)
          all.push_back(cursor.place());
    return all;
  }
  bool at_end() const { return heap_.empty(); }
  stream_cursor& top() { return cursors_[heap_.top().second]; }
  const event_key& top_key() const { return heap_.top().first; }
  void advance() {
    auto index = heap_.top().second;
    heap_.pop();
    cursors_[index].advance();
    if (!cursors_[index].at_end())
      push(index);
  }

private:
  using entry = std::pair<event_key, size_t>;

  void push(size_t index) { heap_.emplace(cursors_[index].key(), index); }

  std::vector<stream_cursor> cursors_;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> heap_;
};

const stream_place* find_place(const std::optional<filter_token>& token,
                               const stream_reference& stream) {
  if (!token)
    return nullptr;
  auto hash = hash_of_stream(stream.name);
  for (const auto& place : token->places)
    if (place.stream == hash)
      return &place;
  return nullptr;
}

void start_cursor(stream_cursor& cursor,
                  const std::optional<filter_token>& token,
                  const time_range& range) {
  if (const auto* place = find_place(token, cursor.stream())) {
    cursor.start_at(place->position);
    return;
  }
  const auto* after = token ? &token->after : nullptr;
  if (after && cursor.stream().name == after->stream) {
    cursor.start_at(after->position);
    // A position names the event that was seen last.
    if (!cursor.at_end() && cursor.line().position == after->position)
      cursor.advance();
    return;
  }
  if (after && cursor.skip_if_done(*after))
    return;
  auto bound = range.start_ms.value_or(0);
  if (after)
    bound = std::max(bound, after->at_ms);
  if (bound > 0)
    cursor.start_at_time(bound);
  else
    cursor.start_at(0);
  while (after && !cursor.at_end() && cursor.key() <= *after)
    cursor.advance();
}

filtered_page merge(stream_merge& merged, const filter_pattern& pattern,
                    const filter_events_request& request) {
  filtered_page page;
  event_key last;
  size_t scanned = 0;
  size_t taken = 0;
  while (!merged.at_end()) {
    if (page.events.size() >= request.limit || taken >= page_bytes_max
        || scanned >= scan_bytes_max) {
      page.token = print_token(filter_token{std::move(last), merged.places()});
      break;
    }
    auto& cursor = merged.top();
    last = merged.top_key();
    const auto& line = cursor.line();
    auto size = line.text.size() + 1;
    scanned += size;
    if (request.range.contains(line.at_ms) && pattern.matches(line.text)) {
      taken += size;
      page.events.push_back(cursor.take());
    }
    merged.advance();
  }
  return page;
}

} // namespace

std::variant<filtered_page, logs_error>
filter_events(output_source& source, std::vector<stream_reference> streams,
              const filter_events_request& request) {
  auto pattern = filter_pattern::parse(request.pattern);
  if (!pattern)
    return invalid_parameter(
        "filterPattern is \"" + request.pattern
        + "\", but must be simple terms: words, \"phrases\", ?any and -none; "
          "other patterns are not supported yet");
  std::optional<filter_token> token;
  if (!request.token.empty()) {
    token = parse_filter_token(request.token);
    if (!token)
      return invalid_parameter("nextToken is \"" + request.token
                               + "\", but must be a token from an earlier "
                                 "answer: The specified nextToken is invalid.");
  }
  auto buffer_bytes = buffers_bytes_max / std::max<size_t>(streams.size(), 1);
  stream_merge merged;
  for (auto& stream : streams) {
    stream_cursor cursor{source, std::move(stream), buffer_bytes};
    start_cursor(cursor, token, request.range);
    merged.add(std::move(cursor));
  }
  return merge(merged, *pattern, request);
}

} // namespace berth::cloudwatch_logs
