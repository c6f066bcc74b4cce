// The records of a public topic have keys, those of the log have none: a topic
// that is read with its keys gives both in a record's bytes.
#pragma once

#include <string>
#include <string_view>

namespace berth {

struct keyed_record {
  std::string_view key;
  std::string_view bytes;
};

/// Key and bytes in one: the key's length as eight hexadecimal digits, the key,
/// the rest.
std::string join_keyed(std::string_view key, std::string_view bytes);
/// The opposite, inside `joined`, which was made by it.
keyed_record split_keyed(std::string_view joined);

} // namespace berth
