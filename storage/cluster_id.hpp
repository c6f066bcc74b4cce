#pragma once

#include <string>

namespace berth {

/// A fresh random UUID, lower-case, from the operating system's entropy.
std::string random_cluster_id();

} // namespace berth
