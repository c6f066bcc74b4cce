#include "client/client_failure.hpp"
#include "client/commands.hpp"
#include "client/display_text.hpp"
#include "client/table.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* member) {
  const auto& value = object.at(member);
  if (value.is_null())
    return "-";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string joined(const json& list) {
  std::string all;
  for (const auto& one : list)
    all += (all.empty() ? "" : ",")
           + (one.is_string() ? one.get<std::string>() : one.dump());
  return all.empty() ? "-" : all;
}

table table_of_nodes(const json& cluster) {
  table t;
  t.columns = {{"NODE"}, {"ENDPOINT"}, {"STATE"}, {"OWNS"}};
  for (const auto& n : cluster.at("nodes"))
    t.rows.push_back({text_of(n, "name"), text_of(n, "endpoint"),
                      n.at("leaving").get<bool>() ? "leaving" : "up",
                      joined(n.at("owned"))});
  return t;
}

table table_of_shards(const json& cluster) {
  table t;
  auto right = column_side::right;
  t.columns = {{"SHARD"},      {"OWNER"},        {"NEXT"},
               {"FOLLOWERS"},  {"EPOCH", right}, {"OFFSET", right},
               {"LAG", right}, {"LIVE", right},  {"RUNNABLE", right}};
  for (const auto& s : cluster.at("shards")) {
    auto owner = text_of(s, "owner");
    auto first = text_of(s, "ranked_first");
    t.rows.push_back({text_of(s, "id"), owner.empty() ? "nobody" : owner,
                      first == owner ? "" : first, joined(s.at("followers")),
                      text_of(s, "epoch"), text_of(s, "folded_offset"),
                      text_of(s, "lag"), text_of(s, "live_jobs"),
                      text_of(s, "runnable_jobs")});
  }
  return t;
}

table table_of_agents(const json& cluster) {
  table t;
  t.columns = {
      {"AGENT"}, {"SHARD"}, {"SESSION"}, {"HEARD", column_side::right}};
  for (const auto& a : cluster.at("agents"))
    t.rows.push_back(
        {text_of(a, "name"), text_of(a, "shard"), text_of(a, "session"),
         print_duration(a.at("silent_ms").get<int64_t>()) + " ago"});
  return t;
}

} // namespace

int show_cluster(command_context& context) {
  auto cluster = context.api().cluster();
  if (context.wants_json()) {
    context.print(cluster);
    return exit_status::done;
  }
  auto width = context.out_terminal().width;
  auto& out = context.out();
  out << "As node " << printable(text_of(cluster, "node")) << " sees it"
      << (cluster.at("known").get<bool>()
              ? ""
              : ", which does not hear the heartbeats now")
      << ":\n\n"
      << print_table(table_of_nodes(cluster), width) << "\n"
      << print_table(table_of_shards(cluster), width) << "\n";
  if (cluster.at("agents").empty())
    out << "No agent is heard.\n";
  else
    out << print_table(table_of_agents(cluster), width);
  return exit_status::done;
}

} // namespace berth
