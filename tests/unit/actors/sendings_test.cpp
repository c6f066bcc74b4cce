#include "actors/sendings.hpp"
#include "messages/limits.hpp"

#include <catch2/catch.hpp>

using namespace berth;

namespace {

const std::string to = "shard:1";
constexpr int64_t now = 1'000;
constexpr int64_t later = now + limits::send_again_delay_ms;

/// As a shard does: what is due begins a round.
std::vector<uint64_t> send_due(sendings& s, int64_t at_ms) {
  std::vector<uint64_t> from;
  for (const auto& failed : s.take_failed(at_ms)) {
    CHECK(failed.to == to);
    s.begin_round(failed.to, failed.from);
    from.push_back(failed.from);
  }
  return from;
}

using numbers = std::vector<uint64_t>;

} // namespace

TEST_CASE("arrivals in order are recorded together") {
  sendings s;
  CHECK_FALSE(s.arrived_since_ms());
  CHECK(s.on_arrived(s.begin(to, 5), 5, now).counts);
  CHECK(s.on_arrived(s.begin(to, 6), 5, now + 7).counts);
  CHECK(s.arrived_since_ms() == now);
  CHECK(s.next_due_ms() == now + limits::delivery_record_delay_ms);
  auto arrived = s.take_arrived();
  REQUIRE(arrived.size() == 1);
  CHECK(arrived[0].to == to);
  CHECK(arrived[0].up_to == 6);
  CHECK_FALSE(s.arrived_since_ms());
  CHECK(s.take_arrived().empty());
}

TEST_CASE("an arrival counts once, and not once it is recorded") {
  sendings s;
  auto sent = s.begin(to, 1);
  CHECK(s.on_arrived(sent, 1, now).counts);
  CHECK_FALSE(s.on_arrived(sent, 1, now).counts);
  s.take_arrived();
  CHECK_FALSE(s.on_arrived(sent, 2, now).counts);
}

TEST_CASE("destinations are apart") {
  sendings s;
  s.on_failed(s.begin("shard:2", 1), 1, now);
  CHECK(s.on_arrived(s.begin(to, 1), 1, now).counts);
  auto failed = s.take_failed(later);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].to == "shard:2");
  s.begin_round("shard:2", 1);
  CHECK(s.begin(to, 2).round == 0);
  CHECK(s.begin("shard:2", 2).round == 1);
}

TEST_CASE("what overtook an earlier one is sent again from behind that one") {
  sendings s;
  CHECK_FALSE(s.on_arrived(s.begin(to, 3), 1, now).counts);
  CHECK_FALSE(s.on_arrived(s.begin(to, 4), 1, now).counts);
  auto arrival = s.on_arrived(s.begin(to, 1), 1, now);
  CHECK(arrival.counts);
  CHECK(arrival.send_again_from == 2);
  s.begin_round(to, 2);
  // The sending that was passed over is no arrival of the later one.
  CHECK_FALSE(s.on_arrived({to, 2, 0}, 1, now).counts);
  CHECK(s.on_arrived({to, 2, 1}, 1, now).counts);
  CHECK_FALSE(s.on_arrived({to, 3, 1}, 1, now).send_again_from);
}

TEST_CASE("what the receiver has is not sent again to it, though it overtook") {
  sendings s;
  s.on_arrived(s.begin(to, 3), 1, now);
  auto arrival = s.on_taken(to, 3, 1, now);
  CHECK(arrival.counts);
  CHECK_FALSE(arrival.send_again_from);
  CHECK_FALSE(s.on_taken(to, 3, 1, now).counts);
  CHECK_FALSE(s.on_taken(to, 2, 1, now).counts);
  CHECK(s.on_taken(to, 4, 1, now).counts);
}

TEST_CASE("sendings that fail together begin one round, in any order") {
  auto order = GENERATE(numbers{2, 3, 4}, numbers{4, 3, 2}, numbers{3, 2, 4});
  sendings s;
  std::map<uint64_t, sending> sent;
  for (uint64_t n = 1; n <= 4; ++n)
    sent[n] = s.begin(to, n);
  for (auto n : order)
    s.on_failed(sent[n], 1, now);
  CHECK(s.next_due_ms() == later);
  CHECK(send_due(s, later - 1).empty());
  CHECK(send_due(s, later) == numbers{2});
  CHECK(send_due(s, later).empty());
}

