#include "messages/boxed.hpp"

#include "messages/codec.hpp"
#include "messages/encoded_size.hpp"
#include "messages/events.hpp"
#include "messages/record.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace berth;

TEST_CASE("a boxed value is a value") {
  boxed<std::string> one = "a";
  auto other = one;
  CHECK(other == one);
  *other += "b";
  CHECK(*one == "a");
  CHECK_FALSE(other == one);
  one = other;
  CHECK(one == other);
  CHECK(one->size() == 2);
  auto taken = std::move(one);
  CHECK(*taken == "ab");
  one = "c";
  CHECK(*one == "c");
}

TEST_CASE("there is a value from the start") {
  boxed<std::string> text;
  CHECK(text->empty());
}

TEST_CASE("an event that is boxed is its bytes, and they are it") {
  record r;
  decision_record d;
  definition_object object;
  object.settings.name = "d";
  object.revision = 7;
  d.events = {definition_registered{object}};
  r.body = d;
  auto bytes = encode(r);
  CHECK(bytes.size() == encoded_size(r));
  auto read = decode<record>(bytes);
  REQUIRE(read);
  CHECK(std::get<decision_record>(read->body).events == d.events);
}
