#include "api/uri.hpp"

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

} // namespace berth
