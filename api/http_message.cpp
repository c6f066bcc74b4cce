#include "api/http_message.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace berth {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void append_json_text(std::string& out, std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      // What is quoted here may be any bytes, which JSON may not hold.
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
}

void append_header(std::string& out, std::string_view name,
                   std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

void append_framing(std::string& out, int status,
                    const http_head_options& options) {
  // RFC 9110, 8.6: these two have no body and no Content-Length.
  if (status == 204 || status == 304)
    return;
  if (options.framing == http_framing::chunked)
    append_header(out, "Transfer-Encoding", "chunked");
  else if (options.framing == http_framing::sized)
    append_header(out, "Content-Length", std::to_string(options.body_bytes));
}

} // namespace

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  if (left.size() != right.size())
    return false;
  for (std::size_t i = 0; i < left.size(); ++i)
    if (lower(left[i]) != lower(right[i]))
      return false;
  return true;
}

void http_headers::add(std::string_view name, std::string_view value) {
  place added;
  added.begin = static_cast<uint32_t>(text_.size());
  added.name_length = static_cast<uint32_t>(name.size());
  added.value_length = static_cast<uint32_t>(value.size());
  text_.append(name);
  text_.append(value);
  places_.push_back(added);
}

void http_headers::clear() {
  text_.clear();
  places_.clear();
}

std::optional<std::string_view>
http_headers::find(std::string_view name) const {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    auto header = (*this)[i];
    if (equal_ignoring_case(header.name, name))
      return header.value;
  }
  return std::nullopt;
}

std::size_t http_headers::count(std::string_view name) const {
  std::size_t found = 0;
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (equal_ignoring_case((*this)[i].name, name))
      ++found;
  return found;
}

http_header http_headers::operator[](std::size_t position) const {
  const auto& at = places_[position];
  auto text = std::string_view{text_};
  return {text.substr(at.begin, at.name_length),
          text.substr(at.begin + at.name_length, at.value_length)};
}

std::string_view reason_phrase(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 413:
    return "Content Too Large";
  case 415:
    return "Unsupported Media Type";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  default:
    return "Status";
  }
}

http_response error_response(int status, std::string_view type,
                             std::string_view message) {
  http_response response;
  response.status = status;
  response.headers.add("x-amzn-errortype", type);
  response.body = "{\"__type\":\"";
  append_json_text(response.body, type);
  response.body += "\",\"message\":\"";
  append_json_text(response.body, message);
  response.body += "\"}";
  return response;
}

void append_response_head(std::string& out, const http_response& response,
                          const http_head_options& options) {
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  if (!options.date.empty())
    append_header(out, "Date", options.date);
  if (!response.content_type.empty())
    append_header(out, "Content-Type", response.content_type);
  append_framing(out, response.status, options);
  if (!options.keep_alive)
    append_header(out, "Connection", "close");
  else if (options.http_1_0)
    append_header(out, "Connection", "keep-alive");
  for (std::size_t i = 0; i < response.headers.size(); ++i) {
    auto header = response.headers[i];
    append_header(out, header.name, header.value);
  }
  out += "\r\n";
}

std::string http_date(int64_t unix_seconds) {
  constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed",
                                            "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr",
                                               "May", "Jun", "Jul", "Aug",
                                               "Sep", "Oct", "Nov", "Dec"};
  auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm broken{};
  if (gmtime_r(&seconds, &broken) == nullptr)
    return {};
  // The widest year an int holds must fit.
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                days[static_cast<std::size_t>(broken.tm_wday)], broken.tm_mday,
                months[static_cast<std::size_t>(broken.tm_mon)],
                broken.tm_year + 1900, broken.tm_hour, broken.tm_min,
                broken.tm_sec);
  return text.data();
}

} // namespace berth
