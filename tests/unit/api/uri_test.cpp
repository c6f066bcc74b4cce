#include "api/uri.hpp"

#include "tests/support/mutations.hpp"

#include <catch2/catch.hpp>

namespace berth {

TEST_CASE("percent-encoding is undone, or refused") {
  CHECK(percent_decoded("a%2Fb%3ac") == "a/b:c");
  CHECK(percent_decoded("") == "");
  CHECK(percent_decoded("a+b") == "a+b");
  CHECK(percent_decoded("%41") == "A");
  for (const auto* text : {"%", "%4", "a%4", "%zz", "%4g", "%%41"})
    CHECK(!percent_decoded(text));
}

TEST_CASE("what is encoded decodes to itself") {
  std::string all;
  for (int c = 0; c < 256; ++c)
    all += static_cast<char>(c);
  CHECK(percent_decoded(percent_encoded(all)) == all);
  CHECK(percent_encoded("a-b._~/:") == "a-b._~%2F%3A");
}

TEST_CASE("values of a query are found by name") {
  using texts = std::vector<std::string>;
  CHECK(query_values("a=1&b=2&a=3", "a") == texts{"1", "3"});
  CHECK(query_values("", "a") == texts{});
  CHECK(query_values("a", "a") == texts{""});
  CHECK(query_values("a=x+y%2Bz", "a") == texts{"x y+z"});
  CHECK(query_values("%61=1", "a") == texts{"1"});
  CHECK(query_values("a=b=c", "a") == texts{"b=c"});
  CHECK(!query_values("a=%", "a"));
  CHECK(query_values("b=%&a=1", "a") == texts{"1"});
}

TEST_CASE("any text is encoded to what decodes to itself") {
  rc::prop("text", [](const std::string& text) {
    RC_ASSERT(percent_decoded(percent_encoded(text)) == text);
    auto found = query_values("a=" + percent_encoded(text), "a");
    RC_ASSERT((found && *found == std::vector<std::string>{text}));
  });
}

TEST_CASE("any bytes are decoded or refused") {
  rc::prop("queries", [] {
    for (int round = 0; round < 20; ++round) {
      auto query = test::mutated_bytes("a=1&b=%C3%A4+x&a=%2F", "%&=+2F");
      auto decoded = percent_decoded(query);
      RC_ASSERT((!decoded || decoded->size() <= query.size()));
      auto values = query_values(query, "a");
      RC_ASSERT((!values || values->size() <= query.size()));
    }
  });
}

} // namespace berth
