// `keeper/reports` in the data folder: frames of a `keeper_journal_record` and
// a byte that is not 0, for what was not written of a frame reads as zeros.
// Appended without sync, for it outlives the keeper, not the machine; a torn
// last frame (the keeper died in the middle of it) is cut off. The file is made
// longer in steps, of zeros, for to write into a file is much cheaper than to
// lengthen it: a frame of length 0 is its end.
#pragma once

#include "messages/keeper_protocol.hpp"
#include "runtime/file_descriptor.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// A journal above this, and twice what it last began with, is written anew
/// with what is still unacknowledged.
constexpr size_t journal_bytes_max = 4 * 1024 * 1024;

class report_journal {
public:
  explicit report_journal(std::string path) : path_(std::move(path)) {}

  /// What earlier keepers made and nobody acknowledged, in order. A frame that
  /// cannot be read ends it and `warning` says so.
  std::vector<keeper_reports> read(std::string& warning);
  /// Begins anew with these records. False and `error()` when it cannot.
  bool rewrite(const std::vector<keeper_journal_record>& records);

  void append(const keeper_journal_record& record);
  /// Writes what was appended.
  bool write();
  /// Of records written.
  size_t bytes() const { return bytes_; }
  /// Whether most of it is likely to be of no use any more.
  bool is_due_for_rewrite() const {
    return bytes_ > journal_bytes_max && bytes_ > 2 * bytes_rewritten_;
  }
  const std::string& error() const { return error_; }

private:
  bool fail(const std::string& what);
  bool write_at(size_t position, std::string_view bytes);
  std::string path_;
  file_descriptor file_;
  std::string pending_;
  size_t bytes_ = 0;
  size_t bytes_rewritten_ = 0;
  /// The file's length.
  size_t length_ = 0;
  std::string error_;
};

} // namespace berth
