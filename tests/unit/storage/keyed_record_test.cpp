#include "storage/keyed_record.hpp"

#include <catch2/catch.hpp>

using namespace berth;

TEST_CASE("key and bytes of a record come apart as they were joined") {
  const std::string binary{"\0\xff:", 3};
  for (const auto& key :
       {std::string{}, std::string{"q"}, binary, std::string(100'000, 'k')})
    for (const auto& bytes : {std::string{}, std::string{"{}"}, binary}) {
      auto joined = join_keyed(key, bytes);
      auto apart = split_keyed(joined);
      CHECK(apart.key == key);
      CHECK(apart.bytes == bytes);
    }
}
