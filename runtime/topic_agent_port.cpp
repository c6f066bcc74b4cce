#include "runtime/topic_agent_port.hpp"

#include "actors/stable_hash.hpp"
#include "messages/assert.hpp"

#include <utility>

namespace berth {

namespace {

class topic_agent_port final : public agent_port {
public:
  topic_agent_port(agent_topics topics,
                   std::function<void(std::string)> on_fatal)
      : topics_(topics), on_fatal_(std::move(on_fatal)) {}

  /// Who joins too early joins again (see `agent_machine`).
  void when_ready(const environment_object&, std::function<bool()> is_wanted,
                  std::function<void()> then) override {
    if (is_wanted())
      then();
  }

  void append(shard_id to, std::string bytes, appended_callback done) override {
    append_to(*topics_.log_, to, std::move(bytes), std::move(done));
  }

  void append_heartbeat(std::string bytes, appended_callback done) override {
    append_to(*topics_.heartbeats, shard_id{0}, std::move(bytes),
              std::move(done));
  }

  void tell(const dispatch_delivered_effect&) override {
    BERTH_ASSERT(false, not_to_shards);
  }
  void tell(const session_attached_effect&) override {
    BERTH_ASSERT(false, not_to_shards);
  }

  void look_at_dispatch_end(const agent_id& agent,
                            std::function<void(log_offset)> done) override {
    topics_.dispatches->end_offset(
        partition_of(agent),
        [done = std::move(done)](log_offset end, const storage_error& error) {
          // A fenced look is one of a log that is being closed.
          if (!error)
            done(end);
        });
  }

  std::unique_ptr<log_reading>
  read_dispatches(const agent_id& agent, log_offset from,
                  records_callback on_records,
                  std::function<void(storage_error)> failed) override {
    return topics_.dispatches->read(partition_of(agent), from,
                                    std::move(on_records), std::move(failed));
  }

private:
  static constexpr const char* not_to_shards =
      "a dispatch is delivered once it is in its topic";

  shard_id partition_of(const agent_id& agent) const {
    return shard_id{
        dispatch_partition(agent, topics_.dispatches->partitions())};
  }

  void append_to(log& to, shard_id partition, std::string bytes,
                 appended_callback done) {
    to.append(partition, std::move(bytes),
              [fatal = on_fatal_, done = std::move(done)](
                  append_outcome outcome, const storage_error& error) {
                if (error.code == storage_errc::fatal)
                  fatal(error.message);
                done(outcome == append_outcome::appended);
              });
  }

  agent_topics topics_;
  std::function<void(std::string)> on_fatal_;
};

} // namespace

std::unique_ptr<agent_port>
make_topic_agent_port(agent_topics topics,
                      std::function<void(std::string)> on_fatal) {
  return std::make_unique<topic_agent_port>(topics, std::move(on_fatal));
}

} // namespace berth
