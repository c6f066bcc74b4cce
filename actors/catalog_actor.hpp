// The catalog: accounts' environments, queues, definitions with revisions, and
// tags. It lives in shard 0 and decides every change of them; each node folds
// shard 0 into a replica of the same class, by `apply` alone, so that a gateway
// can resolve a submission.
#pragma once

#include "actors/draft.hpp"
#include "messages/catalog.hpp"
#include "messages/requests.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace berth {

struct catalog_options {
  /// Environments are spread over the shards from `first_environment_shard` to
  /// `shard_count` - 1.
  uint32_t shard_count = 1;
  uint32_t first_environment_shard = 0;
};

class catalog_actor {
public:
  explicit catalog_actor(catalog_options options) : options_(options) {}

  /// A mutation. Answers the token, and tells the environments' and queues'
  /// actors. A call known by its invocation id answers as it did before.
  void decide(call_token token, const catalog_call& call,
              const decision_context& context, draft& out) const;
  void decide(const queue_gone& message, const decision_context& context,
              draft& out) const;
  /// Forgets old answers when that is due.
  void advance(const decision_context& context, draft& out) const;
  std::optional<int64_t> next_due_ms() const;

  /// The describe and list-tags requests; other requests are not questions.
  result answer(const catalog_call& call) const;
  static bool is_question(const request& what);

  void apply(const environment_created& e);
  void apply(const environment_updated& e);
  void apply(const environment_deleted& e);
  void apply(const queue_created& e);
  void apply(const queue_updated& e);
  void apply(const queue_deleted& e);
  void apply(const definition_registered& e);
  void apply(const definition_deregistered& e);
  void apply(const object_tagged& e);
  void apply(const request_answered& e);
  void apply(const queue_name_freed& e);
  void apply(const requests_forgotten& e);

  // Look-ups by name or ARN; an ARN of another account or region, or of another
  // kind, finds nothing.
  const environment_object* find_environment(const account_region& owner,
                                             std::string_view name) const;
  const environment_object* find_environment(environment_uid uid) const;
  const queue_object* find_queue(const account_region& owner,
                                 std::string_view name) const;
  const queue_object* find_queue(queue_uid uid) const;
  /// Other shards in which queues of this name were until lately: the first try
  /// of a call may have made its job there.
  std::vector<shard_id> former_shards(const queue_object& queue) const;
  /// `name` and ARNs without a revision find the newest active one;
  /// `name:revision` finds that one, active or not.
  const definition_object* find_definition(const account_region& owner,
                                           std::string_view text) const;
  const std::map<environment_uid, environment_object>& environments() const {
    return environments_;
  }
  const std::map<queue_uid, queue_object>& queues() const { return queues_; }

  /// Moves the rows changed since the last call into `rows`.
  void cut_checkpoint(std::map<std::string, std::optional<std::string>>& rows);
  /// Takes a row of the store; false when it is not the catalog's.
  bool load_row(std::string_view key, std::string_view bytes);
  static row_range rows();

  void check_invariants() const;
  void add_to(state_hash& hash) const;

private:
  friend class catalog_decisions;

  using owned_name = std::pair<account_region, std::string>;

  struct remembered {
    response answer;
    int64_t at_ms = 0;
  };

  void put_row(const std::string& key, std::string bytes);
  template <class T>
  void changed(const std::string& key, const T& object);
  std::vector<const definition_object*>
  revisions_of(const owned_name& name) const;

  catalog_options options_;
  uint64_t last_uid_ = 0;
  std::map<environment_uid, environment_object> environments_;
  std::map<queue_uid, queue_object> queues_;
  std::map<owned_name, environment_uid> environment_names_;
  std::map<owned_name, queue_uid> queue_names_;
  std::map<owned_name, std::map<uint32_t, definition_object>> definitions_;
  std::map<std::string, remembered> answers_;
  std::set<std::pair<int64_t, std::string>> answers_by_time_;
  /// When a queue of the name left the shard, the last time.
  std::map<std::pair<owned_name, shard_id>, int64_t> freed_names_;
  std::set<std::pair<int64_t, std::pair<owned_name, shard_id>>>
      freed_names_by_time_;
  std::map<std::string, std::optional<std::string>> changed_rows_;
};

} // namespace berth
