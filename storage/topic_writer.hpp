// Appends keyed records to a public topic.
#pragma once

#include "storage/log.hpp"

#include <cstdint>
#include <string>

namespace berth {

/// Thread-safe. Destroying it answers outstanding appends with `unknown`.
class topic_writer {
public:
  virtual ~topic_writer() = default;

  virtual uint32_t partitions() const = 0;

  /// As `log::append`. Appends made by one thread to one partition take effect
  /// in that order; one that fails for a while holds the later ones back.
  virtual void append(shard_id partition, const std::string& key,
                      const std::string& bytes, append_callback done) = 0;
};

} // namespace berth
