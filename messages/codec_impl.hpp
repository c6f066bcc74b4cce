// The templates behind `codec.hpp`. Include only in .cpp files that instantiate
// the codec for their types, with BERTH_INSTANTIATE_CODEC.
#pragma once

#include "messages/boxed.hpp"
#include "messages/codec.hpp"
#include "messages/fields.hpp"
#include "messages/ids.hpp"

#include <map>
#include <memory>
#include <msgpack.hpp>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#define BERTH_INSTANTIATE_CODEC(type)                                          \
  template std::string encode<type>(const type&);                              \
  template void encode_to<type>(std::string&, const type&);                    \
  template std::optional<type> decode<type>(std::string_view);

namespace berth::wire {

/// What `msgpack::packer` writes to.
struct string_sink {
  std::string& out;
  void write(const char* data, size_t size) { out.append(data, size); }
};

using packer = msgpack::packer<string_sink>;

/// Any reason why bytes are not what they should be; never leaves `decode`.
struct malformed {};

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class K, class V>
struct is_map<std::map<K, V>> : std::true_type {};
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_shared : std::false_type {};
template <class T>
struct is_shared<std::shared_ptr<const T>> : std::true_type {};
template <class T>
struct is_boxed : std::false_type {};
template <class T>
struct is_boxed<boxed<T>> : std::true_type {};
template <class T>
struct is_variant : std::false_type {};
template <class... Ts>
struct is_variant<std::variant<Ts...>> : std::true_type {};
template <class T>
struct is_number_id : std::false_type {};
template <class Tag, class V>
struct is_number_id<number_id<Tag, V>> : std::true_type {};

template <class T>
void pack(packer& p, const T& x);

template <class... Ts>
void pack_variant(packer& p, const std::variant<Ts...>& x) {
  std::visit(
      [&](const auto& alternative) {
        using type = std::decay_t<decltype(alternative)>;
        p.pack_array(2);
        p.pack(static_cast<uint32_t>(type::number));
        pack(p, alternative);
      },
      x);
}

template <class T>
void pack_fields(packer& p, const T& x) {
  std::apply(
      [&](const auto&... field) {
        p.pack_array(sizeof...(field));
        (pack(p, field), ...);
      },
      x.fields());
}

template <class T>
void pack(packer& p, const T& x) {
  if constexpr (std::is_same_v<T, job_id>) {
    p.pack_bin(static_cast<uint32_t>(x.bytes.size()));
    p.pack_bin_body(reinterpret_cast<const char*>(x.bytes.data()),
                    static_cast<uint32_t>(x.bytes.size()));
  } else if constexpr (is_number_id<T>::value) {
    p.pack(x.value);
  } else if constexpr (std::is_enum_v<T>) {
    p.pack(static_cast<std::underlying_type_t<T>>(x));
  } else if constexpr (std::is_arithmetic_v<T>) {
    p.pack(x);
  } else if constexpr (std::is_same_v<T, std::string>) {
    p.pack_str(static_cast<uint32_t>(x.size()));
    p.pack_str_body(x.data(), static_cast<uint32_t>(x.size()));
  } else if constexpr (is_vector<T>::value) {
    if constexpr (std::is_same_v<T, std::vector<uint8_t>>) {
      p.pack_bin(static_cast<uint32_t>(x.size()));
      p.pack_bin_body(reinterpret_cast<const char*>(x.data()),
                      static_cast<uint32_t>(x.size()));
    } else {
      p.pack_array(static_cast<uint32_t>(x.size()));
      for (const auto& element : x)
        pack(p, element);
    }
  } else if constexpr (is_map<T>::value) {
    p.pack_map(static_cast<uint32_t>(x.size()));
    for (const auto& [key, value] : x) {
      pack(p, key);
      pack(p, value);
    }
  } else if constexpr (is_optional<T>::value || is_shared<T>::value) {
    if (x)
      pack(p, *x);
    else
      p.pack_nil();
  } else if constexpr (is_boxed<T>::value) {
    pack(p, *x);
  } else if constexpr (is_variant<T>::value) {
    pack_variant(p, x);
  } else {
    pack_fields(p, x);
  }
}

template <class T>
void unpack(const msgpack::object& o, T& x);

inline void require(bool holds) {
  if (!holds)
    throw malformed{};
}

template <class T, class... Ts>
void unpack_variant(const msgpack::object& o, T& x,
                    const std::variant<Ts...>*) {
  require(o.type == msgpack::type::ARRAY && o.via.array.size == 2);
  auto number = o.via.array.ptr[0].as<uint32_t>();
  const auto& body = o.via.array.ptr[1];
  auto try_one = [&]<class A>(std::type_identity<A>) {
    if (static_cast<uint32_t>(A::number) != number)
      return false;
    unpack(body, x.template emplace<A>());
    return true;
  };
  require((try_one(std::type_identity<Ts>{}) || ...));
}

template <class T>
void unpack_fields(const msgpack::object& o, T& x) {
  require(o.type == msgpack::type::ARRAY);
  std::apply(
      [&](auto&... field) {
        require(o.via.array.size <= sizeof...(field));
        [[maybe_unused]] uint32_t i = 0;
        (
            [&](auto& f) {
              if (i < o.via.array.size)
                unpack(o.via.array.ptr[i++], f);
            }(field),
            ...);
      },
      x.fields());
}

template <class T>
void unpack_bytes(const msgpack::object& o, T& x) {
  require(o.type == msgpack::type::BIN);
  if constexpr (std::is_same_v<T, job_id>) {
    require(o.via.bin.size == x.bytes.size());
    std::copy_n(o.via.bin.ptr, x.bytes.size(), x.bytes.begin());
  } else {
    x.assign(o.via.bin.ptr, o.via.bin.ptr + o.via.bin.size);
  }
}

template <class T>
void unpack(const msgpack::object& o, T& x) {
  if constexpr (std::is_same_v<
                    T, job_id> || std::is_same_v<T, std::vector<uint8_t>>) {
    unpack_bytes(o, x);
  } else if constexpr (is_number_id<T>::value) {
    x.value = o.as<decltype(x.value)>();
  } else if constexpr (std::is_enum_v<T>) {
    x = static_cast<T>(o.as<std::underlying_type_t<T>>());
  } else if constexpr (std::is_arithmetic_v<T>) {
    x = o.as<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    require(o.type == msgpack::type::STR);
    x.assign(o.via.str.ptr, o.via.str.size);
  } else if constexpr (is_vector<T>::value) {
    require(o.type == msgpack::type::ARRAY);
    x.clear();
    x.resize(o.via.array.size);
    for (uint32_t i = 0; i < o.via.array.size; ++i)
      unpack(o.via.array.ptr[i], x[i]);
  } else if constexpr (is_map<T>::value) {
    require(o.type == msgpack::type::MAP);
    x.clear();
    for (uint32_t i = 0; i < o.via.map.size; ++i) {
      typename T::key_type key{};
      unpack(o.via.map.ptr[i].key, key);
      unpack(o.via.map.ptr[i].val, x[std::move(key)]);
    }
  } else if constexpr (is_optional<T>::value) {
    if (o.type == msgpack::type::NIL)
      x.reset();
    else
      unpack(o, x.emplace());
  } else if constexpr (is_shared<T>::value) {
    using element = std::remove_const_t<typename T::element_type>;
    x.reset();
    if (o.type != msgpack::type::NIL) {
      auto made = std::make_shared<element>();
      unpack(o, *made);
      x = std::move(made);
    }
  } else if constexpr (is_boxed<T>::value) {
    unpack(o, *x);
  } else if constexpr (is_variant<T>::value) {
    unpack_variant(o, x, static_cast<const T*>(nullptr));
  } else {
    unpack_fields(o, x);
  }
}

} // namespace berth::wire

namespace berth {

/// Nesting beyond this is nobody's record; msgpack-c recurses per level.
constexpr size_t codec_depth_max = 64;

template <class T>
void encode_to(std::string& out, const T& value) {
  wire::string_sink sink{out};
  wire::packer p{sink};
  wire::pack(p, value);
}

template <class T>
std::string encode(const T& value) {
  std::string out;
  encode_to(out, value);
  return out;
}

template <class T>
std::optional<T> decode(std::string_view bytes) {
  auto size = bytes.size();
  msgpack::unpack_limit limit{size, size, size, size, size, codec_depth_max};
  auto by_reference = [](msgpack::type::object_type, size_t, void*) {
    return true;
  };
  try {
    size_t end = 0;
    auto handle =
        msgpack::unpack(bytes.data(), size, end, by_reference, nullptr, limit);
    if (end != size)
      return std::nullopt;
    T value{};
    wire::unpack(handle.get(), value);
    return value;
  } catch (const wire::malformed&) {
    return std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

} // namespace berth
