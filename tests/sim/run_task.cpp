#include "tests/sim/run_task.hpp"

#include "messages/assert.hpp"
#include "tests/sim/breakages.hpp"
#include "tests/sim/parameter_fields.hpp"
#include "tests/sim/simulation.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

namespace berth::sim {

namespace {

template <class T>
bool parse(const std::string& text, T& into) {
  std::istringstream in(text);
  T value{};
  in >> value;
  if (in.fail() || !in.eof())
    return false;
  into = value;
  return true;
}

/// 1 = taken, 0 = no such name, -1 = no such value.
int set_parameter(parameters& p, const std::string& name,
                  const std::string& value) {
  auto found = 0;
  auto look = [&](std::string_view field_name, auto& field) {
    if (field_name == name)
      found = parse(value, field) ? 1 : -1;
  };
  each_field(p.cluster, look);
  each_field(p.workload, look);
  each_field(p.faults, look);
  look("faults_stop_ms", p.faults_stop_ms);
  look("drain_ms", p.drain_ms);
  return found;
}

} // namespace

std::optional<parameters> parameters_of(const run_task& t, std::string& error) {
  auto p = draw(t.seed);
  p.with_breakage = t.with_breakage;
  for (const auto& [name, value] : t.changed) {
    auto found = set_parameter(p, name, value);
    if (found == 1)
      continue;
    error = found == 0 ? "there is no parameter \"" + name
                             + "\"; tests/sim/parameters.hpp lists them"
                       : "parameter " + name + " is \"" + value
                             + "\"; it must be a number (0 or 1 for a switch)";
    return std::nullopt;
  }
  return p;
}

std::string command_of(const run_task& t) {
  auto command = "build/berth_sim --seed " + std::to_string(t.seed);
  if (t.with_breakage)
    command += " --breakage " + std::string(name_of(*t.with_breakage));
  for (const auto& [name, value] : t.changed)
    command += " --set " + name + "=" + value;
  return command;
}

run_outcome perform(const run_task& t) {
  std::string error;
  auto p = parameters_of(t, error);
  BERTH_ASSERT(p, "the command line was checked");
  auto result = run(*p);
  run_outcome o;
  o.final_hash = result.final_hash;
  if (result.found) {
    o.checker = result.found->checker;
    o.what = result.found->what;
  }
  o.jobs_finished = result.jobs_finished;
  o.records = result.records;
  o.steps = result.steps;
  o.virtual_us = result.virtual_time;
  o.situations = std::move(result.situations);
  o.faults = std::move(result.faults);
  if (t.check_repeat && o.held() && run(*p).final_hash != o.final_hash) {
    o.checker = "same_seed_same_hash";
    o.what = "a second run of the same seed ended with another hash";
  }
  return o;
}

std::string to_bytes(const run_task& t) {
  nlohmann::json j{{"seed", t.seed},
                   {"changed", t.changed},
                   {"check_repeat", t.check_repeat}};
  if (t.with_breakage)
    j["breakage"] = static_cast<int>(*t.with_breakage);
  return j.dump();
}

run_task task_from(const std::string& bytes) {
  auto j = nlohmann::json::parse(bytes);
  run_task t;
  t.seed = j.at("seed");
  t.changed = j.at("changed").get<std::map<std::string, std::string>>();
  t.check_repeat = j.at("check_repeat");
  if (j.contains("breakage"))
    t.with_breakage = static_cast<breakage>(j.at("breakage").get<int>());
  return t;
}

std::string to_bytes(const run_outcome& o) {
  return nlohmann::json{{"hash", o.final_hash},
                        {"checker", o.checker},
                        {"what", o.what},
                        {"jobs", o.jobs_finished},
                        {"records", o.records},
                        {"steps", o.steps},
                        {"virtual_us", o.virtual_us},
                        {"situations", o.situations},
                        {"faults", o.faults}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

run_outcome outcome_from(const std::string& bytes) {
  auto j = nlohmann::json::parse(bytes);
  run_outcome o;
  o.final_hash = j.at("hash");
  o.checker = j.at("checker");
  o.what = j.at("what");
  o.jobs_finished = j.at("jobs");
  o.records = j.at("records");
  o.steps = j.at("steps");
  o.virtual_us = j.at("virtual_us");
  o.situations = j.at("situations").get<std::map<std::string, uint64_t>>();
  o.faults = j.at("faults").get<std::map<std::string, uint64_t>>();
  return o;
}

run_outcome outcome_of_death(const std::string& last_words) {
  run_outcome o;
  o.checker =
      last_words == "does not end in real time" ? "run_ends" : "assertion";
  o.what = last_words;
  return o;
}

} // namespace berth::sim
