// The names of log streams, made and parsed here and nowhere else (AWS
// reference, section 20): the output of one attempt is one stream,
//
//   <definition name, first 200 characters>/default/<task id>
//
// where the task id is the job's key for its first attempt and the key, a dash
// and the attempt's number for later ones: `<uuid>`, `<uuid>:7`, `<uuid>:7-2`.
#pragma once

#include "messages/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// The group all streams are in.
constexpr std::string_view log_group_name = "/aws/batch/job";
constexpr size_t log_stream_prefix_length_max = 200;

/// The last part of the name; `attempt.number` is at least 1.
std::string task_id(const attempt_id& attempt);

std::string make_log_stream_name(std::string_view definition_name,
                                 const attempt_id& attempt);

struct parsed_log_stream_name {
  std::string definition_name;
  attempt_id attempt;
  BERTH_FIELDS(definition_name, attempt)
};
/// Nothing when the text is not exactly what `make_log_stream_name` makes.
std::optional<parsed_log_stream_name>
parse_log_stream_name(std::string_view text);

} // namespace berth
