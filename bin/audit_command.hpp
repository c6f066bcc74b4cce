// `berth audit history JOB`, `verify` and `export`: what the log says. With
// --brokers they read it from Kafka, no node need run. Else `history` and
// `verify` ask the server of the data folder if it is up, and all read the
// folder if not.
#pragma once

namespace CLI {
class App;
} // namespace CLI

namespace berth {

/// Adds the commands; when one has run, `status` is its exit status: 0, or 1
/// when the job is unknown or the audit found something wrong, 3 when neither a
/// server answers nor the folder or the brokers can be read.
void add_audit_commands(CLI::App& app, int& status);

} // namespace berth
