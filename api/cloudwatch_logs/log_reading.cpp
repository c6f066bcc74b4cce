#include "api/cloudwatch_logs/log_reading.hpp"

#include "api/log_stream_name.hpp"

#include <algorithm>

namespace berth::cloudwatch_logs {

namespace {

http_response print_success(std::string body) {
  http_response answer;
  answer.content_type = content_type;
  answer.body = std::move(body);
  return answer;
}

bool is_listed(const describe_groups_request& asked) {
  return log_group_name.starts_with(asked.prefix)
         && log_group_name.find(asked.pattern) != std::string_view::npos;
}

/// Puts the streams into the order asked for and leaves those of one page; the
/// token is the name of its last stream.
std::string cut_page(std::vector<listed_stream>& streams,
                     const describe_streams_request& asked) {
  if (asked.by_last_event)
    std::stable_sort(streams.begin(), streams.end(), [](auto& a, auto& b) {
      return a.changed_ms < b.changed_ms;
    });
  if (asked.is_descending)
    std::reverse(streams.begin(), streams.end());
  if (!asked.token.empty()) {
    auto last = std::find_if(
        streams.begin(), streams.end(),
        [&](const listed_stream& s) { return s.stream.name == asked.token; });
    if (last != streams.end())
      streams.erase(streams.begin(), last + 1);
  }
  if (streams.size() <= asked.limit)
    return {};
  streams.resize(asked.limit);
  return streams.back().stream.name;
}

} // namespace

http_response print_error(const logs_error& error) {
  auto answer = error_response(error.status, error.type, error.message);
  answer.content_type = content_type;
  return answer;
}

log_reading::log_reading(gateway_interface& gateway, output_source& output,
                         runner run_blocking)
    : output_(output), run_blocking_(std::move(run_blocking)),
      directory_(gateway, output) {}

void log_reading::handle(const caller& who, std::string_view target,
                         std::string_view body,
                         std::function<void(http_response)> answer) {
  auto parsed = parse_request(target, body);
  if (const auto* error = std::get_if<logs_error>(&parsed)) {
    answer(print_error(*error));
    return;
  }
  auto& asked = std::get<logs_request>(parsed);
  if (auto* groups = std::get_if<describe_groups_request>(&asked))
    answer(print_success(print_groups(who.owner, is_listed(*groups))));
  else if (auto* streams = std::get_if<describe_streams_request>(&asked))
    describe_streams(who, std::move(*streams), std::move(answer));
  else if (auto* events = std::get_if<get_events_request>(&asked))
    get_events(who, std::move(*events), std::move(answer));
  else
    filter(who, std::move(std::get<filter_events_request>(asked)),
           std::move(answer));
}

stream_description log_reading::describe(const listed_stream& stream) {
  printed_lines_limits one{1, 1};
  auto first = output_.read(stream.stream.attempt, 0, one).lines;
  auto last = output_.read_before(stream.stream.attempt, -1, one).lines;
  return {stream.stream.name, first.empty() ? 0 : first.front().at_ms,
          last.empty() ? 0 : last.back().at_ms, stream.bytes};
}

void log_reading::describe_streams(const caller& who,
                                   describe_streams_request asked,
                                   answer_function answer) {
  run_blocking_([this, who, asked = std::move(asked),
                 answer = std::move(answer)] {
    directory_.list(
        who, asked.prefix,
        [this, who, asked, answer](stream_directory::listed outcome) {
          if (const auto* error = std::get_if<logs_error>(&outcome)) {
            answer(print_error(*error));
            return;
          }
          auto streams =
              std::move(std::get<std::vector<listed_stream>>(outcome));
          auto token = cut_page(streams, asked);
          run_blocking_([this, who, token, answer,
                         streams = std::move(streams)] {
            std::vector<stream_description> described;
            for (const auto& stream : streams)
              described.push_back(describe(stream));
            answer(print_success(print_streams(who.owner, described, token)));
          });
        });
  });
}

void log_reading::get_events(const caller& who, get_events_request asked,
                             answer_function answer) {
  std::vector<std::string> name{asked.stream};
  directory_.find(
      who, std::move(name),
      [this, asked = std::move(asked),
       answer = std::move(answer)](stream_directory::found outcome) {
        if (const auto* error = std::get_if<logs_error>(&outcome)) {
          answer(print_error(*error));
          return;
        }
        auto attempt =
            std::get<std::vector<stream_reference>>(outcome).front().attempt;
        run_blocking_([this, attempt, asked, answer] {
          auto page = read_events(output_, attempt, asked);
          if (const auto* error = std::get_if<logs_error>(&page))
            answer(print_error(*error));
          else
            answer(print_success(print_events(std::get<events_page>(page))));
        });
      });
}

void log_reading::filter(const caller& who, filter_events_request asked,
                         answer_function answer) {
  if (!asked.streams.empty()) {
    auto names = asked.streams;
    directory_.find(
        who, std::move(names),
        [this, asked = std::move(asked),
         answer = std::move(answer)](stream_directory::found outcome) {
          if (const auto* error = std::get_if<logs_error>(&outcome)) {
            answer(print_error(*error));
            return;
          }
          filter_streams(
              std::move(std::get<std::vector<stream_reference>>(outcome)),
              asked, answer);
        });
    return;
  }
  run_blocking_(
      [this, who, asked = std::move(asked), answer = std::move(answer)] {
        directory_.list(
            who, asked.prefix,
            [this, asked, answer](stream_directory::listed outcome) {
              if (const auto* error = std::get_if<logs_error>(&outcome)) {
                answer(print_error(*error));
                return;
              }
              std::vector<stream_reference> streams;
              for (auto& one : std::get<std::vector<listed_stream>>(outcome))
                // Nothing was printed since: none of its events can be wanted.
                if (!asked.range.start_ms
                    || one.changed_ms >= *asked.range.start_ms)
                  streams.push_back(std::move(one.stream));
              filter_streams(std::move(streams), asked, answer);
            });
      });
}

void log_reading::filter_streams(std::vector<stream_reference> streams,
                                 filter_events_request asked,
                                 answer_function answer) {
  run_blocking_([this, streams = std::move(streams), asked = std::move(asked),
                 answer = std::move(answer)] {
    auto page = filter_events(output_, streams, asked);
    if (const auto* error = std::get_if<logs_error>(&page))
      answer(print_error(*error));
    else
      answer(
          print_success(print_filtered_events(std::get<filtered_page>(page))));
  });
}

} // namespace berth::cloudwatch_logs
