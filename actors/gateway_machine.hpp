// The gateway's logic: which shard an API request goes to, what has to be asked
// before, and how answers of several shards become one. Pure: a host brings
// calls to owners and answers back.
#pragma once

#include "actors/admission.hpp"
#include "actors/catalog_actor.hpp"
#include "actors/draft.hpp"
#include "messages/calls.hpp"
#include "messages/record.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <variant>
#include <vector>

namespace berth {

/// A request's own number at this gateway.
using request_token = uint64_t;

struct call_shard_effect {
  shard_id to;
  call_token token = 0;
  shard_call what;
};
struct answer_request_effect {
  request_token token = 0;
  result answer;
};
/// What became of a `resolve`.
struct submission_resolved_effect {
  request_token token = 0;
  resolved_submission what;
};
/// Answer the token once every node's replica of the catalog has folded what
/// can be read in the log now, as well as that can be known. Only where there
/// are other nodes.
struct spread_change_effect {
  call_token token = 0;
  /// Whose answer waits.
  request_token request = 0;
};
using gateway_effect =
    std::variant<call_shard_effect, answer_request_effect,
                 submission_resolved_effect, spread_change_effect>;

struct gateway_options {
  uint32_t shard_count = 1;
  /// The dialect's: stored details and those of an update become new details.
  std::function<std::string(const std::string&, const std::string&)>
      merge_details;
  /// There are other nodes, which have replicas of the catalog.
  bool is_replicated = false;
};

class gateway_machine {
public:
  explicit gateway_machine(gateway_options options);

  /// `call_hash`: 128 bits of a hash of account, region, invocation id,
  /// operation and body (see "Ids make retries safe").
  void on_request(request_token token, caller who, request what,
                  const std::array<uint8_t, 16>& call_hash);
  /// A submission that comes by a topic: its names and dependencies are
  /// resolved and confirmed as those of an API call are, and nothing is
  /// submitted; gives a `submission_resolved_effect`.
  void resolve(request_token token, account_region owner,
               submit_job_request what);
  /// Whether other nodes take this one for a member: they wait for its replica
  /// then. Until it is one, and has seen the log's end since, each request is
  /// resolved behind a barrier. Only where there are other nodes.
  void on_membership(bool is_member);
  /// The answer to a `call_shard_effect` or `spread_change_effect`.
  void on_answer(call_token token, result answer);
  /// What shard 0 decided, in log order; other shards' decisions are ignored by
  /// their events' kind.
  void on_folded(const decision_record& decision);
  /// A row of the catalog, at start.
  void load_row(std::string_view key, std::string_view bytes);

  std::vector<gateway_effect> take_effects();

  const catalog_actor& catalog() const { return replica_; }
  size_t open_requests() const { return open_.size(); }

private:
  /// A request on its way: what it waits for, and what it goes on with.
  struct open_request {
    uint64_t number = 0;
    request_token token = 0;
    caller who;
    request what;
    std::array<uint8_t, 16> call_hash{};
    /// Looked again behind a barrier already.
    bool confirmed = false;
    bool dependencies_checked = false;
    /// The queue for which earlier tries were looked for elsewhere.
    std::optional<queue_uid> looked_elsewhere;
    /// Of `resolve`.
    bool only_resolves = false;
    std::optional<admitted_submission> admitted;
    /// Answers still to come, and those that came.
    size_t outstanding = 0;
    std::vector<result> answers;
    std::function<void(open_request&)> then;
  };

  void start(open_request& r);
  void go_on(open_request& r);
  void submit(open_request& r);
  void look_for_earlier_try(open_request& r,
                            const std::vector<shard_id>& shards,
                            std::function<void(open_request&)> otherwise);
  void refuse_unless_known(open_request& r, api_error why);
  void check_dependencies(open_request& r);
  void on_dependencies(open_request& r);
  void describe(open_request& r, const describe_jobs_request& asked);
  void end(open_request& r, const std::string& job, bool terminate,
           const std::string& reason);
  void list(open_request& r, const list_jobs_request& asked);
  void snapshot(open_request& r, const queue_snapshot_request& asked);
  void why(open_request& r, const why_request& asked);
  void tag_job(open_request& r, const parsed_arn& arn);
  void describe_environments(open_request& r,
                             const describe_environments_request& asked);
  /// Asks the other shards for what the catalog's does not know.
  void fill_environments(open_request& r);
  /// Runs `again` behind a barrier at the shard; the first time only.
  bool confirm(open_request& r, shard_id at,
               std::function<void(open_request&)> again);
  void to_catalog(open_request& r);
  /// The answer is given once it is known everywhere.
  void spread(open_request& r, result answer);
  void ask(open_request& r, shard_id to, shard_call what);
  void pass_on(open_request& r, shard_id to, shard_call what);
  void finish(open_request& r, result answer);
  void grow_stale();
  bool exists(shard_id shard) const {
    return shard.value < options_.shard_count;
  }

  gateway_options options_;
  catalog_actor replica_;
  bool is_member_ = false;
  /// The replica has all changes that were answered before it was waited for.
  bool is_fresh_ = false;
  /// How often it was taken for fresh no more.
  uint64_t grown_stale_ = 0;
  uint64_t last_number_ = 0;
  std::map<uint64_t, std::unique_ptr<open_request>> open_;
  std::map<call_token, uint64_t> calls_;
  std::vector<gateway_effect> effects_;
};

} // namespace berth
