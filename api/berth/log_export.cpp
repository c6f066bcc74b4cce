#include "api/berth/log_export.hpp"

#include "api/berth/state_change_event.hpp"
#include "api/json_writer.hpp"
#include "messages/fields.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

namespace berth {

namespace {

/// `job_submitted` of `berth::job_submitted`.
template <class T>
constexpr std::string_view name_of_type() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  return text.substr(text.rfind(':') + 1);
}

/// Takes the first name off a list as BERTH_FIELDS has it.
std::string_view take_name(std::string_view& names) {
  auto end = names.find(',');
  auto name = names.substr(0, end);
  names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
  while (!name.empty() && (name.front() == ' ' || name.front() == '\n'))
    name.remove_prefix(1);
  return name;
}

template <class T>
void print(json_writer& json, const T& x);

template <has_fields T>
void print_fields(json_writer& json, const T& x) {
  json.begin_object();
  std::string_view names = T::field_names;
  std::apply(
      [&](const auto&... field) {
        (print(json.key(take_name(names)), field), ...);
      },
      x.fields());
  json.end_object();
}

// Shapes of values that are no structs.

template <class T>
void print_value(json_writer& json, const std::optional<T>& x) {
  if (x)
    print(json, *x);
  else
    json.raw("null");
}
template <class T>
void print_value(json_writer& json, const std::shared_ptr<T>& x) {
  if (x)
    print(json, *x);
  else
    json.raw("null");
}
template <class T>
void print_value(json_writer& json, const boxed<T>& x) {
  print(json, *x);
}
template <class T>
void print_value(json_writer& json, const std::vector<T>& list) {
  json.begin_array();
  for (const auto& x : list)
    print<T>(json, x);
  json.end_array();
}
template <class V>
void print_value(json_writer& json, const std::map<std::string, V>& map) {
  json.begin_object();
  for (const auto& [key, x] : map)
    print(json.key(key), x);
  json.end_object();
}
template <class K, class V>
void print_value(json_writer& json, const std::map<K, V>& map) {
  json.begin_array();
  for (const auto& [key, x] : map) {
    json.begin_array();
    print(json, key);
    print(json, x);
    json.end_array();
  }
  json.end_array();
}
template <class... Ts>
void print_value(json_writer& json, const std::variant<Ts...>& x) {
  std::visit(
      [&](const auto& one) {
        using type = std::decay_t<decltype(one)>;
        json.begin_object();
        print(json.key(name_of_type<type>()), one);
        json.end_object();
      },
      x);
}
template <class Tag, class Value>
void print_value(json_writer& json, const number_id<Tag, Value>& id) {
  json.integer(static_cast<int64_t>(id.value));
}

template <class T>
void print(json_writer& json, const T& x) {
  if constexpr (std::is_same_v<T, bool>)
    json.boolean(x);
  else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>)
    json.integer(static_cast<int64_t>(x));
  else if constexpr (std::is_same_v<T, std::string>)
    json.text(x);
  else if constexpr (std::is_same_v<T, job_id> || std::is_same_v<T, job_key>)
    json.text(to_string(x));
  else if constexpr (has_fields<T>)
    print_fields(json, x);
  else
    print_value(json, x);
}

void print_place(json_writer& json, const event_place& at) {
  json.member("shard", at.shard.value);
  json.member("offset", at.offset);
  json.member("number", at.number);
  json.member("time", print_utc(at.at_ms));
  json.member("at_ms", at.at_ms);
  json.member("seq", at.seq);
  json.member("epoch", at.at_epoch.value);
  json.member("node", at.node);
}

} // namespace

std::string print_log_event(const event_place& at, const event& what) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  print_place(json, at);
  std::visit(
      [&](const auto& one) {
        using type = std::decay_t<decltype(one)>;
        json.member("event", std::string{name_of_type<type>()});
        print_fields(json.key("data"), one);
      },
      what);
  json.end_object();
  out += '\n';
  return out;
}

std::string print_log_claim(const event_place& at) {
  std::string out;
  json_writer json{out};
  json.begin_object();
  print_place(json, at);
  json.member("event", "claim");
  json.end_object();
  out += '\n';
  return out;
}

} // namespace berth
