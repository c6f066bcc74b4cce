#include "api/berth/state_change_event.hpp"

#include "api/aws_batch/job_details.hpp"
#include "api/json_writer.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <openssl/evp.h>
#include <string_view>

namespace berth {

namespace {

/// FNV-1a.
uint64_t hash_of(std::string_view text, uint64_t hash) {
  for (auto c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

/// A UUID of the event's job and change.
std::string event_id(const job_event& event) {
  auto text = to_string(event.job.key) + "@" + event.change;
  auto low = hash_of(text, 0xcbf29ce484222325ULL);
  auto high = hash_of(text, low);
  std::array<uint8_t, 16> bytes{};
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<uint8_t>(high >> (8 * i));
    bytes[8 + i] = static_cast<uint8_t>(low >> (8 * i));
  }
  auto shard = static_cast<uint32_t>(low & 0xfff);
  return to_string(make_job_id(bytes, shard_id{shard}));
}

void print_detail(json_writer& json, const job_view& job,
                  const std::string& arn) {
  json.begin_object();
  aws_batch::print_job_members(json, job);
  json.key("tags").begin_object();
  for (const auto& [key, value] : job.tags)
    json.member(key, value);
  json.member("resourceArn", arn);
  json.end_object();
  json.end_object();
}

void print_event(json_writer& json, const job_event& event) {
  const auto& job = event.job;
  auto arn = make_arn(job.owner, resource_kind::job, to_string(job.key));
  json.member("version", "0");
  json.member("id", event_id(event));
  json.member("detail-type", "Batch Job State Change");
  json.member("source", "aws.batch");
  json.member("account", job.owner.account);
  json.member("time", print_utc(event.at_ms));
  json.member("region", job.owner.region);
  json.member("resources", std::vector<std::string>{arn});
  print_detail(json.key("detail"), job, arn);
}

std::string base64_of(std::string_view bytes) {
  // Four characters for each three bytes, and a NUL.
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  auto length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(length));
  return out;
}

} // namespace

std::string print_utc(int64_t unix_ms) {
  using namespace std::chrono;
  auto at = floor<seconds>(sys_time<milliseconds>{milliseconds{unix_ms}});
  auto day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss time{at - day};
  std::array<char, 64> text;
  std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()));
  return text.data();
}

std::optional<int64_t> parse_utc(const std::string& text) {
  for (const auto* format :
       {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    tm parts{};
    const auto* rest = strptime(text.c_str(), format, &parts);
    if (rest == nullptr || (*rest == 'Z' ? rest[1] : *rest) != '\0')
      continue;
    return static_cast<int64_t>(timegm(&parts)) * 1000;
  }
  return std::nullopt;
}

std::string print_stream_end(const api_error& why) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.key("error").begin_object();
  json.member("message", why.message);
  json.end_object();
  json.end_object();
  out += '\n';
  return out;
}

std::string print_state_change(const job_event& event) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.member("position", event.position);
  print_event(json, event);
  json.end_object();
  out += '\n';
  return out;
}

std::string print_published_change(const job_event& event,
                                   const change_sequence& sequence) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.key("sequence").begin_object();
  json.member("shard", sequence.shard.value);
  json.member("offset", sequence.offset);
  json.member("number", sequence.number);
  json.end_object();
  print_event(json, event);
  json.end_object();
  return out;
}

std::string print_rejection(const rejected_submission& rejected) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  json.member("reason", rejected.reason);
  json.member("error", "ClientException");
  json.member("topic", rejected.topic);
  json.member("partition", rejected.partition);
  json.member("offset", rejected.offset);
  if (!rejected.original) {
    json.key("timestamp").raw("null");
    json.key("original").raw("null");
  } else {
    json.member("timestamp", rejected.timestamp_ms);
    if (repaired_utf8(*rejected.original) == *rejected.original) {
      json.member("original", *rejected.original);
    } else {
      json.key("original").raw("null");
      json.member("originalBase64", base64_of(*rejected.original));
    }
  }
  json.end_object();
  return out;
}

} // namespace berth
