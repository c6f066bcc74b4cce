#include "api/service_handler.hpp"

#include "api/service.hpp"

namespace berth {

http_handler make_handler(service& api) {
  return [&api](http_request request, http_responder responder) {
    service_reply reply;
    reply.respond = [responder](http_response response) {
      responder(std::move(response));
    };
    reply.open_lines = [responder](std::function<void()> on_closed) {
      http_stream_options options;
      options.on_closed = [on_closed = std::move(on_closed)](stream_end) {
        on_closed();
      };
      return line_sink{
          [stream = responder.stream(std::move(options))](std::string bytes) {
            if (!bytes.empty())
              return stream.send(std::move(bytes));
            stream.finish();
            return false;
          }};
    };
    api.handle(std::move(request), std::move(reply));
  };
}

} // namespace berth
