#include "api/berth/cluster.hpp"

#include "api/json_writer.hpp"

namespace berth {

namespace {

void print_shards(json_writer& json, const std::vector<cluster_shard>& shards) {
  json.key("shards").begin_array();
  for (const auto& s : shards) {
    json.begin_object();
    json.member("id", s.id.value);
    json.member("owner", s.owner);
    json.member("ranked_first", s.ranked_first);
    json.member("followers", s.followers);
    json.member("at_rest", s.is_at_rest);
    json.member("epoch", s.at_epoch);
    json.member("folded_offset", s.folded_offset);
    json.member("seq", s.seq);
    if (s.is_at_rest)
      json.key("lag").raw("null");
    else
      json.member("lag", s.lag);
    json.member("live_jobs", s.live_jobs);
    json.member("runnable_jobs", s.runnable_jobs);
    json.end_object();
  }
  json.end_array();
}

void print_nodes(json_writer& json, const std::vector<cluster_node>& nodes) {
  json.key("nodes").begin_array();
  for (const auto& n : nodes) {
    json.begin_object();
    json.member("name", n.name);
    json.member("endpoint", n.endpoint);
    json.member("leaving", n.is_leaving);
    json.key("owned").begin_array();
    for (auto shard : n.owned)
      json.integer(shard.value);
    json.end_array();
    json.end_object();
  }
  json.end_array();
}

void print_agents(json_writer& json, const std::vector<cluster_agent>& agents) {
  json.key("agents").begin_array();
  for (const auto& a : agents) {
    json.begin_object();
    json.member("name", a.agent.name);
    json.member("environment_uid", a.agent.environment.value);
    json.member("shard", a.environment_shard.value);
    json.member("session", std::to_string(a.session.keeper_start) + "."
                               + std::to_string(a.session.lease_number));
    json.member("silent_ms", a.silent_ms);
    json.end_object();
  }
  json.end_array();
}

} // namespace

std::string print_cluster(const cluster_report& report) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.member("node", report.node);
  json.member("known", report.is_known);
  print_nodes(json, report.nodes);
  print_shards(json, report.shards);
  print_agents(json, report.agents);
  json.end_object();
  return out;
}

} // namespace berth
