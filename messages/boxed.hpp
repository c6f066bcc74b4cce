// A value that lies on the heap, so that what is large and rare does not make
// everything large that may be it: a decision is a list of events, each as
// large as the largest kind. It is encoded, compared and copied as the value.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace berth {

/// Always holds a value; one that was moved from may only be assigned to or
/// destroyed.
template <class T>
class boxed {
public:
  boxed() : value_(std::make_unique<T>()) {}
  /// From whatever a T is made from without saying so.
  template <class U>
  requires(
      std::convertible_to<U, T> && !std::same_as<std::remove_cvref_t<U>, boxed>)
      boxed(U&& value)
      : value_(std::make_unique<T>(std::forward<U>(value))) {}
  boxed(const boxed& other) : value_(std::make_unique<T>(*other)) {}
  boxed(boxed&&) noexcept = default;
  boxed& operator=(boxed other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~boxed() = default;

  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }

  friend bool operator==(const boxed& a, const boxed& b) { return *a == *b; }

private:
  std::unique_ptr<T> value_;
};

} // namespace berth
