"""What can go wrong with one HTTP exchange: each fault is a function of the exchange.

A fault returns when the connection may carry a next request, and raises `ConnectionOver` when it
ended the connection.
"""

from collections.abc import Callable
from dataclasses import replace

from helpers.fault_proxy import Exchange
from helpers.http_wire import Message, answer, has_body

_PORTAL = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head>"
    b"<body><form action='/login'>Please sign in to this network.</form></body></html>"
)


def error_body(code: str) -> bytes:
    """Return S3's error document."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>injected</Message><RequestId>1</RequestId></Error>"
    ).encode()


# Of the connection:


def reset(exchange: Exchange) -> None:
    """RST before the request is read."""
    exchange.reset()


def cut_request(exchange: Exchange) -> None:
    """RST in the middle of the request's body."""
    exchange.read_request(upto=exchange.at)
    exchange.reset()


def _send_first_part(exchange: Exchange) -> None:
    reply = exchange.forward()
    length = len(reply.body) if has_body(exchange.request, reply) else 0
    exchange.send_raw(reply.head(length) + reply.body[: int(length * exchange.at)])


def cut_fin(exchange: Exchange) -> None:
    """The answer ends early, by FIN."""
    _send_first_part(exchange)
    exchange.finish()


def cut_rst(exchange: Exchange) -> None:
    """The answer ends early, by RST."""
    _send_first_part(exchange)
    exchange.reset()


def cut_head(exchange: Exchange) -> None:
    """The answer ends inside its headers."""
    reply = exchange.forward()
    head = reply.head(len(reply.body))
    exchange.send_raw(head[: max(1, int(len(head) * exchange.at))])
    exchange.finish()


def stall_before(exchange: Exchange) -> None:
    """No answer ever comes; the server never saw the request."""
    exchange.read_request()
    exchange.stall()


def stall_middle(exchange: Exchange) -> None:
    """The answer stops in the middle; the connection stays open."""
    _send_first_part(exchange)
    exchange.stall()


def lost_answer(exchange: Exchange) -> None:
    """The server applies the request, but its answer is lost."""
    exchange.forward()
    exchange.reset()


# Of the content:


def _flipped(body: bytes, at: float) -> bytes:
    if not body:
        return body
    changed = bytearray(body)
    changed[min(int(len(body) * at), len(body) - 1)] ^= 1
    return bytes(changed)


def flip_up(exchange: Exchange) -> None:
    """One bit of the request's body is flipped."""
    request = exchange.read_request()
    exchange.send(exchange.forward(replace(request, body=_flipped(request.body, exchange.at))))


def flip_down(exchange: Exchange) -> None:
    """One bit of the answer's body is flipped."""
    reply = exchange.forward()
    exchange.send(replace(reply, body=_flipped(reply.body, exchange.at)))


def truncate_up(exchange: Exchange) -> None:
    """The server gets a part of the request's body, with a matching length."""
    request = exchange.read_request()
    shorter = request.body[: int(len(request.body) * exchange.at)]
    exchange.send(exchange.forward(replace(request, body=shorter)))


def short_length(exchange: Exchange) -> None:
    """The answer is a part of the right one, with a matching length."""
    reply = exchange.forward()
    exchange.send(replace(reply, body=reply.body[: int(len(reply.body) * exchange.at)]))


def duplicate_length(exchange: Exchange) -> None:
    """Content-Length comes twice, with the same value."""
    reply = exchange.forward()
    length = len(reply.body) if has_body(exchange.request, reply) else 0
    twice = [("Content-Length", str(length))]
    exchange.send_raw(reply.head(length, twice) + reply.body)


def chunked_cut(exchange: Exchange) -> None:
    """The answer comes in chunks and ends without the last one."""
    reply = exchange.forward()
    if not has_body(exchange.request, reply):
        exchange.reset()
    part = reply.body[: max(1, int(len(reply.body) * exchange.at))]
    head = reply.head(None, [("Transfer-Encoding", "chunked")])
    exchange.send_raw(head + f"{len(part):x}\r\n".encode() + part + b"\r\n")
    exchange.finish()


def range_ignored(exchange: Exchange) -> None:
    """The server ignores Range and If-Match: status 200 with all of the object.

    The headers are signed, so they cannot be removed from the request: a separate client of the
    proxy requests the object.
    """
    exchange.read_request()
    bucket, key = exchange.request.bucket_and_key
    client = exchange.proxy.server.client()
    found = client.get_object(Bucket=bucket, Key=key)
    body = found["Body"].read()
    client.close()
    metadata = tuple((f"x-amz-meta-{name}", value) for name, value in found["Metadata"].items())
    headers = found["ResponseMetadata"]["HTTPHeaders"]
    stored = tuple((name, headers[name]) for name in ("etag", "last-modified", "content-type"))
    exchange.send(Message("HTTP/1.1 200 OK", (*stored, *metadata), body))


def wrong_type(exchange: Exchange) -> None:
    """The right answer is labelled as a web page."""
    exchange.send(exchange.forward().with_header("Content-Type", "text/html; charset=utf-8"))


# Of the answer:


def _replaced_by(status: int, body: bytes = b"", kind: str = "application/xml") -> "Fault":
    def fault(exchange: Exchange) -> None:
        exchange.read_request()
        exchange.send(answer(status, body, kind))

    return fault


def redirect_302(exchange: Exchange) -> None:
    """A gateway sends the client to its sign-in page."""
    exchange.read_request()
    page = f"{exchange.proxy.url}/web-page"
    exchange.send(answer(302, b"", "text/html", Location=page))


Fault = Callable[[Exchange], None]

FAULTS: dict[str, Fault] = {
    "reset": reset,
    "cut_request": cut_request,
    "cut_fin": cut_fin,
    "cut_rst": cut_rst,
    "cut_head": cut_head,
    "stall_before": stall_before,
    "stall_middle": stall_middle,
    "lost_answer": lost_answer,
    "flip_up": flip_up,
    "flip_down": flip_down,
    "truncate_up": truncate_up,
    "short_length": short_length,
    "duplicate_length": duplicate_length,
    "chunked_cut": chunked_cut,
    "range_ignored": range_ignored,
    "wrong_type": wrong_type,
    "error_500": _replaced_by(500, error_body("InternalError")),
    "error_503": _replaced_by(503, error_body("SlowDown")),
    "html_500": _replaced_by(500, b"<html><body>Bad gateway</body></html>", "text/html"),
    "error_in_200": _replaced_by(200, error_body("InternalError")),
    "empty_200": _replaced_by(200, b"", ""),
    "portal_200": _replaced_by(200, _PORTAL, "text/html"),
    "redirect_302": redirect_302,
    "proxy_407": _replaced_by(407, b"<html>Proxy Authentication Required</html>", "text/html"),
}
