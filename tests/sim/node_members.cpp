#include "tests/sim/node_members.hpp"

#include "messages/assert.hpp"
#include "messages/codec.hpp"
#include "tests/sim/cluster.hpp"
#include "tests/sim/sim_node.hpp"

#include <algorithm>

namespace berth::sim {

namespace {

/// The one partition.
constexpr shard_id heartbeats{0};
/// A node whose own heartbeats have not come back for so many intervals takes
/// the broker for lost.
constexpr int64_t intervals_until_lost = 3;

membership_settings settings_of(sim_node& node, const std::string& nonce) {
  membership_settings s;
  s.node = node.name();
  s.nonce = nonce;
  s.endpoint = node.endpoint();
  s.timeout_ms = node.world().cluster().membership_timeout_ms;
  return s;
}

} // namespace

node_members::node_members(sim_node& node)
    : node_(node), members_(settings_of(node, node.random().nonce())) {}

node_members::~node_members() {
  if (reading_ != 0)
    node_.world().heartbeats.stop_reading(reading_);
}

void node_members::set_clock() {
  members_.on_clock(node_.clock().boottime_ms(node_.world().now()));
}

void node_members::start() {
  set_clock();
  own_heard_at_ = node_.world().now();
  auto& topic = node_.world().heartbeats;
  topic.end_offset(node_.log_client(), heartbeats, [this](log_offset end) {
    // As far back as a member may have been silent.
    const auto& records = node_.world().heartbeats.records(heartbeats);
    auto back = 2 * node_.world().cluster().membership_timeout_ms;
    auto from = end;
    while (from > 0
           && records[static_cast<size_t>(from - 1)].append_ms + back
                  > records[static_cast<size_t>(end - 1)].append_ms)
      --from;
    read_on(from, end);
  });
  beat();
}

void node_members::read_on(log_offset from, log_offset end) {
  next_ = from;
  end_at_start_ = end;
  if (from == end) {
    end_at_start_.reset();
    members_.on_read_to_end();
  }
  reading_ = node_.world().heartbeats.start_reading(
      node_.log_client(), heartbeats, from,
      [this](const std::vector<log_record>& records) { take(records); });
}

void node_members::take(const std::vector<log_record>& records) {
  set_clock();
  for (const auto& r : records) {
    auto read = decode<heartbeat>(r.bytes);
    BERTH_ASSERT(read, "heartbeats can be read");
    if (const auto* member = std::get_if<node_heartbeat>(&read->body)) {
      members_.on_heartbeat(*member, r.offset);
      if (member->endpoint == node_.endpoint())
        own_heard_at_ = node_.world().now();
    } else {
      const auto& agent = std::get<agent_heartbeat>(read->body);
      node_.shard(agent.environment_shard).on_agent_heartbeat(agent);
    }
  }
  next_ = records.back().offset + 1;
  if (end_at_start_ && next_ >= *end_at_start_) {
    end_at_start_.reset();
    members_.on_read_to_end();
  }
  answer_looks();
  tell_members();
  tell_holders();
  if (members_.replaced_by())
    node_.stop_replaced(*members_.replaced_by());
}

void node_members::look_at_end(shard_id of, uint64_t look) {
  node_.world().heartbeats.end_offset(node_.log_client(), heartbeats,
                                      [this, of, look](log_offset end) {
                                        looks_.push_back({of, look, end});
                                        answer_looks();
                                      });
}

void node_members::answer_looks() {
  while (!looks_.empty() && looks_.front().end <= next_) {
    auto done = looks_.front();
    looks_.pop_front();
    node_.shard(done.of).on_heartbeats_read(done.look);
  }
}

void node_members::beat() {
  set_clock();
  tell_members();
  look_at_broker();
  std::vector<shard_id> owned;
  std::vector<shard_id> warm;
  for (uint32_t i = 0; i < node_.world().cluster().shards; ++i) {
    if (node_.shard(shard_id{i}).is_owner())
      owned.push_back(shard_id{i});
    if (node_.shard(shard_id{i}).is_warm())
      warm.push_back(shard_id{i});
  }
  heartbeat h;
  h.body = members_.own_heartbeat(false, std::move(owned), std::move(warm));
  node_.world().heartbeats.append(node_.log_client(), heartbeats, encode(h),
                                  [](append_outcome) {});
  choose_shards();
  node_.life().after(node_.world().cluster().heartbeat_interval_ms
                         * millisecond,
                     [this] { beat(); });
}

void node_members::choose_shards() {
  for (uint32_t i = 0; i < node_.world().cluster().shards; ++i) {
    shard_id id{i};
    auto& shard = node_.shard(id);
    auto owns = members_.should_own(id, shard.is_warm());
    shard.set_candidate(owns);
    if (!owns)
      shard.set_followed(
          members_.should_follow(id, shard.driver().is_followed()));
  }
}

void node_members::look_at_broker() {
  auto silent = node_.world().now() - own_heard_at_;
  auto limit = intervals_until_lost
               * node_.world().cluster().heartbeat_interval_ms * millisecond;
  auto is_lost = silent > limit;
  if (is_lost == broker_is_lost_)
    return;
  broker_is_lost_ = is_lost;
  for (uint32_t i = 0; i < node_.world().cluster().shards; ++i)
    node_.shard(shard_id{i}).on_broker(!is_lost);
}

void node_members::tell_members() {
  std::vector<std::string> endpoints;
  for (const auto& m : members_.members())
    endpoints.push_back(m.endpoint);
  if (endpoints == endpoints_told_)
    return;
  endpoints_told_ = endpoints;
  node_.gateway().on_members(endpoints);
}

void node_members::tell_holders() {
  for (uint32_t i = 0; i < node_.world().cluster().shards; ++i)
    if (auto holder = members_.holder(shard_id{i}))
      node_.gateway().on_holder(shard_id{i}, holder->endpoint);
}

} // namespace berth::sim
