"""Answers that are not from AWS, and minimal parameters for every call that could get one."""

import threading
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.session import get_session
from helpers.stub_server import Reply, Request

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
_PAGE = {"Content-Type": "text/html; charset=utf-8"}


def _truncated(asked: Request) -> Reply:
    if "x-amz-target" in asked.headers:
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "1"}
        return Reply(200, headers, b'{"ARN": "arn:aws:secretsmanager:us-east-1:1:secret:x", "Na')
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult><Name>b</Name><Conte'
    return Reply(200, {"Content-Type": "application/xml", "x-amz-request-id": "1"}, body)


def _wrong_type(asked: Request) -> Reply:
    body = b'{"message": "ok"}' if "x-amz-target" not in asked.headers else b"<ok/>"
    return Reply(200, {"Content-Type": "text/plain"}, body)


def _redirect(asked: Request) -> Reply:
    if asked.path.startswith("/sign-in"):
        return Reply(200, _PAGE, HTML)
    return Reply(302, {**_PAGE, "Location": f"http://{asked.headers['host']}/sign-in"}, HTML)


#: name -> what the server answers to everything.
BAD_ANSWERS: dict[str, Callable[[Request], Reply]] = {
    "200 with a web page": lambda _asked: Reply(200, _PAGE, HTML),
    "302 to a web page": _redirect,
    "empty 200": lambda _asked: Reply(200),
    "truncated document": _truncated,
    "wrong content type": _wrong_type,
    "500 with a web page": lambda _asked: Reply(500, _PAGE, HTML),
    "407": lambda _asked: Reply(407, _PAGE, HTML),
}


class Silent:
    """A server that takes every request and never answers, until it is released."""

    def __init__(self) -> None:
        self._released = threading.Event()

    def __call__(self, _asked: Request) -> Reply:
        self._released.wait(120)
        return Reply(503)

    def release(self) -> None:
        """Answer all that wait."""
        self._released.set()


def minimal_parameters(service: str, operation: str) -> dict[str, Any]:
    """Return the required parameters of an operation, each with a value that passes validation."""
    shape = get_session().get_service_model(service).operation_model(operation).input_shape
    made: dict[str, Any] = _structure(shape) if shape is not None else {}
    return made


def method_of(operation: str) -> str:
    """Return the client's method that sends an operation."""
    return str(xform_name(operation))


def _structure(shape: Any) -> dict[str, Any]:
    return {name: _value(name, shape.members[name]) for name in shape.required_members}


def _value(name: str, shape: Any) -> Any:
    if shape.type_name == "structure":
        return _structure(shape)
    if shape.type_name == "list":
        return [_value(name, shape.member)]
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x" * max(20, shape.metadata.get("min", 1))
    simple = {"integer": 1, "long": 1, "boolean": True, "blob": b"x", "timestamp": 0, "double": 1.0}
    return simple[shape.type_name]
