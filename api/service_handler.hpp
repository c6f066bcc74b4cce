// Puts the service behind the HTTP server.
#pragma once

#include "api/http_server.hpp"

namespace berth {

class service;

/// The handler to give to an `http_server`; the service outlives the server.
http_handler make_handler(service& api);

} // namespace berth
