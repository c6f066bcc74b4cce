#include "client/display_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace berth {

namespace {

constexpr int64_t ms_per_s = 1000;
constexpr int64_t s_per_min = 60;
constexpr int64_t s_per_h = 3600;
constexpr int64_t s_per_day = 86400;
constexpr const char* ellipsis = "\u2026";

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::tm local_time(int64_t at_ms) {
  auto seconds = static_cast<std::time_t>(at_ms / ms_per_s);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return parts;
}

} // namespace

std::size_t display_width(std::string_view text) {
  return text.size()
         - static_cast<std::size_t>(
             std::count_if(text.begin(), text.end(), continues_character));
}

std::string printable(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return result;
}

std::string cut_to_width(std::string_view text, std::size_t width) {
  if (display_width(text) <= width)
    return std::string{text};
  if (width == 0)
    return {};
  std::size_t end = 0;
  for (std::size_t columns = 0; end < text.size(); ++end)
    if (!continues_character(text[end]) && ++columns == width)
      break;
  return std::string{text.substr(0, end)} + ellipsis;
}

std::string padded(std::string_view text, std::size_t width) {
  std::string result{text};
  auto has = display_width(text);
  if (has < width)
    result.append(width - has, ' ');
  return result;
}

std::string print_duration(int64_t ms) {
  std::array<char, 64> text{};
  ms = std::max<int64_t>(ms, 0);
  auto s = ms / ms_per_s;
  if (s < s_per_min)
    std::snprintf(text.data(), text.size(), s < 10 ? "%.2f s" : "%.1f s",
                  static_cast<double>(ms) / 1000.0);
  else if (s < s_per_h)
    std::snprintf(text.data(), text.size(), "%lld m %02lld s",
                  static_cast<long long>(s / s_per_min),
                  static_cast<long long>(s % s_per_min));
  else if (s < s_per_day)
    std::snprintf(text.data(), text.size(), "%lld h %02lld m",
                  static_cast<long long>(s / s_per_h),
                  static_cast<long long>(s % s_per_h / s_per_min));
  else
    std::snprintf(text.data(), text.size(), "%lld d %lld h",
                  static_cast<long long>(s / s_per_day),
                  static_cast<long long>(s % s_per_day / s_per_h));
  return text.data();
}

std::string print_local_time(int64_t at_ms, int64_t now_ms) {
  if (at_ms <= 0)
    return "-";
  auto at = local_time(at_ms);
  auto now = local_time(now_ms);
  auto is_today = at.tm_year == now.tm_year && at.tm_yday == now.tm_yday;
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(),
                is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &at);
  return text.data();
}

std::string_view name_in_arn(std::string_view arn) {
  auto slash = arn.rfind('/');
  return slash == std::string_view::npos ? arn : arn.substr(slash + 1);
}

} // namespace berth
