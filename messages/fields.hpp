// The field list of a struct, written once and used by the codec, by equality
// and by printing.
//
//   struct attempt_id {
//     job_key job;
//     uint32_t number = 0;
//     BERTH_FIELDS(job, number)
//   };
//
// Fields are encoded as an array in this order, so the order is part of the
// format: add at the end only, never reorder, never remove. A reader takes a
// shorter array (the missing fields keep their defaults) and refuses a longer
// one, which a newer version must have written.
#pragma once

#include <string_view>
#include <tuple>

#define BERTH_FIELDS(...)                                                      \
  static constexpr std::string_view field_names{#__VA_ARGS__};                 \
  auto fields() {                                                              \
    return std::tie(__VA_ARGS__);                                              \
  }                                                                            \
  auto fields() const {                                                        \
    return std::tie(__VA_ARGS__);                                              \
  }

namespace berth {

template <class T>
concept has_fields = requires(T& x) {
  x.fields();
  T::field_names;
};

/// Structs with a field list are equal when all their fields are.
template <has_fields T>
bool operator==(const T& a, const T& b) {
  return a.fields() == b.fields();
}

} // namespace berth
