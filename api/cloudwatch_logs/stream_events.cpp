#include "api/cloudwatch_logs/event_tokens.hpp"
#include "api/cloudwatch_logs/events.hpp"

#include <algorithm>

namespace berth::cloudwatch_logs {

namespace {

size_t bytes_of(const std::vector<printed_line>& lines) {
  size_t bytes = 0;
  for (const auto& line : lines)
    bytes += line.text.size();
  return bytes;
}

/// What is still wanted of a page, and how far a call has looked.
class page_budget {
public:
  explicit page_budget(size_t lines) : lines_left_(lines) {}

  bool is_spent() const {
    return lines_left_ == 0 || bytes_left_ == 0 || scanned_ >= scan_bytes_max;
  }
  printed_lines_limits limits() const { return {lines_left_, bytes_left_}; }

  void scanned(const std::vector<printed_line>& lines) {
    scanned_ += std::max<size_t>(bytes_of(lines), lines.size());
  }
  void taken(const std::vector<printed_line>& lines) {
    lines_left_ -= std::min(lines_left_, lines.size());
    bytes_left_ -= std::min(bytes_left_, bytes_of(lines));
  }

private:
  size_t lines_left_;
  size_t bytes_left_ = page_bytes_max;
  size_t scanned_ = 0;
};

void drop_outside(std::vector<printed_line>& lines, const time_range& range) {
  std::erase_if(lines, [&](const printed_line& line) {
    return !range.contains(line.at_ms);
  });
}

/// Lines read in one go, and the part of the output that was looked at.
struct stretch {
  std::vector<printed_line> lines;
  int64_t begin = 0;
  int64_t end = 0;
};

stretch read_forward(output_source& source, const attempt_id& attempt,
                     int64_t from, const get_events_request& request) {
  stretch read{{}, from, from};
  page_budget budget{request.limit};
  while (!budget.is_spent()) {
    auto more = source.read(attempt, read.end, budget.limits());
    budget.scanned(more.lines);
    read.end = std::max(read.end, more.end);
    auto is_last = more.is_at_end || more.lines.empty();
    drop_outside(more.lines, request.range);
    budget.taken(more.lines);
    std::move(more.lines.begin(), more.lines.end(),
              std::back_inserter(read.lines));
    if (is_last)
      break;
  }
  return read;
}

stretch read_backward(output_source& source, const attempt_id& attempt,
                      int64_t before, const get_events_request& request) {
  stretch read{{}, before, before};
  page_budget budget{request.limit};
  auto is_first = true;
  while (!budget.is_spent()) {
    auto more = source.read_before(attempt, read.begin, budget.limits());
    budget.scanned(more.lines);
    // Without a token the end of the output is where reading began.
    if (is_first && before < 0)
      read.end = more.end;
    is_first = false;
    read.begin = more.begin;
    auto is_last = more.is_at_end || more.lines.empty();
    drop_outside(more.lines, request.range);
    budget.taken(more.lines);
    read.lines.insert(read.lines.begin(),
                      std::make_move_iterator(more.lines.begin()),
                      std::make_move_iterator(more.lines.end()));
    if (is_last)
      break;
  }
  return read;
}

} // namespace

std::variant<events_page, logs_error>
read_events(output_source& source, const attempt_id& attempt,
            const get_events_request& request) {
  stretch read;
  if (request.token.empty()) {
    read = request.from_head ? read_forward(source, attempt, 0, request)
                             : read_backward(source, attempt, -1, request);
  } else {
    auto token = parse_stream_token(request.token);
    if (!token)
      return invalid_parameter("nextToken is \"" + request.token
                               + "\", but must be a token from an earlier "
                                 "answer: The specified nextToken is invalid.");
    read = token->is_forward
               ? read_forward(source, attempt, token->position, request)
               : read_backward(source, attempt, token->position, request);
  }
  return events_page{std::move(read.lines),
                     print_token(stream_token{true, read.end}),
                     print_token(stream_token{false, read.begin})};
}

} // namespace berth::cloudwatch_logs
