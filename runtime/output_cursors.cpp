#include "runtime/output_cursors.hpp"

#include "runtime/file_descriptor.hpp"

#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace berth {

namespace {

constexpr char first_line[] = "berth-cursors 1";

} // namespace

std::vector<log_offset> load_cursors(const std::string& path, const log& of) {
  std::vector<log_offset> none(of.partitions(), 0);
  std::ifstream file{path};
  std::string format;
  std::string cluster;
  if (!std::getline(file, format) || !std::getline(file, cluster)
      || format != first_line || cluster != of.cluster_id())
    return none;
  auto cursors = none;
  for (auto& cursor : cursors)
    if (!(file >> cursor) || cursor < 0)
      return none;
  return cursors;
}

bool save_cursors(const std::string& path, const log& of,
                  const std::vector<log_offset>& cursors) {
  std::ostringstream text;
  text << first_line << '\n' << of.cluster_id() << '\n';
  for (auto cursor : cursors)
    text << cursor << '\n';
  auto bytes = text.str();
  auto made = path + ".new";
  file_descriptor file{
      open(made.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  return file && syncfs(file.get()) == 0
         && write(file.get(), bytes.data(), bytes.size())
                == static_cast<ssize_t>(bytes.size())
         && fsync(file.get()) == 0 && rename(made.c_str(), path.c_str()) == 0;
}

} // namespace berth
