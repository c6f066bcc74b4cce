// Answers calls of CloudWatch Logs.
#pragma once

#include "api/cloudwatch_logs/responses.hpp"
#include "api/cloudwatch_logs/stream_directory.hpp"
#include "api/http_message.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace berth::cloudwatch_logs {

/// Protocol JSON 1.1.
constexpr const char* content_type = "application/x-amz-json-1.1";

http_response print_error(const logs_error& error);

class log_reading {
public:
  /// Runs a task on a thread that may block.
  using runner = std::function<void(std::function<void()>)>;

  /// Gateway and output outlive this object and every answer.
  log_reading(gateway_interface& gateway, output_source& output,
              runner run_blocking);

  /// Answers exactly once, from any thread. `target` is the header
  /// X-Amz-Target.
  void handle(const caller& who, std::string_view target, std::string_view body,
              std::function<void(http_response)> answer);

private:
  using answer_function = std::function<void(http_response)>;

  void describe_streams(const caller& who, describe_streams_request asked,
                        answer_function answer);
  void get_events(const caller& who, get_events_request asked,
                  answer_function answer);
  void filter(const caller& who, filter_events_request asked,
              answer_function answer);
  /// Reads the streams on a thread that may block, and answers.
  void filter_streams(std::vector<stream_reference> streams,
                      filter_events_request asked, answer_function answer);
  stream_description describe(const listed_stream& stream);

  output_source& output_;
  runner run_blocking_;
  stream_directory directory_;
};

} // namespace berth::cloudwatch_logs
