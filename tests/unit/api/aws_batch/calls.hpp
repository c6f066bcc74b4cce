// Short forms for the dialect's tests: call by operation, compare as JSON.
#pragma once

#include "api/aws_batch/dialect.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

namespace berth::aws_batch {

constexpr const char* test_request_id = "7f8d1a55-0a0b-4c0d-8e0f-112233445566";

inline std::variant<request, api_error>
parse(operation what, const std::string& body, const std::string& query = {},
      const std::string& arn = {}) {
  parse_context context{{}, test_request_id};
  return parse_request(routed{what, name_of(what), arn}, body, query, context);
}

/// The request, which must be one of this type.
template <class T>
T accepted(const std::variant<request, api_error>& outcome) {
  if (const auto* error = std::get_if<api_error>(&outcome))
    FAIL("refused: " << error->message);
  const auto* made = std::get_if<T>(&std::get<request>(outcome));
  REQUIRE(made != nullptr);
  return *made;
}

/// The message of a refusal, which it must be.
inline std::string refusal(const std::variant<request, api_error>& outcome) {
  const auto* error = std::get_if<api_error>(&outcome);
  REQUIRE(error != nullptr);
  CHECK(error->code == api_errc::invalid);
  return error->message;
}

inline nlohmann::json printed(operation what, const response& answer) {
  return nlohmann::json::parse(print_response(what, answer));
}

} // namespace berth::aws_batch
