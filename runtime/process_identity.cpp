#include "runtime/process_spawner.hpp"

#include <charconv>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr int groups_max = 1024;

std::optional<uint32_t> parse_number(const std::string& text) {
  uint32_t value = 0;
  auto end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || at != end)
    return std::nullopt;
  return value;
}

std::optional<gid_t> find_group(const std::string& text) {
  if (const auto* entry = getgrnam(text.c_str()))
    return entry->gr_gid;
  return parse_number(text);
}

struct named_limit {
  const char* name;
  int resource;
};

constexpr named_limit named_limits[] = {
    {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},         {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},       {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},     {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},           {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

} // namespace

std::optional<process_user> find_user(const std::string& text,
                                      std::string& error) {
  auto colon = text.find(':');
  auto name = text.substr(0, colon);
  process_user user;
  if (const auto* entry = getpwnam(name.c_str())) {
    user.uid = entry->pw_uid;
    user.gid = entry->pw_gid;
    user.groups.resize(groups_max);
    int count = groups_max;
    if (getgrouplist(entry->pw_name, user.gid, user.groups.data(), &count) < 0)
      count = groups_max;
    user.groups.resize(static_cast<size_t>(count));
  } else if (auto number = parse_number(name)) {
    user.uid = *number;
    const auto* of_number = getpwuid(*number);
    user.gid = of_number ? of_number->pw_gid : 0;
    user.groups = {user.gid};
  } else {
    error = "unable to find user " + name + ": no matching entries in passwd "
            + "file";
    return std::nullopt;
  }
  if (colon != std::string::npos) {
    auto group = find_group(text.substr(colon + 1));
    if (!group) {
      error = "unable to find group " + text.substr(colon + 1)
              + ": no matching entries in group file";
      return std::nullopt;
    }
    user.gid = *group;
    user.groups = {*group};
  }
  if (geteuid() != 0 && (user.uid != geteuid() || user.gid != getegid())) {
    error = "user " + text + " asked for, but Berth's keeper runs as user "
            + std::to_string(geteuid())
            + " and only root may start jobs as another user";
    return std::nullopt;
  }
  return user;
}

std::optional<int> find_limit(const std::string& name) {
  for (const auto& limit : named_limits)
    if (name == limit.name)
      return limit.resource;
  return std::nullopt;
}

} // namespace berth
