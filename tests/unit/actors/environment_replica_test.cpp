#include "actors/environment_replica.hpp"

#include "messages/codec.hpp"

#include <catch2/catch.hpp>

namespace berth {

namespace {

/// Shard 0's log, as an environment replica reads it.
struct written_log {
  environment_replica replica;
  log_offset next = 0;
  epoch owner{-1};
  std::string nonce;

  bool take(decltype(record::body) body) {
    record r;
    r.body = std::move(body);
    return replica.on_record(next++, encode(r));
  }
  void claim(const std::string& by) {
    owner = epoch{next};
    nonce = by;
    take(claim_record{"node", "", by});
  }
  void decide(uint64_t seq, event what) {
    decision_record d;
    d.at_epoch = owner;
    d.nonce = nonce;
    d.seq = seq;
    d.events = {std::move(what)};
    take(std::move(d));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [uid, e] : replica.environments())
      all.push_back(e.settings.name);
    return all;
  }
};

environment_object environment(uint64_t uid, const std::string& name) {
  environment_object e;
  e.uid = environment_uid{uid};
  e.settings.name = name;
  return e;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("The replica has the environments that there are") {
  written_log log;
  log.claim("a");
  log.decide(1, environment_created{environment(1, "one")});
  log.decide(2, environment_created{environment(2, "two")});
  log.decide(3, environment_updated{environment(2, "second")});
  log.decide(4, environment_deleted{environment_uid{1}});
  CHECK(log.names() == names{"second"});
  CHECK(log.replica.version() == 4);
}

TEST_CASE("Validity: the replica ignores what a shard ignores") {
  written_log log;
  log.decide(1, environment_created{environment(1, "before any claim")});
  log.claim("a");
  log.decide(1, environment_created{environment(2, "good")});
  log.decide(1, environment_created{environment(3, "repeated")});
  log.decide(3, environment_created{environment(4, "behind a gap")});
  auto old = log.owner;
  log.claim("b");
  std::swap(log.owner, old);
  log.decide(2, environment_created{environment(5, "of a fenced epoch")});
  std::swap(log.owner, old);
  log.nonce = "a";
  log.decide(2, environment_created{environment(6, "of another nonce")});
  log.nonce = "b";
  log.decide(2, environment_created{environment(7, "good, too")});
  CHECK(log.names() == names{"good", "good, too"});
}

TEST_CASE("The replica passes over messages and refuses what it cannot read") {
  written_log log;
  CHECK(log.take(message_record{}));
  CHECK(log.replica.version() == 0);
  CHECK_FALSE(log.replica.on_record(log.next, "no record"));
  record newer;
  newer.format = record_format + 1;
  newer.body = claim_record{};
  CHECK_FALSE(log.replica.on_record(log.next, encode(newer)));
}

} // namespace berth
