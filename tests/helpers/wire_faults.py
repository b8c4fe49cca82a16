"""Faults on the wire between botocore and a server: lost answers, refusals, and death.

`Wire` replaces botocore's `URLLib3Session.send`. A rule inspects each call and decides what
happens to it; `Killed` is a BaseException, so Strongroom does not catch it: what follows is what a
killed process would have left, since only the system's clean-up (locks, sockets) takes place.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session


class Killed(BaseException):
    """The process died here."""


@dataclass(frozen=True)
class Call:
    """One request: its service and operation, for S3 the method and path."""

    number: int
    service: str
    operation: str


Rule = Callable[[Call], str]

#: fault -> (HTTP status, error code)
ANSWERS = {
    "500": (500, "InternalFailure"),
    "throttled": (400, "ThrottlingException"),
    "expired": (403, "ExpiredToken"),
    "denied": (403, "AccessDenied"),
}
FAULTS = ("lost", *ANSWERS, "killed")


class Wire:
    """Counts calls and applies the rule; `calls` lists what was sent."""

    def __init__(self, rule: Rule = lambda _call: "") -> None:
        self.rule = rule
        self.calls: list[Call] = []

    def send(self, real: Callable[..., Any], session: Any, request: Any) -> Any:
        call = Call(len(self.calls), *_named(request))
        self.calls.append(call)
        fault = self.rule(call)
        if fault == "killed before":
            raise Killed
        if fault in ANSWERS:
            return _answer(request, call, *ANSWERS[fault])
        answer = real(session, request)
        if fault == "killed":
            _ = answer.content
            raise Killed
        if fault == "lost":
            _ = answer.content
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer


@contextmanager
def on_the_wire(monkeypatch: Any, wire: Wire) -> Iterator[Wire]:
    """Let every botocore client of this process pass through `wire`; its retries do not sleep."""
    real = URLLib3Session.send
    with monkeypatch.context() as patch:
        patch.setattr(URLLib3Session, "send", lambda self, request: wire.send(real, self, request))
        patch.setattr("core.aws.retries._FIRST_PAUSE", 0.0)
        yield wire


def _named(request: Any) -> tuple[str, str]:
    target = request.headers.get("X-Amz-Target", b"")
    target = target.decode() if isinstance(target, bytes) else target
    if target:
        service, _, operation = target.partition(".")
        return service, operation
    body = request.body if isinstance(request.body, bytes | str) else b""
    form = parse_qs(body.decode() if isinstance(body, bytes) else body)
    if "Action" in form:
        action = form["Action"][0]
        return ("sts" if action in {"GetCallerIdentity", "AssumeRole"} else "iam"), action
    return "s3", f"{request.method} {urlsplit(request.url).path}"


def _answer(request: Any, call: Call, status: int, code: str) -> AWSResponse:
    if call.service == "secretsmanager":
        code = f"{code}Exception" if code in {"ExpiredToken", "AccessDenied"} else code
        status = 500 if status == 500 else 400
        body = json.dumps({"__type": code, "message": "injected"}).encode()
        kind = "application/x-amz-json-1.1"
    elif call.service == "s3":
        code = {"InternalFailure": "InternalError", "ThrottlingException": "SlowDown"}.get(
            code, code
        )
        status = 503 if code == "SlowDown" else status
        body = f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
        kind = "application/xml"
    else:
        code = {"ThrottlingException": "Throttling"}.get(code, code)
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>injected</Message></Error><RequestId>0</RequestId></ErrorResponse>"
        ).encode()
        kind = "text/xml"
    headers = {"content-type": kind, "content-length": str(len(body)), "x-amz-request-id": "0"}
    return AWSResponse(request.url, status, headers, _Raw(body))


class _Raw(BytesIO):
    def stream(self, **_options: Any) -> Iterator[bytes]:
        yield self.read()

    def release_conn(self) -> None:
        self.close()
