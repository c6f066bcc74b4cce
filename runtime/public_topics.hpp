// The public topics of a cluster as one node serves them: for each shard that
// it owns it reads the submissions and publishes what the log says.
#pragma once

#include "runtime/publisher.hpp"
#include "runtime/submission_reader.hpp"
#include "storage/kafka_topics.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace berth {

/// Opened, or made; on error none is.
struct opened_public_topics {
  std::unique_ptr<log> submissions;
  std::string submissions_name;
  std::unique_ptr<topic_writer> changes;
  std::unique_ptr<topic_writer> rejections;
  std::unique_ptr<log> cursors;
  std::unique_ptr<topic_writer> cursors_writer;
  storage_error error;
};
opened_public_topics open_public_topics(const kafka_cluster_address& at,
                                        bool create_if_missing);

/// How the node's other parts are reached, from a thread of the topics; see
/// `submission_ports` and `publisher_ports`.
struct public_topics_ports {
  public_dialect dialect;
  std::function<void(std::shared_ptr<const std::vector<public_submission>>,
                     std::function<void(std::vector<resolved_submission>)>)>
      resolve;
  std::function<void(shard_id to, const std::string& source, log_offset after,
                     std::shared_ptr<const std::vector<topic_submission>>,
                     std::function<void(submissions_standing)>)>
      give;
  std::function<void(std::vector<job_key>, std::function<void(result)>)>
      describe;
};

/// What went through them at this node since it started.
struct public_topics_counts {
  /// By source (`<topic>/<partition>`): the last submission that a shard owned
  /// by this node has taken.
  std::map<std::string, log_offset> taken;
  uint64_t changes_published = 0;
  uint64_t rejections_published = 0;
};

/// Thread-safe. Has a thread for the submissions and one for what is published.
/// What its ports reach may drop calls.
class public_topics {
public:
  /// `truth` outlives it.
  public_topics(opened_public_topics topics, log& truth,
                public_topics_ports ports);
  ~public_topics();
  public_topics(const public_topics&) = delete;
  public_topics& operator=(const public_topics&) = delete;

  /// Each time that this node comes to own the shard (`shard_port::owned`).
  void on_owned(shard_id shard);
  /// It has lost it.
  void on_disowned(shard_id shard);
  public_topics_counts counts() const;
  /// Nothing is asked of the ports any more once this has returned.
  void stop();

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace berth
