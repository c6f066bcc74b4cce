#include "runtime/output_files.hpp"

#include "runtime/attempt_files.hpp"
#include "runtime/output_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

namespace berth {

namespace {

namespace fs = std::filesystem;

printed_lines to_lines(output_page page) {
  printed_lines lines;
  lines.begin = page.begin;
  lines.end = page.end;
  lines.is_at_end = page.is_at_end;
  auto position =
      std::max(page.begin, static_cast<int64_t>(output_magic.size()));
  for (auto& e : page.events) {
    auto size = output_record_overhead + e.text.size();
    lines.lines.push_back({e.time_ms, position, std::move(e.text)});
    position += static_cast<int64_t>(size);
  }
  return lines;
}

class output_files final : public output_source {
public:
  explicit output_files(std::string data_folder)
      : folder_(std::move(data_folder)) {}

  std::vector<printed_attempt> attempts(size_t limit) override {
    std::vector<printed_attempt> found;
    std::error_code error;
    for (const auto& part :
         fs::directory_iterator(fs::path(folder_) / "output", error))
      for (const auto& file : fs::directory_iterator(part.path(), error))
        if (auto attempt =
                parse_output_file_name(file.path().filename().string()))
          add(*attempt, file.path(), found);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return a.changed_ms > b.changed_ms;
    });
    if (found.size() > limit)
      found.resize(limit);
    return found;
  }

  printed_lines read(const attempt_id& attempt, int64_t from,
                     const printed_lines_limits& limits) override {
    return to_lines(read_output(output_file_path(folder_, attempt), from,
                                {limits.lines_max, limits.bytes_max}));
  }

  printed_lines read_before(const attempt_id& attempt, int64_t before,
                            const printed_lines_limits& limits) override {
    return to_lines(read_output_before(output_file_path(folder_, attempt),
                                       before,
                                       {limits.lines_max, limits.bytes_max}));
  }

private:
  static void add(const attempt_id& attempt, const fs::path& path,
                  std::vector<printed_attempt>& found) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0)
      return;
    found.push_back({attempt,
                     static_cast<int64_t>(status.st_mtim.tv_sec) * 1000
                         + status.st_mtim.tv_nsec / 1'000'000,
                     status.st_size});
  }

  std::string folder_;
};

} // namespace

std::unique_ptr<output_source> make_output_files(std::string data_folder) {
  return std::make_unique<output_files>(std::move(data_folder));
}

} // namespace berth