TEST_CASE("a failure of an earlier round counts for nothing") {
  sendings s;
  auto first = s.begin(to, 1);
  auto second = s.begin(to, 2);
  auto third = s.begin(to, 3);
  s.on_failed(second, 1, now);
  CHECK(send_due(s, later) == numbers{2});
  s.on_failed(second, 1, later);
  s.on_failed(third, 1, later);
  CHECK_FALSE(s.next_due_ms());
  // One that the round left out does count.
  s.on_failed(first, 1, later);
  CHECK(send_due(s, later + limits::send_again_delay_ms) == numbers{1});
  CHECK(s.begin(to, 1).round == 2);
  CHECK(s.begin(to, 9).round == 2);
}

TEST_CASE("a round leaves what it does not send as it is") {
  sendings s;
  s.begin_round(to, 5);
  s.begin_round(to, 8);
  CHECK(s.begin(to, 4).round == 0);
  CHECK(s.begin(to, 5).round == 1);
  CHECK(s.begin(to, 7).round == 1);
  CHECK(s.begin(to, 8).round == 2);
  s.begin_round(to, 6);
  CHECK(s.begin(to, 5).round == 1);
  CHECK(s.begin(to, 6).round == 3);
  CHECK(s.begin(to, 8).round == 3);
}

TEST_CASE("each destination's messages are sent as few times as rounds fail") {
  constexpr uint64_t messages = 200;
  sendings s;
  std::vector<sending> sent;
  for (uint64_t n = 1; n <= messages; ++n)
    sent.push_back(s.begin(to, n));
  size_t count = sent.size();
  auto at_ms = now;
  for (int outage = 0; outage < 10; ++outage) {
    auto failing = std::exchange(sent, {});
    for (const auto& one : failing) {
      // Some fail after the first of them were sent again.
      at_ms += 1;
      s.on_failed(one, 1, at_ms);
      for (auto from : send_due(s, at_ms))
        for (auto n = from; n <= messages; ++n)
          sent.push_back(s.begin(to, n));
    }
    at_ms += limits::send_again_delay_ms;
    for (auto from : send_due(s, at_ms))
      for (auto n = from; n <= messages; ++n)
        sent.push_back(s.begin(to, n));
    CHECK(sent.size() == messages);
    count += sent.size();
  }
  CHECK(count == 11 * messages);
}

TEST_CASE("a failure of what arrived or is recorded counts for nothing") {
  sendings s;
  auto first = s.begin(to, 1);
  auto second = s.begin(to, 2);
  s.on_arrived(first, 1, now);
  s.on_failed(first, 1, now);
  s.take_arrived();
  s.on_failed(first, 2, now);
  CHECK_FALSE(s.next_due_ms());
  s.on_failed(second, 2, now);
  CHECK(s.next_due_ms() == later);
}

TEST_CASE("a retry begins behind what has arrived meanwhile") {
  sendings s;
  s.on_failed(s.begin(to, 1), 1, now);
  s.on_failed(s.begin(to, 4), 1, now);
  s.on_taken(to, 2, 1, now);
  CHECK(send_due(s, later) == numbers{3});
}

TEST_CASE("what is forgotten begins anew") {
  sendings s;
  auto sent = s.begin(to, 1);
  s.on_failed(sent, 1, now);
  s.on_arrived(s.begin(to, 3), 1, now);
  s.forget(to);
  CHECK_FALSE(s.next_due_ms());
  CHECK(s.take_arrived().empty());
  auto arrival = s.on_arrived(s.begin(to, 4), 4, now);
  CHECK(arrival.counts);
  CHECK_FALSE(arrival.send_again_from);
}

TEST_CASE(
    "an ownership begins with nothing known, and with rounds of its own") {
  sendings s;
  auto first = s.begin(to, 1);
  s.on_arrived(s.begin(to, 3), 1, now);
  s.on_failed(s.begin("shard:2", 1), 1, now);
  s.begin_round("shard:3", 1);
  s.begin_anew();
  CHECK_FALSE(s.next_due_ms());
  CHECK(s.take_failed(later).empty());
  CHECK_FALSE(s.on_arrived(first, 1, now).counts);
  s.on_failed(first, 1, now);
  CHECK_FALSE(s.next_due_ms());
  auto arrival = s.on_arrived(s.begin(to, 1), 1, now);
  CHECK(arrival.counts);
  CHECK_FALSE(arrival.send_again_from);
  auto round = s.begin("shard:3", 1).round;
  s.begin_round("shard:3", 1);
  CHECK(s.begin("shard:3", 1).round > round);
}
