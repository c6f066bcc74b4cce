"""State changes as GET /v1/events streams them."""

import http.client
import json
import time

from wire import signed_headers


class EventStream:
    """Reads the lines of GET /v1/events."""

    def __init__(self, server, query=""):
        path = "/v1/events" + query
        self.connection = http.client.HTTPConnection(
            *server.address, timeout=60
        )
        self.connection.request(
            "GET", path, headers=signed_headers(server, "GET", path, b"")
        )
        self.response = self.connection.getresponse()
        assert self.response.status == 200

    def until(self, is_last, seconds=60):
        """Events up to the first one for which is_last is true."""
        end = time.monotonic() + seconds
        found = []
        while True:
            line = self.response.readline()
            assert line, f"the stream ended: {found}"
            assert time.monotonic() < end, found
            if not line.strip():
                continue
            found.append(json.loads(line))
            if is_last(found[-1]):
                return found

    def close(self):
        self.connection.close()


def is_of(job, status=None):
    def match(event):
        detail = event["detail"]
        return detail["jobId"] == job and status in (None, detail["status"])

    return match
