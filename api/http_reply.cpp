#include "api/http_connection.hpp"

namespace berth {

http_responder::http_responder(std::shared_ptr<ticket> request)
    : ticket_(std::move(request)) {}

void http_responder::operator()(http_response response) const {
  auto& ticket = *ticket_;
  if (ticket.answered.exchange(true))
    return;
  ticket.deliver({ticket.to, ticket.number, http_delivery::what::reply,
                  std::move(response), nullptr});
}

http_stream http_responder::stream(http_stream_options options) const {
  auto& ticket = *ticket_;
  auto handle = std::make_shared<http_stream::handle>();
  handle->to = ticket.to;
  handle->number = ticket.number;
  handle->buffer = std::make_shared<http_stream_buffer>(
      std::move(options), !ticket.http_1_0,
      ticket.to->home->setup->options.stream_buffer_bytes_max);
  if (ticket.answered.exchange(true)
      || !ticket.deliver({ticket.to,
                          ticket.number,
                          http_delivery::what::stream_begins,
                          {},
                          handle->buffer}))
    handle->buffer->discard();
  return http_stream{std::move(handle)};
}

http_stream::http_stream(std::shared_ptr<handle> stream)
    : handle_(std::move(stream)) {}

bool http_stream::send(std::string bytes) const {
  switch (handle_->buffer->send(bytes)) {
  case http_stream_buffer::outcome::tell:
    handle_->tell(http_delivery::what::stream_moves);
    return true;
  case http_stream_buffer::outcome::kept:
    return true;
  case http_stream_buffer::outcome::overflow:
    handle_->tell(http_delivery::what::stream_cut);
    return false;
  case http_stream_buffer::outcome::closed:
    return false;
  }
  return false;
}

void http_stream::finish() const {
  if (handle_->buffer->finish() == http_stream_buffer::outcome::tell)
    handle_->tell(http_delivery::what::stream_moves);
}

std::size_t http_stream::pending_bytes() const {
  return handle_->buffer->pending_bytes();
}

bool http_stream::closed() const {
  return handle_->buffer->closed();
}

http_response default_refusal(http_refusal why, const std::string& detail) {
  switch (why) {
  case http_refusal::malformed:
    return error_response(400, "BadRequestException", detail);
  case http_refusal::header_too_large:
    return error_response(431, "RequestHeaderTooLargeException", detail);
  case http_refusal::body_too_large:
    return error_response(413, "RequestEntityTooLargeException", detail);
  case http_refusal::unsupported_encoding:
    return error_response(501, "NotImplementedException", detail);
  case http_refusal::unknown_host:
    return error_response(403, "AccessDeniedException", detail);
  case http_refusal::too_many_connections:
    return error_response(503, "ServiceUnavailableException", detail);
  case http_refusal::timed_out:
    return error_response(408, "RequestTimeoutException", detail);
  }
  return error_response(400, "BadRequestException", detail);
}

} // namespace berth
