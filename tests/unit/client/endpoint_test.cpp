#include "client/endpoint.hpp"

#include <catch2/catch.hpp>

using namespace berth;
using Catch::Contains;

TEST_CASE("the nearest of the places that name a server wins") {
  endpoint_choice all{"http://option:1", "/data-option", "http://variable:1",
                      "/data-variable", "/home/me"};
  CHECK(choose_endpoint(all).url == "http://option:1");
  CHECK(choose_endpoint(all).data_folder == "/data-option");

  all.option.clear();
  // What the command line says is nearer than any variable.
  CHECK(choose_endpoint(all).url.empty());
  CHECK(choose_endpoint(all).data_folder == "/data-option");

  all.data_option.clear();
  CHECK(choose_endpoint(all).url == "http://variable:1");
  CHECK(choose_endpoint(all).data_folder == "/data-variable");

  all.variable.clear();
  CHECK(choose_endpoint(all).url.empty());
  CHECK(choose_endpoint(all).data_folder == "/data-variable");

  all.data_variable.clear();
  CHECK(choose_endpoint(all).data_folder == "/home/me/.berth");

  all.home.clear();
  CHECK(choose_endpoint(all).data_folder == "./.berth");
}

TEST_CASE("an endpoint is taken without blanks and trailing slashes") {
  CHECK(parse_endpoint(" http://127.0.0.1:9777/\n", "x").url
        == "http://127.0.0.1:9777");
}

TEST_CASE("a wrong endpoint is refused by the name of where it stands") {
  for (const auto* text : {"", "https://host", "127.0.0.1:9777"}) {
    auto parsed = parse_endpoint(text, "BERTH_ENDPOINT");
    CHECK(parsed.url.empty());
    CHECK_THAT(parsed.error,
               Contains("BERTH_ENDPOINT") && Contains("http://127.0.0.1:9777"));
  }
}

TEST_CASE("the default profile's key is used, or else the first whole one") {
  auto key = parse_signing_key("# keys\n[other]\naws_access_key_id = O\n"
                               "aws_secret_access_key = OS\n[default]\n"
                               "aws_access_key_id=D\n"
                               "aws_secret_access_key = D=S\naccount = 1\n");
  REQUIRE(key);
  CHECK(key->access_key == "D");
  CHECK(key->secret == "D=S");

  key = parse_signing_key("[half]\naws_access_key_id = H\n[whole]\n"
                          "aws_access_key_id = W\naws_secret_access_key = S");
  REQUIRE(key);
  CHECK(key->access_key == "W");

  CHECK_FALSE(parse_signing_key(""));
  CHECK_FALSE(parse_signing_key("aws_access_key_id = before any profile"));
}

TEST_CASE("a file that is not there is not read") {
  CHECK_FALSE(read_small_file("/nonexistent/endpoint"));
  CHECK_FALSE(read_small_file("/dev/zero"));
}
