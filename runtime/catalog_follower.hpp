// Follows shard 0 of the log and tells the environments that there are.
#pragma once

#include "messages/catalog.hpp"
#include "storage/log.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace berth {

class catalog_follower {
public:
  using environments = std::shared_ptr<std::vector<environment_object>>;

  /// Calls `changed` with all environments once it has read what the log holds
  /// now, and whenever they change; `failed`, once, when it cannot read on,
  /// with what to do. Both from a thread of the log. `from` outlives the
  /// follower; no call is made once its destructor has returned.
  catalog_follower(log& from, std::function<void(environments)> changed,
                   std::function<void(std::string)> failed);
  ~catalog_follower();
  catalog_follower(const catalog_follower&) = delete;
  catalog_follower& operator=(const catalog_follower&) = delete;

private:
  class state;
  std::shared_ptr<state> state_;
  std::unique_ptr<log_reading> reading_;
};

} // namespace berth
