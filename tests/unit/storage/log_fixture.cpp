#include "tests/unit/storage/log_fixture.hpp"

#include <algorithm>
#include <stdexcept>

namespace berth {

size_t appender::count(append_outcome outcome) const {
  auto all = answers_.values();
  return static_cast<size_t>(
      std::count_if(all.begin(), all.end(), [outcome](const answer& given) {
        return given.outcome == outcome;
      }));
}

bool append_all(log_fixture& fixture, shard_id partition,
                const std::vector<std::string>& records) {
  appender to{fixture.subject()};
  for (const auto& bytes : records)
    to.append(partition, bytes);
  return to.wait(fixture)
         && to.count(append_outcome::appended) == records.size();
}

log_offset end_of(log_fixture& fixture, shard_id partition) {
  collector<log_offset> ends;
  fixture.subject().end_offset(
      partition, [&ends](log_offset end, storage_error) { ends.add(end); });
  if (!ends.wait(fixture, 1))
    throw std::runtime_error{"the log does not say where it ends"};
  return ends.values().front();
}

std::vector<log_record> read_all(log_fixture& fixture, shard_id partition,
                                 log_offset from) {
  auto count = static_cast<size_t>(end_of(fixture, partition) - from);
  recorder reader{fixture.subject(), partition, from};
  if (!reader.wait(fixture, count))
    throw std::runtime_error{"the log does not give all its records"};
  reader.stop();
  return reader.records();
}

std::vector<std::string> bytes_of(const std::vector<log_record>& records) {
  std::vector<std::string> bytes;
  for (const auto& record : records)
    bytes.push_back(record.bytes);
  return bytes;
}

std::vector<std::string> numbered(size_t count, size_t from) {
  std::vector<std::string> records;
  for (size_t i = 0; i < count; ++i)
    records.push_back("record " + std::to_string(from + i));
  return records;
}

} // namespace berth
