// The door between a dialect and the system.
#pragma once

#include "messages/requests.hpp"
#include "messages/responses.hpp"

#include <functional>

namespace berth {

class gateway_interface {
public:
  virtual ~gateway_interface() = default;

  /// Answers exactly once, from any thread, possibly before returning. A
  /// mutation is answered when it is in the log; an answer to a question is not
  /// older than the question (rule Barrier). Thread-safe.
  virtual void call(caller who, request what,
                    std::function<void(result)> answer) = 0;
};

} // namespace berth
