// What nodes tell each other directly: calls for a shard's owner, and their
// answers. Volatile: whoever waits for an answer that does not come asks again,
// and a repeated call has one effect (see "Ids make retries safe").
#pragma once

#include "messages/calls.hpp"
#include "messages/errors.hpp"
#include "messages/ids.hpp"
#include "messages/responses.hpp"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace berth {

/// Raised when a reader of this version could misread; a newer one is refused.
constexpr uint32_t node_frame_format = 1;

struct forwarded_call {
  /// The asking node's own; comes back with the answer.
  uint64_t token = 0;
  shard_id to;
  shard_call what;
  BERTH_FIELDS(token, to, what)
};

/// Either of the two is there.
struct forwarded_answer {
  uint64_t token = 0;
  std::optional<response> answer;
  std::optional<api_error> error;
  BERTH_FIELDS(token, answer, error)
};

struct calls_frame {
  static constexpr uint16_t number = 1;
  std::vector<forwarded_call> calls;
  BERTH_FIELDS(calls)
};

struct answers_frame {
  static constexpr uint16_t number = 2;
  std::vector<forwarded_answer> answers;
  BERTH_FIELDS(answers)
};

struct node_frame {
  uint32_t format = node_frame_format;
  std::variant<calls_frame, answers_frame> body;
  BERTH_FIELDS(format, body)
};

} // namespace berth
