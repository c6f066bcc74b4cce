// The bytes of every kind of record, event, message, frame and row, as they
// are in people's logs. A changed line is a changed format: give the new
// meaning a new number instead (docs/formats.md).
//
// BERTH_WRITE_GOLDEN=1 adds the lines of new kinds; it never changes one.

#include "messages/catalog_rows.hpp"
#include "messages/codec.hpp"
#include "messages/encoded_size.hpp"
#include "messages/heartbeats.hpp"
#include "messages/keeper_protocol.hpp"
#include "messages/record.hpp"
#include "messages/shard_rows.hpp"
#include "tests/support/filled.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

using namespace berth;
using namespace berth::test;

namespace {

const std::string golden_file =
    std::string(BERTH_SOURCE_FOLDER) + "/tests/unit/messages/golden_bytes.txt";

std::string hex(const std::string& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (auto c : bytes) {
    text += digits[static_cast<uint8_t>(c) >> 4];
    text += digits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

std::map<std::string, std::string> read_golden() {
  std::map<std::string, std::string> lines;
  std::ifstream in{golden_file};
  std::string kind;
  std::string bytes;
  while (in >> kind >> bytes)
    lines[kind] = bytes;
  return lines;
}

class golden {
public:
  golden() : lines_(read_golden()) {}

  void check(const std::string& kind, const std::string& bytes) {
    INFO(kind);
    auto found = lines_.find(kind);
    if (found == lines_.end() && std::getenv("BERTH_WRITE_GOLDEN") != nullptr) {
      std::ofstream{golden_file, std::ios::app} << kind << " " << hex(bytes)
                                                << "\n";
      return;
    }
    REQUIRE(found != lines_.end());
    CHECK(found->second == hex(bytes));
  }

private:
  std::map<std::string, std::string> lines_;
};

record in_decision(event e) {
  decision_record d;
  d.events.push_back(std::move(e));
  record r;
  r.body = std::move(d);
  return r;
}

record in_message(actor_message m) {
  message_record message;
  message.body = std::move(m);
  record r;
  r.body = std::move(message);
  return r;
}

template <class... Ts, class Wrap>
void check_each(golden& g, const char* name,
                std::type_identity<std::variant<Ts...>>, Wrap wrap) {
  std::set<int> numbers{Ts::number...};
  CHECK(numbers.size() == sizeof...(Ts));
  (
      [&] {
        auto whole = wrap(filled<Ts>());
        auto bytes = encode(whole);
        g.check(std::string(name) + "/" + std::to_string(Ts::number), bytes);
        CHECK(encoded_size(whole) == bytes.size());
        auto back = decode<decltype(whole)>(bytes);
        REQUIRE(back);
        CHECK(encode(*back) == bytes);
      }(),
      ...);
}

template <class T>
void check_row(golden& g, const char* name) {
  auto row = filled<T>();
  auto bytes = encode(row);
  g.check(std::string("row/") + name, bytes);
  auto back = decode<T>(bytes);
  REQUIRE(back);
  CHECK(encode(*back) == bytes);
}

} // namespace

TEST_CASE("every kind of record keeps its bytes") {
  golden g;
  check_each(g, "record", std::type_identity<decltype(record::body)>{},
             [](auto body) {
               record r;
               r.body = std::move(body);
               return r;
             });
}

TEST_CASE("every event keeps its bytes") {
  golden g;
  check_each(g, "event", std::type_identity<event>{},
             [](auto e) { return in_decision(std::move(e)); });
}

TEST_CASE("every actor message keeps its bytes") {
  golden g;
  check_each(g, "message", std::type_identity<actor_message>{},
             [](auto m) { return in_message(std::move(m)); });
}

TEST_CASE("every dispatch keeps its bytes") {
  golden g;
  check_each(g, "dispatch", std::type_identity<dispatch_body>{}, [](auto body) {
    keeper_request_frame frame;
    keeper_dispatch d;
    d.what.body = std::move(body);
    frame.body = std::move(d);
    return frame;
  });
}

TEST_CASE("every report keeps its bytes") {
  golden g;
  check_each(g, "report", std::type_identity<attempt_report>{}, [](auto body) {
    agent_reports reports;
    reports.reports.push_back({1, std::move(body)});
    return in_message(std::move(reports));
  });
}

TEST_CASE("every keeper frame keeps its bytes") {
  golden g;
  check_each(g, "request", std::type_identity<keeper_request>{},
             [](auto body) { return keeper_request_frame{std::move(body)}; });
  check_each(g, "keeper-event", std::type_identity<keeper_event>{},
             [](auto body) { return keeper_event_frame{std::move(body)}; });
}

TEST_CASE("every heartbeat keeps its bytes") {
  golden g;
  check_each(g, "heartbeat", std::type_identity<decltype(heartbeat::body)>{},
             [](auto body) {
               heartbeat h;
               h.body = std::move(body);
               return h;
             });
}

TEST_CASE("the rows of catalog and shard keep their bytes") {
  golden g;
  check_row<catalog_counter_row>(g, "catalog-counter");
  check_row<environment_object>(g, "environment");
  check_row<queue_object>(g, "queue");
  check_row<definition_object>(g, "definition");
  check_row<request_answered>(g, "answer");
  check_row<queue_name_freed>(g, "freed-name");
  check_row<outbox_row>(g, "outbox");
  check_row<inbox_row>(g, "inbox");
}

TEST_CASE("a record of fewer fields keeps the others' defaults") {
  // {format 1, [claim, ["node"]]}
  std::string bytes{"\x92\x01\x92\x02\x91\xa4node", 10};
  auto r = decode<record>(bytes);
  REQUIRE(r);
  const auto& claim = std::get<claim_record>(r->body);
  CHECK(claim.node == "node");
  CHECK(claim.nonce.empty());
}

TEST_CASE("a heartbeat of before there were figures has none") {
  auto beat = from_hex("9201920197a27331a27332a2733304c391069107");
  auto h = decode<heartbeat>(beat);
  REQUIRE(h);
  const auto& node = std::get<node_heartbeat>(h->body);
  CHECK(node.warm == std::vector{shard_id{7}});
  CHECK(node.figures.empty());
}

TEST_CASE("what was written before joins had an order has none") {
  auto join = from_hex("9201920193c0009228939201a2733292030493050681a2733708");
  auto r = decode<record>(join);
  REQUIRE(r);
  const auto& joins =
      std::get<agent_joins>(std::get<message_record>(r->body).body);
  CHECK(joins.capacity.memory_mib == 6);
  CHECK(joins.order == 0);
  auto joined = from_hex(
      "920192039800a00000ff8091922a949201a2733292030493050681a27337080990");
  r = decode<record>(joined);
  REQUIRE(r);
  const auto& events = std::get<decision_record>(r->body).events;
  REQUIRE(events.size() == 1);
  CHECK(std::get<agent_joined>(events[0]).at_ms == 9);
  CHECK(std::get<agent_joined>(events[0]).order == 0);
}

TEST_CASE("bytes that are no record of this version are refused") {
  auto good = encode(in_message(queue_gone{queue_uid{7}}));
  CHECK(decode<record>(good));
  CHECK_FALSE(decode<record>(good + "x"));
  CHECK_FALSE(decode<record>(good.substr(0, good.size() - 1)));
  CHECK_FALSE(decode<record>(""));
  // An unknown kind of record, and one field too many.
  CHECK_FALSE(decode<record>(std::string{"\x92\x01\x92\x63\x90", 5}));
  CHECK_FALSE(decode<record>(std::string{"\x93\x01\x92\x02\x90\x00", 6}));
}
