#include "api/aws_batch/errors.hpp"

namespace berth::aws_batch {

http_response print_error(const api_error& error) {
  switch (error.code) {
  case api_errc::invalid:
    return error_response(400, "ClientException", error.message);
  case api_errc::too_many_requests:
    return error_response(429, "TooManyRequestsException", error.message);
  case api_errc::unavailable:
    return error_response(503, "ServerException", error.message);
  case api_errc::internal:
    break;
  }
  return error_response(500, "ServerException", error.message);
}

std::string older_text(std::string_view text, std::string_view request_id) {
  std::string message{"Error executing request, Exception : "};
  message += text;
  message += ", RequestId: ";
  message += request_id;
  return message;
}

} // namespace berth::aws_batch
