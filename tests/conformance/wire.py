"""Requests as they are on the wire, signed as the SDKs sign them."""

import http.client
import json
import uuid

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from berth_server import ACCESS_KEY, REGION, SECRET_KEY

CREDENTIALS = Credentials(ACCESS_KEY, SECRET_KEY)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error's code, wherever clients look for it first."""
        return self.headers.get("x-amzn-errortype", "").partition(":")[0]

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


def signed_headers(server, method, path, body, headers=None, service="batch"):
    host, port = server.address
    request = AWSRequest(
        method=method,
        url=f"http://{host}:{port}{path}",
        data=body,
        headers={"Content-Type": "application/json", **(headers or {})},
    )
    SigV4Auth(CREDENTIALS, service, REGION).add_auth(request)
    return dict(request.headers.items())


def send(server, method, path, body=b"", headers=None, timeout=30):
    """Sends exactly these headers (Host and Content-Length are added unless
    given) and returns the answer."""
    host, port = server.address
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def call(
    server,
    operation,
    body=None,
    invocation=None,
    attempt=1,
    timeout=30,
    **extra,
):
    """One Batch operation, signed; body is an object or bytes as they are."""
    if not isinstance(body, bytes):
        body = json.dumps(body or {}).encode()
    headers = {
        "amz-sdk-invocation-id": invocation or str(uuid.uuid4()),
        "amz-sdk-request": f"attempt={attempt}",
        **extra,
    }
    path = f"/v1/{operation.lower()}"
    headers = signed_headers(server, "POST", path, body, headers)
    return send(server, "POST", path, body, headers, timeout)
