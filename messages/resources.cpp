#include "messages/resources.hpp"

#include <algorithm>

namespace berth {

resources& resources::operator+=(const resources& other) {
  vcpu_milli += other.vcpu_milli;
  memory_mib += other.memory_mib;
  for (const auto& [name, amount] : other.named)
    named[name] += amount;
  return *this;
}

resources& resources::operator-=(const resources& other) {
  vcpu_milli -= other.vcpu_milli;
  memory_mib -= other.memory_mib;
  for (const auto& [name, amount] : other.named)
    named[name] -= amount;
  return *this;
}

bool fits(const resources& need, const resources& free) {
  if (need.vcpu_milli > free.vcpu_milli || need.memory_mib > free.memory_mib)
    return false;
  return std::all_of(need.named.begin(), need.named.end(), [&](auto& entry) {
    auto found = free.named.find(entry.first);
    return entry.second <= (found == free.named.end() ? 0 : found->second);
  });
}

int64_t times_fitting(const resources& need, const resources& free,
                      int64_t limit) {
  auto times = limit;
  auto bound = [&](int64_t needed, int64_t available) {
    if (needed > 0)
      times = std::min(times, std::max<int64_t>(available, 0) / needed);
  };
  bound(need.vcpu_milli, free.vcpu_milli);
  bound(need.memory_mib, free.memory_mib);
  for (const auto& [name, amount] : need.named) {
    auto found = free.named.find(name);
    bound(amount, found == free.named.end() ? 0 : found->second);
  }
  return times;
}

std::string to_string(const resources& r) {
  auto whole = r.vcpu_milli / 1000;
  auto fraction = r.vcpu_milli % 1000;
  auto text = std::to_string(whole);
  if (fraction != 0) {
    auto digits = std::to_string(1000 + fraction).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  text += r.vcpu_milli == 1000 ? " vCPU, " : " vCPUs, ";
  text += std::to_string(r.memory_mib) + " MiB";
  for (const auto& [name, amount] : r.named)
    text += ", " + std::to_string(amount) + " " + name;
  return text;
}

} // namespace berth
