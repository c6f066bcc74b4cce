// How long the encoding of a struct with a field list is, without making it:
// `encoded_size(x) == encode(x).size()` (messages/codec.hpp), msgpack's sizes.
// Allocates nothing; walks what the encoding would walk.
#pragma once

#include "messages/boxed.hpp"
#include "messages/fields.hpp"
#include "messages/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

namespace berth {

namespace sizes {

inline size_t of_number(uint64_t x) {
  if (x < 128)
    return 1;
  if (x <= UINT8_MAX)
    return 2;
  if (x <= UINT16_MAX)
    return 3;
  return x <= UINT32_MAX ? 5 : 9;
}

inline size_t of_number(int64_t x) {
  if (x >= 0)
    return of_number(static_cast<uint64_t>(x));
  if (x >= -32)
    return 1;
  if (x >= INT8_MIN)
    return 2;
  if (x >= INT16_MIN)
    return 3;
  return x >= INT32_MIN ? 5 : 9;
}

/// Of what stands before so many elements of an array or a map.
inline size_t of_list_head(size_t elements) {
  if (elements < 16)
    return 1;
  return elements <= UINT16_MAX ? 3 : 5;
}

inline size_t of_bytes(size_t size) {
  if (size <= UINT8_MAX)
    return 2 + size;
  return (size <= UINT16_MAX ? 3 : 5) + size;
}

inline size_t of(const std::string& x) {
  return x.size() < 32 ? 1 + x.size() : of_bytes(x.size());
}
inline size_t of(const job_id& x) {
  return of_bytes(x.bytes.size());
}
inline size_t of(const std::vector<uint8_t>& x) {
  return of_bytes(x.size());
}
template <class T>
requires std::is_arithmetic_v<T> || std::is_enum_v<T> size_t of(T x);
template <class Tag, class V>
size_t of(const number_id<Tag, V>& x);
template <class T>
size_t of(const std::vector<T>& x);
template <class K, class V>
size_t of(const std::map<K, V>& x);
template <class T>
size_t of(const std::optional<T>& x);
template <class T>
size_t of(const std::shared_ptr<const T>& x);
template <class T>
size_t of(const boxed<T>& x);
template <class... Ts>
size_t of(const std::variant<Ts...>& x);
template <has_fields T>
size_t of(const T& x);

template <class T>
requires std::is_arithmetic_v<T> || std::is_enum_v<T> size_t of(T x) {
  static_assert(!std::is_floating_point_v<T>,
                "msgpack makes integers of floats that are whole");
  if constexpr (std::is_enum_v<T>)
    return of(static_cast<std::underlying_type_t<T>>(x));
  else if constexpr (std::is_same_v<T, bool>)
    return 1;
  else if constexpr (std::is_signed_v<T>)
    return of_number(static_cast<int64_t>(x));
  else
    return of_number(static_cast<uint64_t>(x));
}

template <class Tag, class V>
size_t of(const number_id<Tag, V>& x) {
  return of(x.value);
}

template <class T>
size_t of(const std::vector<T>& x) {
  auto size = of_list_head(x.size());
  for (const auto& element : x)
    size += of(element);
  return size;
}

template <class K, class V>
size_t of(const std::map<K, V>& x) {
  auto size = of_list_head(x.size());
  for (const auto& [key, value] : x)
    size += of(key) + of(value);
  return size;
}

template <class T>
size_t of(const std::optional<T>& x) {
  return x ? of(*x) : 1;
}

template <class T>
size_t of(const std::shared_ptr<const T>& x) {
  return x ? of(*x) : 1;
}

template <class T>
size_t of(const boxed<T>& x) {
  return of(*x);
}

template <class... Ts>
size_t of(const std::variant<Ts...>& x) {
  return std::visit(
      [](const auto& alternative) {
        using type = std::decay_t<decltype(alternative)>;
        return of_list_head(2) + of_number(uint64_t{type::number})
               + of(alternative);
      },
      x);
}

template <has_fields T>
size_t of(const T& x) {
  return std::apply(
      [](const auto&... field) {
        return (of_list_head(sizeof...(field)) + ... + of(field));
      },
      x.fields());
}

} // namespace sizes

template <class T>
size_t encoded_size(const T& value) {
  return sizes::of(value);
}

} // namespace berth
