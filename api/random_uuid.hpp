// Random UUIDs for request ids: unique, not secret.
#pragma once

#include <string>

namespace berth {

/// A version 4 UUID in lower case, from a generator of the calling thread that
/// the operating system's random numbers have seeded.
std::string random_uuid();

} // namespace berth
