#include "api/aws_batch/topic_submissions.hpp"

#include "api/aws_batch/submissions.hpp"
#include "api/credentials.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace berth::aws_batch {

namespace {

using nlohmann::json;

constexpr const char* default_region = "us-east-1";
constexpr size_t account_digits = 12;
constexpr size_t region_length_max = 64;

/// Maps in msgpack: fixmap, map 16, map 32. No JSON text begins so.
bool is_msgpack_map(std::string_view bytes) {
  auto first = bytes.empty() ? 0U : static_cast<unsigned char>(bytes.front());
  return (first & 0xf0U) == 0x80U || first == 0xdeU || first == 0xdfU;
}

/// Stops at the nesting that JSON texts are refused for; reading recurses.
struct depth_check {
  using number_integer_t = json::number_integer_t;
  using number_unsigned_t = json::number_unsigned_t;
  using number_float_t = json::number_float_t;
  using string_t = json::string_t;
  using binary_t = json::binary_t;

  size_t depth = 0;
  bool too_deep = false;

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(number_integer_t) { return true; }
  bool number_unsigned(number_unsigned_t) { return true; }
  bool number_float(number_float_t, const string_t&) { return true; }
  bool string(string_t&) { return true; }
  bool binary(binary_t&) { return true; }
  bool key(string_t&) { return true; }
  bool start_object(size_t) { return deeper(); }
  bool start_array(size_t) { return deeper(); }
  bool end_object() { return shallower(); }
  bool end_array() { return shallower(); }
  bool parse_error(size_t, const std::string&,
                   const nlohmann::detail::exception&) {
    return false;
  }

private:
  bool deeper() {
    too_deep = ++depth > json_depth_max;
    return !too_deep;
  }
  bool shallower() {
    --depth;
    return true;
  }
};

std::string text_of_msgpack(std::string_view bytes) {
  depth_check check;
  auto is_whole = json::sax_parse(bytes.begin(), bytes.end(), &check,
                                  json::input_format_t::msgpack);
  if (check.too_deep)
    throw refused{"the submission is nested deeper than "
                  + std::to_string(json_depth_max) + " levels"};
  if (!is_whole)
    throw refused{"the submission begins as a msgpack map, but is none: it is "
                  "damaged, is followed by more bytes, or has keys that are "
                  "no strings"};
  try {
    // Refuses text that is not UTF-8.
    return json::from_msgpack(bytes.begin(), bytes.end()).dump();
  } catch (const json::exception&) {
    throw refused{"the submission is a msgpack map with text that is not "
                  "UTF-8"};
  }
}

account_region parse_owner(const json_place& body) {
  account_region owner{std::string{default_account}, default_region};
  auto account = body.member("account");
  if (!account.absent()) {
    owner.account = account.text();
    if (owner.account.size() != account_digits
        || !std::all_of(owner.account.begin(), owner.account.end(),
                        [](char c) { return c >= '0' && c <= '9'; }))
      account.fail("must be an account of 12 digits");
  }
  auto region = body.member("region");
  if (!region.absent()) {
    owner.region = region.nonempty_text();
    auto is_plain =
        std::all_of(owner.region.begin(), owner.region.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        });
    if (!is_plain || owner.region.size() > region_length_max)
      region.fail("must be a region such as \"us-east-1\"");
  }
  return owner;
}

} // namespace

std::variant<public_submission, api_error>
parse_topic_submission(std::string_view bytes, const parse_options& options) {
  auto refuse = [](std::string why) {
    return api_error{api_errc::invalid, std::move(why)};
  };
  try {
    if (bytes.empty())
      return refuse("the submission is empty");
    if (bytes.size() > limits::submission_bytes_max)
      return refuse("the submission has " + std::to_string(bytes.size())
                    + " bytes, but must have at most "
                    + std::to_string(limits::submission_bytes_max));
    std::string converted;
    if (is_msgpack_map(bytes)) {
      converted = text_of_msgpack(bytes);
      bytes = converted;
    }
    json_text text{bytes};
    auto body = text.root();
    auto owner = parse_owner(body);
    auto what = parse_submit_job(body, {options, {}});
    return public_submission{std::move(owner),
                             std::get<submit_job_request>(std::move(what))};
  } catch (const refused& r) {
    return refuse(r.message);
  } catch (const std::exception& e) {
    return refuse(std::string{"the submission cannot be read: "} + e.what());
  }
}

} // namespace berth::aws_batch
