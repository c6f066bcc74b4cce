// What parsing a request needs beside its text.
#pragma once

#include <cstdint>
#include <string_view>

namespace berth::aws_batch {

struct parse_options {
  /// AWS Batch refuses timeouts under a minute; tests lower this.
  int64_t attempt_duration_s_min = 60;
};

struct parse_context {
  parse_options options;
  /// Some of AWS's texts contain it.
  std::string_view request_id;
};

} // namespace berth::aws_batch
