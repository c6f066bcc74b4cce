// Values with something of its own in every field, so that a golden encoding
// shows any change of order, type or number of the fields.
#pragma once

#include "messages/fields.hpp"
#include "messages/ids.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

namespace berth::test {

class filler {
public:
  template <class T>
  void fill(T& x) {
    if constexpr (std::is_same_v<T, job_id>) {
      for (auto& byte : x.bytes)
        byte = static_cast<uint8_t>(next());
    } else if constexpr (std::is_same_v<T, bool>) {
      x = next() % 2 == 1;
    } else if constexpr (std::is_enum_v<T> || std::is_arithmetic_v<T>) {
      x = static_cast<T>(next());
    } else if constexpr (std::is_same_v<T, std::string>) {
      x = "s" + std::to_string(next());
    } else if constexpr (
        requires { x.value; } && !requires { x.has_value(); }) {
      fill(x.value);
    } else {
      fill_compound(x);
    }
  }

private:
  template <class T>
  void fill_compound(T& x) {
    if constexpr (has_fields<T>)
      std::apply([&](auto&... field) { (fill(field), ...); }, x.fields());
    else
      fill_container(x);
  }

  template <class T>
  void fill_container(std::vector<T>& x) {
    fill(x.emplace_back());
  }
  template <class K, class V>
  void fill_container(std::map<K, V>& x) {
    K key{};
    fill(key);
    fill(x[key]);
  }
  template <class T>
  void fill_container(std::optional<T>& x) {
    fill(x.emplace());
  }
  template <class T>
  void fill_container(std::shared_ptr<const T>& x) {
    auto made = std::make_shared<T>();
    fill(*made);
    x = made;
  }
  template <class T>
  void fill_container(boxed<T>& x) {
    fill(*x);
  }
  template <class... Ts>
  void fill_container(std::variant<Ts...>& x) {
    fill(x.template emplace<0>());
  }

  int next() { return ++last_ % 100; }
  int last_ = 0;
};

template <class T>
T filled() {
  T x{};
  filler{}.fill(x);
  return x;
}

} // namespace berth::test
