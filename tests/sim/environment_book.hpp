// What the log says of compute environments, kept from outside: agents, leases,
// the demand that they have folded. Written from the protocol's description,
// sharing nothing with `actors/`.
#pragma once

#include "tests/sim/log_checker.hpp"

#include <map>

namespace berth::sim {

struct book_agent {
  session_id session;
  resources capacity;
  resources free;
  bool present = false;
  /// It finishes what it has, and is given no more.
  bool drains = false;
  bool takes_work() const { return present && !drains; }
};

struct book_lease {
  queue_uid queue;
  shape what;
  std::string agent;
};

struct book_demand {
  int32_t priority = 0;
  /// Without what was granted since, and without runs that lie beyond.
  std::vector<demand_run> unmet;
  /// The runs that do: how many there are, not in which order.
  std::vector<demand_run> beyond;
  struct granted {
    uint64_t number = 0;
    shape what;
    uint32_t count = 0;
  };
  std::vector<granted> unacknowledged;
  /// Agents kept for jobs of a shape.
  std::map<shape, std::vector<std::string>> kept;

  /// Also beyond the jobs that it tells one by one: what is kept for a shape
  /// stays kept for the next job of that shape.
  bool asks_for(const shape& what) const;
};

struct book_environment {
  environment_object object;
  std::map<std::string, book_agent> agents;
  std::map<queue_uid, book_demand> demands;
  std::map<lease_id, book_lease> leases;
  int64_t vcpu_milli_leased = 0;

  bool serves() const;
  bool is_managed() const {
    return object.settings.type == environment_type::managed;
  }
  /// Whether an empty agent could hold it, within the maximum.
  bool could_hold(const shape& what) const;
  /// Whether it fits now on an agent that is not kept for others. What is kept
  /// counts only while it is still asked for; `also` is kept as well.
  bool has_room(queue_uid queue, const shape& what,
                const std::vector<agents_reserved>& also = {}) const;
  void keep_no_more(const std::string& agent);
};

class environment_book {
public:
  void fold(const event& e);
  const book_environment* find(environment_uid uid) const;
  const std::map<environment_uid, book_environment>& all() const {
    return environments_;
  }

private:
  void fold(const agent_joined& e);
  void free(book_environment& environment, lease_id lease);

  std::map<environment_uid, book_environment> environments_;
};

} // namespace berth::sim
