// A scenario: a cluster in which nothing happens but what is written, told in
// short verbs. For bugs that a seed has found, so that they stay found when
// what the seed draws has changed.
//
//   scenario s{{.nodes = 2}};
//   s.environment("e", 4);
//   s.queue("q", {"e"});
//   auto job = s.submit("q", {.name = "a", .run_ms = 500});
//   s.crash_node(0);
//   s.expect(job, job_status::succeeded);
//   s.expect_rest();
//
// Each verb that asks something goes on in virtual time until it is answered.
// What is not as expected, and any checker that is violated, is thrown as a
// `scenario_failure`, with the end of the story.
#pragma once

#include "messages/job.hpp"
#include "messages/requests.hpp"
#include "messages/responses.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/parameters.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace berth::sim {

class cluster;

class scenario_failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

struct scenario_cluster {
  uint32_t nodes = 1;
  uint32_t shards = 1;
  uint32_t machines = 1;
  int64_t vcpus_per_machine = 4;
  /// 0 = leases never lapse, and agents are those of the node's own process.
  int64_t lease_ms = 0;
  /// There are public topics.
  bool has_topics = false;
};

struct scenario_job {
  std::string name;
  int64_t run_ms = 100;
  int64_t vcpu = 1;
  std::vector<int32_t> exit_codes{0};
  uint32_t attempts = 1;
  uint32_t array_size = 0;
  std::vector<requested_dependency> depends_on{};
  /// Of a process that it forks, see `job_script`.
  int64_t child_ms = 0;
};

class scenario {
public:
  explicit scenario(const scenario_cluster& c,
                    std::optional<breakage> with = std::nullopt);
  ~scenario();
  scenario(const scenario&) = delete;
  scenario& operator=(const scenario&) = delete;

  // The catalog.
  void environment(const std::string& name, int64_t max_vcpus);
  void queue(const std::string& name,
             const std::vector<std::string>& environments,
             int32_t priority = 1);
  /// Returns once it is gone.
  void delete_queue(const std::string& name);

  // Clients. `ask` is any request; it must be answered well.
  response ask(request what);
  job_id submit(const std::string& queue, const scenario_job& job);
  /// The last submission is tried once more.
  job_id submit_again();
  /// By the topic of submissions: appended, and not waited for.
  void produce(const std::string& queue, const scenario_job& job);
  void produce_text(const std::string& queue, std::string record);
  /// Goes on until the log has a job of that name.
  job_id job_named(const std::string& name);
  void cancel(const job_id& job);
  void terminate(const job_id& job);
  /// Sent, and not waited for.
  void send(request what);
  /// From now on clients ask this node; before that, any.
  void ask_only(uint32_t node);

  // Faults.
  void crash_node(uint32_t index);
  void start_node(uint32_t index);
  void pause_node(uint32_t index);
  void resume_node(uint32_t index);
  void lose_stores(uint32_t node);
  void fill_disk(uint32_t node);
  void free_disk(uint32_t node);
  /// It is started as one of the next version.
  void upgrade_node(uint32_t index);
  void take_over(uint32_t node, uint32_t shard);
  void crash_agent(uint32_t machine);
  void start_agent(uint32_t machine);
  /// Until it is started again.
  void drain_agent(uint32_t machine);
  void crash_keeper(uint32_t machine);
  void suspend_machine(uint32_t machine);
  void wake_machine(uint32_t machine);
  /// Between a node, or a machine, and the log of a shard; both ways.
  void cut_node(uint32_t node, uint32_t shard);
  void heal_node(uint32_t node, uint32_t shard);
  void cut_machine(uint32_t machine, uint32_t shard);
  void heal_machine(uint32_t machine, uint32_t shard);

  // Time.
  void run_for(int64_t ms);
  /// Until something has happened; at most two virtual minutes.
  void run_until(const std::string& what,
                 const std::function<bool(const history_entry&)>& happened);
  void run_until_started(const job_id& job);

  // What came of it.
  job_view describe(const job_id& job);
  /// Goes on until the job has this status; at most two virtual minutes.
  void expect(const job_id& job, job_status status);
  /// Everything comes to its end, and every checker held.
  void expect_rest();
  /// Where the last one of the job was started.
  uint32_t machine_of(const job_id& job) const;
  /// Until the job has had so many processes.
  void run_until_starts(const job_id& job, size_t count);
  /// How often processes of the job were started.
  size_t starts_of(const job_id& job) const;
  /// The entries of the history so far.
  const std::vector<history_entry>& story() const { return story_; }

private:
  struct parts;

  submit_job_request request_of(const std::string& queue,
                                const scenario_job& job);
  response answer_of(
      const std::function<void(std::function<void(std::optional<result>)>)>&
          call);
  void step_until(int64_t limit_ms, const std::string& what,
                  const std::function<bool()>& is_over);
  [[noreturn]] void fail(const std::string& what) const;
  cluster& all();

  std::vector<history_entry> story_;
  std::unique_ptr<parts> parts_;
};

} // namespace berth::sim
