// Text of, and a walk through, anything that is made of field lists.
#pragma once

#include "messages/boxed.hpp"
#include "messages/fields.hpp"
#include "messages/ids.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

namespace berth::sim {

/// The type's own name, without namespaces.
template <class T>
std::string_view type_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  constexpr std::string_view opening = "T = ";
  text.remove_prefix(text.find(opening) + opening.size());
  text = text.substr(0, text.find_first_of(";]"));
  if (auto last = text.rfind("::"); last != std::string_view::npos)
    text.remove_prefix(last + 2);
  return text;
}

/// Short: defaults are left out, ids shortened to their first group.
class field_text {
public:
  template <class T>
  void add(const T& value);
  std::string take() { return std::move(text_); }

private:
  template <class T>
  void add_fields(const T& value);

  std::string text_;
};

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class K, class V>
struct is_map<std::map<K, V>> : std::true_type {};
template <class T>
struct is_variant : std::false_type {};
template <class... Ts>
struct is_variant<std::variant<Ts...>> : std::true_type {};
template <class T>
struct is_number_id : std::false_type {};
template <class Tag, class V>
struct is_number_id<number_id<Tag, V>> : std::true_type {};
template <class T>
struct is_boxed : std::false_type {};
template <class T>
struct is_boxed<boxed<T>> : std::true_type {};
template <class T>
concept may_be_nothing = requires(const T& x) {
  static_cast<bool>(x);
  *x;
}
&&!std::is_arithmetic_v<T>;

inline std::string short_text(const job_id& id) {
  return to_string(id).substr(0, 8);
}
inline std::string short_text(const job_key& key) {
  return short_text(key.id)
         + (key.is_child() ? ":" + std::to_string(key.index) : "");
}
inline std::string short_text(const attempt_id& a) {
  return short_text(a.job) + "#" + std::to_string(a.number);
}

/// Lists longer than this are cut.
constexpr size_t listed_max = 6;

template <class T>
void field_text::add(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    text_ += '"' + value + '"';
  } else if constexpr (std::is_same_v<T, bool>) {
    text_ += value ? "yes" : "no";
  } else if constexpr (std::is_enum_v<T>) {
    text_ += std::to_string(static_cast<int64_t>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    text_ += std::to_string(value);
  } else if constexpr (is_number_id<T>::value) {
    text_ += std::to_string(value.value);
  } else if constexpr (
      std::is_same_v<
          T,
          job_id> || std::is_same_v<T, job_key> || std::is_same_v<T, attempt_id>) {
    text_ += short_text(value);
  } else if constexpr (is_vector<T>::value) {
    text_ += '[';
    for (size_t i = 0; i < value.size() && i < listed_max; ++i) {
      text_ += i == 0 ? "" : ", ";
      add(value[i]);
    }
    if (value.size() > listed_max)
      text_ += ", and " + std::to_string(value.size() - listed_max) + " more";
    text_ += ']';
  } else if constexpr (is_map<T>::value) {
    text_ += '{';
    for (const auto& [key, one] : value) {
      text_ += text_.back() == '{' ? "" : ", ";
      add(key);
      text_ += ": ";
      add(one);
    }
    text_ += '}';
  } else if constexpr (is_variant<T>::value) {
    std::visit([this](const auto& one) { add(one); }, value);
  } else if constexpr (is_boxed<T>::value) {
    add(*value);
  } else if constexpr (may_be_nothing<T>) {
    if (value)
      add(*value);
    else
      text_ += '-';
  } else {
    static_assert(has_fields<T>, "made of field lists");
    add_fields(value);
  }
}

template <class T>
void field_text::add_fields(const T& value) {
  if constexpr (requires { T::number; })
    text_ += type_name<T>();
  text_ += '{';
  auto names = T::field_names;
  const T nothing{};
  auto is_first = true;
  auto one = [&](const auto& field, const auto& nothing_there) {
    auto comma = names.find(',');
    auto name = names.substr(0, comma);
    name.remove_prefix(name.find_first_not_of(' '));
    names = comma == std::string_view::npos ? "" : names.substr(comma + 1);
    if (field == nothing_there)
      return;
    text_ += is_first ? "" : " ";
    is_first = false;
    text_ += std::string(name) + '=';
    add(field);
  };
  auto values = value.fields();
  auto nothings = nothing.fields();
  [&]<size_t... I>(std::index_sequence<I...>) {
    (one(std::get<I>(values), std::get<I>(nothings)), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(values)>>{});
  text_ += '}';
}

/// Whether the job's id is anywhere in it, also as text.
template <class T>
bool mentions(const T& value, const job_id& job) {
  auto any_of = [&](const auto& list) {
    for (const auto& one : list)
      if (mentions(one, job))
        return true;
    return false;
  };
  if constexpr (std::is_same_v<T, job_id>) {
    return value == job;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value.size() >= 36
           && value.find(to_string(job)) != std::string::npos;
  } else if constexpr (is_vector<T>::value) {
    return any_of(value);
  } else if constexpr (is_map<T>::value) {
    for (const auto& [key, one] : value)
      if (mentions(key, job) || mentions(one, job))
        return true;
    return false;
  } else if constexpr (is_variant<T>::value) {
    return std::visit([&](const auto& one) { return mentions(one, job); },
                      value);
  } else if constexpr (has_fields<T>) {
    return std::apply(
        [&](const auto&... fields) { return (mentions(fields, job) || ...); },
        value.fields());
  } else if constexpr (std::is_arithmetic_v<
                           T> || std::is_enum_v<T> || is_number_id<T>::value) {
    return false;
  } else if constexpr (is_boxed<T>::value) {
    return mentions(*value, job);
  } else {
    return value && mentions(*value, job);
  }
}

} // namespace berth::sim
