// Every decoder survives whatever the bytes are: no crash, no exception, and
// what it takes it can write again.

#include "messages/checkpoint.hpp"
#include "messages/codec.hpp"
#include "messages/heartbeats.hpp"
#include "messages/keeper_protocol.hpp"
#include "messages/record.hpp"
#include "messages/shard_rows.hpp"
#include "tests/support/filled.hpp"
#include "tests/support/mutations.hpp"

#include <catch2/catch.hpp>
#include <typeinfo>

using namespace berth;
using namespace berth::test;

namespace {

/// `name` tells properties of one test case apart: Catch2 runs only the first
/// of several that have the same.
template <class T>
void survives(const std::string& name, const std::string& good) {
  rc::prop(name + ": mutated bytes are decoded or refused", [&] {
    auto bytes = mutated_bytes(good);
    if (auto decoded = decode<T>(bytes))
      RC_ASSERT(decode<T>(encode(*decoded)).has_value());
  });
  rc::prop(name + ": random bytes are decoded or refused",
           [](const std::string& bytes) { (void)decode<T>(bytes); });
}

template <class... Ts>
void survives_each(std::type_identity<std::variant<Ts...>>, auto wrap) {
  (
      [&] {
        using whole = decltype(wrap(Ts{}));
        survives<whole>(typeid(Ts).name(), encode(wrap(filled<Ts>())));
      }(),
      ...);
}

} // namespace

TEST_CASE("the decoder of records survives mutated bytes") {
  survives_each(std::type_identity<decltype(record::body)>{}, [](auto body) {
    record r;
    r.body = std::move(body);
    return r;
  });
}

TEST_CASE("the decoder of a decision with many events survives") {
  decision_record d;
  d.events.emplace_back(filled<job_submitted>());
  d.events.emplace_back(filled<leases_matched>());
  d.events.emplace_back(filled<attempt_finished>());
  d.events.emplace_back(filled<demand_noted>());
  d.outbox.push_back(filled<outbox_message>());
  record r;
  r.body = d;
  survives<record>("many events", encode(r));
}

TEST_CASE("the decoders of keeper frames survive mutated bytes") {
  survives_each(std::type_identity<keeper_request>{}, [](auto body) {
    return keeper_request_frame{std::move(body)};
  });
  survives_each(std::type_identity<keeper_event>{},
                [](auto body) { return keeper_event_frame{std::move(body)}; });
}

TEST_CASE("the decoder of heartbeats survives mutated bytes") {
  survives_each(std::type_identity<decltype(heartbeat::body)>{}, [](auto body) {
    heartbeat h;
    h.body = std::move(body);
    return h;
  });
}

TEST_CASE("the decoders of rows survive mutated bytes") {
  survives<outbox_row>("outbox", encode(filled<outbox_row>()));
  survives<inbox_row>("inbox", encode(filled<inbox_row>()));
}

TEST_CASE("deep nesting is refused, not followed") {
  std::string deep(100'000, '\x91');
  CHECK_FALSE(decode<record>(deep));
}

TEST_CASE("a length that is not there is refused without being allocated") {
  // An array of 2^32 - 1 elements, a string of as many bytes.
  CHECK_FALSE(decode<record>(std::string{"\xdd\xff\xff\xff\xff", 5}));
  CHECK_FALSE(decode<record>(std::string{"\xdb\xff\xff\xff\xff", 5}));
}
