// Which log streams there are. A stream's name holds the name of its job's
// definition, which only the scheduler knows; the output is kept by attempt.
#pragma once

#include "api/cloudwatch_logs/events.hpp"
#include "messages/gateway_interface.hpp"
#include "messages/output_source.hpp"

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace berth::cloudwatch_logs {

/// A listing looks at no more attempts than this, those that printed last.
constexpr size_t listed_attempts_max = 10'000;
/// Definition names that are remembered, since they never change.
constexpr size_t remembered_jobs_max = 100'000;

struct listed_stream {
  stream_reference stream;
  int64_t changed_ms = 0;
  int64_t bytes = 0;
};

/// Thread-safe. Answers come from any thread, possibly before a call returns,
/// exactly once.
class stream_directory {
public:
  /// Both outlive the directory and every answer.
  stream_directory(gateway_interface& gateway, output_source& output)
      : gateway_(gateway), output_(output) {}

  using found = std::variant<std::vector<stream_reference>, logs_error>;
  /// The streams of these names; an error names the first that is not there. A
  /// stream is there once its attempt has started, also when it is silent.
  void find(const caller& who, std::vector<std::string> names,
            std::function<void(found)> answer);

  using listed = std::variant<std::vector<listed_stream>, logs_error>;
  /// The streams whose names begin with `prefix`, in the order of names.
  /// Reads the folder of outputs, so it may block.
  void list(const caller& who, std::string prefix,
            std::function<void(listed)> answer);

private:
  struct listing;

  void name_next_jobs(std::shared_ptr<listing> state);
  std::optional<std::string> remembered(const account_region& owner,
                                        const job_id& job) const;
  void remember(const account_region& owner, const job_id& job,
                std::string definition_name);

  gateway_interface& gateway_;
  output_source& output_;
  mutable std::mutex mutex_;
  struct known_job {
    account_region owner;
    std::string definition_name;
  };
  std::unordered_map<job_id, known_job> known_;
};

} // namespace berth::cloudwatch_logs
