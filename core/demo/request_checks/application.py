"""The WSGI application, which checks a request and refuses it or forwards it to moto."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from moto.s3.models import s3_backends

from core.demo.moto_repairs import repair_moto
from core.demo.request_checks import authorization, aws_limits, bodies, service_actions
from core.demo.request_checks.authorization import Authorization
from core.demo.request_checks.conditional_writes import ConditionalWrites
from core.demo.request_checks.forms import Form, form_of, verify_form
from core.demo.request_checks.principals import (
    ACCOUNT,
    PARTITION,
    Principal,
    principal_of,
    record_use,
)
from core.demo.request_checks.refusals import Answer, Code, Refusal, Refused, answer_to, dialect_of
from core.demo.request_checks.request import (
    Incoming,
    forwarded_environment,
    incoming,
    without_signature,
)
from core.demo.request_checks.signature import ALGORITHM, Claim, check_time, claim_of, verify

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class CheckedApplication:
    """WSGI application around moto's that refuses requests which AWS would refuse."""

    def __init__(self, moto: Application) -> None:
        repair_moto()
        self._moto = moto
        self._authorization = Authorization()
        self._conditional_writes = ConditionalWrites()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one WSGI request."""
        request = incoming(environ)
        service = ""
        try:
            form = form_of(request)
            claim = form.claim if form is not None else claim_of(request)
            service = claim.service
            answer = (
                self._answer(environ, request, claim)
                if form is None
                else self._answer_form(environ, form, claim)
            )
        except Refused as refused:
            answer = answer_to(refused, request, dialect_of(request, service))
        return _sent(answer, start_response)

    def _answer(self, environ: Environ, request: Incoming, claim: Claim) -> Answer:
        now = datetime.now(UTC)
        # The order determines which error a client receives.
        principal = principal_of(claim, now)
        check_time(claim, now)
        key = verify(request, claim, principal.secret)
        record_use(claim, now)
        _check_service(request, claim)
        body = bodies.Body(request.body, {})
        if claim.service == "s3":
            body = bodies.body_of(request, claim, key)
            aws_limits.check_s3(request, body.data)
            _check_region(request, claim)
        elif claim.service == "secretsmanager":
            aws_limits.check_secret(request)
        self._authorization.check(request, claim, principal)
        if claim.is_link:
            without_signature(environ)
        header = f"{ALGORITHM} Credential={claim.access_key_id}/{claim.scope}, SignedHeaders=host"
        forwarded_environment(
            environ, body.data, {**body.changed, "authorization": f"{header}, Signature=0"}
        )
        if claim.service == "s3" and authorization.is_delete(request):
            return self._deleted(environ, request, principal)
        # The lock covers moto's write as well, otherwise two writers could pass the check.
        with self._conditional_writes.checked(request):
            answer = _complete_answer(self._moto, environ)
        self._authorization.remember(request, principal, answer.body)
        return answer

    def _answer_form(self, environ: Environ, form: Form, claim: Claim) -> Answer:
        """Store the file of a form by a PUT, if its policy allows it."""
        now = datetime.now(UTC)
        principal = principal_of(claim, now)
        verify_form(form, claim, principal.secret, now)
        record_use(claim, now)
        request = form.as_put
        self._authorization.check(request, claim, principal)
        environ.update(
            REQUEST_METHOD="PUT", RAW_URI=request.path, REQUEST_URI=request.path,
            PATH_INFO=unquote(request.path), QUERY_STRING="",
            CONTENT_TYPE=request.headers["content-type"],
        )  # fmt: skip
        header = f"{ALGORITHM} Credential={claim.access_key_id}/{claim.scope}, SignedHeaders=host"
        meta = {name: value for name, value in request.headers.items() if name != "content-type"}
        forwarded_environment(
            environ, request.body, {**meta, "authorization": f"{header}, Signature=0"}
        )
        with self._conditional_writes.checked(request):
            answer = _complete_answer(self._moto, environ)
        return replace(answer, status=204, body=b"") if answer.status == 200 else answer

    def _deleted(self, environ: Environ, request: Incoming, principal: Principal) -> Answer:
        body = environ["wsgi.input"].getvalue()
        # moto deletes every key that it receives, but S3 decides for each key.
        allowed, denied = authorization.split_denied_keys(request, body, principal)
        if denied and authorization.is_fully_denied(allowed):
            kind = {"Content-Type": "application/xml"}
            return Answer(
                200, kind, authorization.add_denied_keys(authorization.EMPTY_RESULT, denied)
            )
        forwarded_environment(environ, allowed, {})
        answer = _complete_answer(self._moto, environ)
        if answer.status != 200 or not denied:
            return answer
        return Answer(200, answer.headers, authorization.add_denied_keys(answer.body, denied))


def _check_service(request: Incoming, claim: Claim) -> None:
    """Refuse requests for moto's control pages and for services that the demo does not offer."""
    if claim.service not in service_actions.SERVICES:
        raise Refused(Refusal.NO_SERVICE, detail=f"The demo server has no {claim.service}.")
    # "moto-api" resets all data, and "latest" is the metadata service of EC2.
    if request.bucket in {"moto-api", "latest"}:
        message = "The specified bucket does not exist"
        raise Refused(Code(404, "NoSuchBucket", message), BucketName=request.bucket)


def _check_region(request: Incoming, claim: Claim) -> None:
    """Redirect a request that was signed for the wrong region, like S3."""
    bucket = s3_backends[ACCOUNT][PARTITION].buckets.get(request.bucket)
    if bucket is None or bucket.region_name == claim.region:
        return
    message = (
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint."
    )
    refusal = Code(301, "PermanentRedirect", message)
    raise Refused(refusal, Bucket=request.bucket, Region=bucket.region_name)


def _complete_answer(moto: Application, environ: Environ) -> Answer:
    """Return moto's complete answer."""
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _info: Any = None) -> None:
        started[:] = [int(status.split(maxsplit=1)[0]), headers]

    parts = moto(environ, start)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", bool)()
    status, headers = started
    return Answer(status, dict(headers), body)


def _sent(answer: Answer, start_response: StartResponse) -> Iterable[bytes]:
    """Send an answer; the answer to HEAD has the length of the omitted body."""
    lengths = [name for name in answer.headers if name.lower() == "content-length"]
    headers = dict(answer.headers)
    if answer.body or not (lengths or answer.status == HTTPStatus.NO_CONTENT):
        for name in lengths:
            del headers[name]
        headers["Content-Length"] = str(len(answer.body))
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
    return [answer.body]
