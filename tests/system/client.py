"""A small HTTP client for the tests: one connection per request, nothing hidden."""
import http.client
import json
import socket


class Answer:
    """Status, headers (names in lower case) and body of one answer."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {k.lower(): v for k, v in headers}

    @property
    def json(self):
        return json.loads(self.body.decode("utf-8"))

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


def request(port, method, path, body=None, headers=None, timeout=120):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return Answer(r.status, r.getheaders(), r.read())
    finally:
        c.close()


def post(port, path, body, headers=None, timeout=120):
    """body: bytes as they are, anything else as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    head = {"Content-Type": "application/json"}
    head.update(headers or {})
    return request(port, "POST", path, body, head, timeout)


def raw(port, data, shut=False, timeout=20):
    """Sends bytes as they are and returns all that comes back until the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        got = b""
        try:
            s.sendall(data)
            if shut:
                s.shutdown(socket.SHUT_WR)
            while chunk := s.recv(65536):
                got += chunk
        except (ConnectionError, socket.timeout):
            pass
        return got


def start(port, body, path="/api/run", headers=None, source="127.0.0.1"):
    """Sends a whole request and returns the socket without waiting for the answer.
    source: any address of 127.0.0.0/8, to be another client for nginx."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    more = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
    s = socket.create_connection(("127.0.0.1", port), timeout=120, source_address=(source, 0))
    s.sendall((f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}"
               f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body)
    return s


def finish(s):
    """Reads the answer to start(); raises ConnectionError if there is none."""
    with s:
        r = http.client.HTTPResponse(s, method="POST")
        try:
            r.begin()
            return Answer(r.status, r.getheaders(), r.read())
        except http.client.HTTPException as e:
            raise ConnectionError(f"no whole answer: {e!r}") from e
