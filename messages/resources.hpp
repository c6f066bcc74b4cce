// Resources and shapes: what a job needs and what an agent has.
#pragma once

#include "messages/fields.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <string>

namespace berth {

/// A named vector. CPU is counted in thousandths of a vCPU, memory in MiB,
/// anything else by its name.
struct resources {
  int64_t vcpu_milli = 0;
  int64_t memory_mib = 0;
  std::map<std::string, int64_t> named;
  BERTH_FIELDS(vcpu_milli, memory_mib, named)
  friend auto operator<=>(const resources&, const resources&) = default;
  friend bool operator==(const resources&, const resources&) = default;

  resources& operator+=(const resources& other);
  resources& operator-=(const resources& other);
};

/// Whether `need` can be taken out of `free`.
bool fits(const resources& need, const resources& free);
/// How many times `need` can be taken out of `free`; at most `limit`.
int64_t times_fitting(const resources& need, const resources& free,
                      int64_t limit);
/// `1 vCPU, 512 MiB` as people read it.
std::string to_string(const resources& r);

/// Jobs of one shape are the same to placement.
struct shape {
  resources each;
  uint32_t node_count = 1;
  BERTH_FIELDS(each, node_count)
  friend auto operator<=>(const shape&, const shape&) = default;
  friend bool operator==(const shape&, const shape&) = default;
};

} // namespace berth
