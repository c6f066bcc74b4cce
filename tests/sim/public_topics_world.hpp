// The public topics of a simulated cluster, and what truly happens to them.
#pragma once

#include "messages/ids.hpp"
#include "tests/sim/recorder.hpp"
#include "tests/sim/simulated_topic.hpp"
#include "tests/sim/submission_names.hpp"

#include <functional>
#include <map>
#include <string>

namespace berth::sim {

/// Tells the history what lands in each of them.
class public_topics_history {
public:
  explicit public_topics_history(recorder& history) : history_(history) {}

  void on_submission(const landed_append& a, int64_t append_ms);
  void on_change(const landed_append& a);
  void on_rejection(const landed_append& a);
  void on_cursor(const landed_append& a);

  /// How far the publisher of the shard says to be; -1 = nothing yet.
  log_offset published_up_to(shard_id shard) const;

private:
  recorder& history_;
  std::map<shard_id, log_offset> published_;
};

struct public_topics_world {
  public_topics_world(const parameters& with, timeline& time,
                      simulated_network& network, recorder& history);

  void end_faults();
  bool is_quiet() const;

private:
  /// Of one topic.
  class watcher final : public topic_watcher {
  public:
    using taker = std::function<void(const landed_append&)>;
    explicit watcher(taker take) : take_(std::move(take)) {}
    void landed(const landed_append& a) override { take_(a); }
    void visible(shard_id, log_offset) override {}
    void lost() override {}

  private:
    taker take_;
  };
  watcher watch_submissions_;
  watcher watch_rejections_;
  watcher watch_changes_;
  watcher watch_cursors_;

public:
  public_topics_history told;
  simulated_topic submissions;
  simulated_topic rejections;
  simulated_topic changes;
  simulated_topic cursors;
};

} // namespace berth::sim
