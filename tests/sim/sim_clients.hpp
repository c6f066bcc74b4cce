// The clients: each call goes to some node's gateway and, like an SDK's, is
// tried again with the same invocation id while nobody answers it for good.
#pragma once

#include "tests/sim/process_life.hpp"
#include "tests/sim/sim_world.hpp"
#include "tests/sim/workload.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace berth::sim {

class cluster;

class sim_clients final : public workload_world {
public:
  sim_clients(sim_world& world, cluster& all);

  timeline& time() override { return world_.time; }
  void call(uint32_t client, request what,
            std::function<void(std::optional<result>)> done) override;
  void script(job_script s) override;
  void submit_by_topic(uint32_t client, const std::string& queue,
                       std::string record, std::function<void()> done) override;
  bool submissions_are_settled() const override;
  void follow_jobs(std::function<void(const job_id&, const std::string& name,
                                      uint32_t array_size)>
                       seen) override;
  /// The last submission once more, as an SDK does that has lost the answer.
  void repeat_submission(std::function<void(std::optional<result>)> done);

  /// From now on all clients ask this node.
  void ask_only(uint32_t node) { only_ = node; }

  bool is_quiet() const { return open_.empty(); }

private:
  struct open_call {
    uint32_t client = 0;
    std::shared_ptr<const request> what;
    std::function<void(std::optional<result>)> done;
    uint32_t tries = 0;
    /// Tries that nobody has answered or given up.
    uint32_t waiting = 0;
    bool is_settled = false;
    std::optional<size_t> first_answer;
  };
  using shared_call = std::shared_ptr<open_call>;

  void produce(const log_client& by, shard_id to,
               std::shared_ptr<const std::string> record,
               std::function<void()> done);
  void attempt(uint64_t number, const shared_call& c);
  void answered(uint64_t number, const shared_call& c, uint32_t try_number,
                const result& answer);
  void given_up(uint64_t number, const shared_call& c, uint32_t try_number);
  void settle(uint64_t number, const shared_call& c,
              std::optional<result> answer);

  sim_world& world_;
  cluster& all_;
  random_source random_;
  /// Clients do not die; some only ask again.
  process_life life_;
  std::optional<uint32_t> only_;
  uint64_t last_call_ = 0;
  std::pair<uint64_t, shared_call> last_submission_;
  std::map<uint64_t, shared_call> open_;
  uint64_t open_submissions_ = 0;
  /// By shard: the greatest one that was handled.
  std::map<shard_id, std::pair<log_offset, uint64_t>> changes_handled_;
};

} // namespace berth::sim
