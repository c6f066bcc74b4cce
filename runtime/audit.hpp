// Audits the embedded log: tells a job's story, and folds the whole log to
// compare it with the live state or the stores.
#pragma once

#include "messages/audit.hpp"
#include "runtime/node.hpp"
#include "storage/data_folder.hpp"

#include <memory>

namespace berth {

/// Of a running node, which outlives it. Its fold is compared with the node's
/// live state, where it has one.
std::unique_ptr<audit_source> make_node_audit(node& of);

/// Of a folder that nobody works with, opened for reading. The fold is compared
/// with what the stores and the log's rest give.
std::unique_ptr<audit_source> make_folder_audit(const data_folder& folder,
                                                storage_error& error);

/// Its log, for reading; no other process may have it open.
struct folder_log_result {
  std::unique_ptr<log> opened;
  storage_error error;
};
folder_log_result open_folder_log(const data_folder& folder);

} // namespace berth
