// A `berth dev` of its own in a temporary folder, for benchmarks over HTTP.
#pragma once

#include "client/http_client.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace berth::bench {

class dev_server {
public:
  /// Starts it and waits until it is ready; aborts when it is not.
  dev_server(const std::string& folder, int vcpus);
  /// Ends it and its jobs.
  ~dev_server();
  dev_server(const dev_server&) = delete;
  dev_server& operator=(const dev_server&) = delete;

  const std::string& url() const { return url_; }

private:
  pid_t pid_ = -1;
  std::string url_;
};

/// One client's calls to the AWS Batch API; aborts when one is refused.
class batch_client {
public:
  explicit batch_client(std::string url) : url_(std::move(url)) {}
  /// `operation` as the path has it: `submitjob`. The answer's body.
  std::string call(const std::string& operation, const std::string& body);
  /// An environment and a queue of `vcpus`, and a definition of `command`
  /// (a JSON list).
  void prepare(int vcpus, const std::string& command,
               const std::string& vcpus_per_job = "1");

private:
  std::string url_;
  http_client http_;
};

} // namespace berth::bench
