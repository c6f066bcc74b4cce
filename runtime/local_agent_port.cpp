#include "runtime/local_agent_port.hpp"

#include "messages/assert.hpp"

#include <caf/send.hpp>
#include <utility>

namespace berth {

namespace {

class local_agent_port final : public agent_port {
public:
  local_agent_port(log& to, std::vector<shard_host_actor> shards)
      : log_(to), shards_(std::move(shards)) {}

  /// The catalog's shard knows of it first. A join that came before the
  /// environment's own shard has read of it would be passed over.
  void when_ready(const environment_object& environment,
                  std::function<bool()> is_wanted,
                  std::function<void()> then) override {
    caf::anon_send(shards_.at(environment.shard.value),
                   inspect_shard{[uid = environment.uid, is_wanted,
                                  then = std::move(then)](const shard* m) {
                     if (is_wanted() && m != nullptr
                         && m->state().environments().count(uid) == 0)
                       return false;
                     then();
                     return true;
                   }});
  }

  void append(shard_id to, std::string bytes, appended_callback done) override {
    log_.append(
        to, std::move(bytes),
        [done = std::move(done)](append_outcome outcome, const storage_error&) {
          done(outcome == append_outcome::appended);
        });
  }

  void tell(const dispatch_delivered_effect& e) override {
    caf::anon_send(
        shards_.at(e.source.value),
        taken_known{source_name(e.agent, e.session), e.up_to, false});
  }

  void tell(const session_attached_effect& e) override {
    auto to = source_name(e.agent, e.session);
    for (uint32_t i = 0; i < shards_.size(); ++i) {
      auto taken = e.last_taken.find(i);
      auto last = taken == e.last_taken.end() ? 0 : taken->second;
      caf::anon_send(shards_[i], taken_known{to, last, true});
    }
  }

  void append_heartbeat(std::string, appended_callback) override {
    BERTH_ASSERT(false, "with the embedded log a lease is for ever");
  }
  void look_at_dispatch_end(const agent_id&,
                            std::function<void(log_offset)>) override {
    BERTH_ASSERT(false, no_topic);
  }
  std::unique_ptr<log_reading>
  read_dispatches(const agent_id&, log_offset, records_callback,
                  std::function<void(storage_error)>) override {
    BERTH_ASSERT(false, no_topic);
    return nullptr;
  }

private:
  static constexpr const char* no_topic =
      "with the embedded log shards hand dispatches over themselves";

  log& log_;
  std::vector<shard_host_actor> shards_;
};

} // namespace

std::unique_ptr<agent_port>
make_local_agent_port(log& to, std::vector<shard_host_actor> shards) {
  return std::make_unique<local_agent_port>(to, std::move(shards));
}

} // namespace berth
