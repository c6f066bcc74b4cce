// Bytes <-> structs with a field list (`messages/fields.hpp`), in msgpack.
// Only `codec_impl.hpp` and the .cpp files that include it know msgpack.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// Encodes any struct with a field list, or a container of such. Total.
template <class T>
std::string encode(const T& value);

/// Appends the encoding to `out`.
template <class T>
void encode_to(std::string& out, const T& value);

/// The opposite of `encode`. Nothing when the bytes are damaged, of another
/// type, written by a newer version, or followed by more bytes. Never throws,
/// whatever the bytes: memory use is bounded by a small multiple of their size.
template <class T>
std::optional<T> decode(std::string_view bytes);

} // namespace berth
