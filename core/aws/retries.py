"""Retry policy of all AWS requests, with cancellation, deadline and budget.

botocore's retries cannot be cancelled while they wait, have no common budget, and do not cover
answers that its parser rejects. So botocore sends once, and this module decides in its
`needs-retry` event. Source of the codes: botocore's standard mode (`botocore/retries/standard.py`)
and the S3 API reference, "Error responses".
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from botocore import handlers
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from core.aws.actions import is_changing
from core.aws.answers import BadAnswerError, check_answer, missing_field
from core.aws.current_work import current_work
from core.aws.sockets import ended_by, use_cancellable_connections
from core.effects import Result, note_attempt
from core.errors import Cancelled
from core.work import INTERACTIVE_SECONDS, CancelToken, RetryBudget, Work

#: Maximum attempts of one request, including the first: without and with a retry budget.
ATTEMPTS, ATTEMPTS_IN_BUDGET = 4, 8
#: The longest wait for the next bytes of an answer, in seconds.
READ_SECONDS = 30.0
#: Operations with slow answers, because the server copies or joins data first.
_PATIENT = frozenset({"CompleteMultipartUpload", "CopyObject", "UploadPartCopy"})
_PATIENT_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_BEGAN, _ATTEMPT_BEGAN = "strongroom_began", "strongroom_attempt_began"
#: Failures before a request could be sent.
_UNSENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, SSLError)
_TRANSIENT_STATUS = frozenset({429, 500, 502, 503, 504})
_TRANSIENT_CODES = frozenset(
    [
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "ProvisionedThroughputExceededException",
        "PriorRequestNotComplete",
        "TransactionInProgressException",
        "EC2ThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "IncompleteBody",
        "BadDigest",
        "XAmzContentSHA256Mismatch",
        "XAmzContentChecksumMismatch",
        "InternalError",
        "InternalFailure",
        "ServiceUnavailable",
        "IDPCommunicationError",
    ]
)
#: Operations whose XML contains only values of the server and keys: if the server cannot parse it,
#: it was damaged on the way. Elsewhere `MalformedXML` is also the answer to a wrong value.
_GENERATED_BODIES = frozenset({"DeleteObjects", "CompleteMultipartUpload"})

_Response = tuple[Any, dict[str, Any]]
_Outcome = tuple[_Response | None, Exception | None]


def install(client: Any, *, once: bool) -> None:
    """Install the checks of answers and the retry policy in a new client.

    Args:
        client: a botocore client that has not sent a request; its own retries are disabled.
        once: whether requests are never retried, for calls that are not idempotent.
    """
    endpoint = client._endpoint  # noqa: SLF001 - botocore's events come too late: after the parser
    use_cancellable_connections(endpoint.http_session)
    endpoint._do_get_response = _guarded(endpoint._do_get_response)  # noqa: SLF001 - likewise
    service = client.meta.service_model.service_id.hyphenize()
    policy = _retry_never if once else _retry
    client.meta.events.register_first(f"needs-retry.{service}", policy)


def install_checks(session: Any) -> None:
    """Install the checks of answers in all clients of a botocore session, including STS."""
    events = session.get_component("event_emitter")
    # botocore parses every body a second time to find errors in answers with status 200, and treats
    # a body that it cannot parse as one; `check_answer` replaces this.
    events.unregister("before-parse.s3.*", handlers._handle_200_error)  # noqa: SLF001 - no other way
    events.register_first("before-parse", check_answer, unique_id="strongroom-check-answer")


def _guarded(inner: Callable[..., _Outcome]) -> Callable[..., _Outcome]:
    """Wrap botocore's `_do_get_response` with deadline, cancellation and parser errors."""

    def get_response(request: Any, operation_model: Any, context: dict[str, Any]) -> _Outcome:
        work = current_work()
        work.check()
        now = time.monotonic()
        context.setdefault(_BEGAN, now)
        context[_ATTEMPT_BEGAN] = now
        context["read_timeout"] = _read_timeout(operation_model.name, context, work.budget)
        try:
            with ended_by(work.token):
                response, error = inner(request, operation_model, context)
        except BadAnswerError as refused:
            return None, refused
        except (ResponseParserError, ValueError, LookupError, TypeError):
            # Raised by botocore's parsers if headers or values do not match the service model.
            return None, BadAnswerError("its form does not match the service")
        return _checked(operation_model, response, error)

    def noted(request: Any, operation_model: Any, context: dict[str, Any]) -> _Outcome:
        response, error = get_response(request, operation_model, context)
        if is_changing(operation_model.service_model.service_name, operation_model.name):
            note_attempt(operation_model.name, _result_of(response, error))
        return response, error

    return noted


def _result_of(response: _Response | None, error: Exception | None) -> Result:
    """Return what an attempt has done: a refusal and what was never sent have done nothing."""
    if error is not None or response is None:
        final = isinstance(error, BadAnswerError) and error.final
        return Result.NOTHING if final or isinstance(error, _UNSENT) else Result.UNKNOWN
    status = response[1]["ResponseMetadata"]["HTTPStatusCode"]
    # A server that does not implement the operation has not begun it.
    if status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED:
        return Result.UNKNOWN
    return Result.CHANGE if status < 300 else Result.NOTHING


def _checked(operation_model: Any, response: _Response | None, error: Exception | None) -> _Outcome:
    if response is not None and response[1]["ResponseMetadata"]["HTTPStatusCode"] < 300:
        missing = missing_field(operation_model, response[1])
        if missing is not None:
            return None, BadAnswerError(f"it lacks the field {missing}")
    return response, error


def _read_timeout(operation: str, context: dict[str, Any], budget: RetryBudget | None) -> float:
    if operation in _PATIENT:
        return _PATIENT_SECONDS
    if budget is None:
        left = INTERACTIVE_SECONDS - (time.monotonic() - context[_BEGAN])
    else:
        left = budget.left
    # Never 0, which urllib3 refuses.
    return max(1.0, min(READ_SECONDS, float(left)))


def _retry(
    response: _Response | None,
    caught_exception: Exception | None,
    attempts: int,
    request_dict: dict[str, Any],
    operation: Any,
    **_event: Any,
) -> int | bool | None:
    """Return 0 to retry, False to give up, None to let other handlers decide (redirects)."""
    work = current_work()
    _check_cancel(work, response)
    if not _is_transient(response, caught_exception, operation.name):
        if work.budget is not None and response is not None:
            # Any answer proves that the server is up, also a refusal.
            work.budget.succeeded()
        return None
    context = request_dict["context"]
    if work.budget is None:
        return _retry_soon(work.token, context, attempts)
    again = work.budget.failed(context[_ATTEMPT_BEGAN])
    if not again or attempts >= ATTEMPTS_IN_BUDGET:
        return False
    work.budget.pause(work.token)
    return 0


def _retry_never(
    response: _Response | None, caught_exception: Exception | None, operation: Any, **_event: Any
) -> bool | None:
    _check_cancel(current_work(), response)
    return False if _is_transient(response, caught_exception, operation.name) else None


def _check_cancel(work: Work, response: _Response | None) -> None:
    """Raise `Cancelled` after a cancel, and close the answer, whose body no caller will read."""
    try:
        work.check()
    except Cancelled:
        if response is not None:
            with suppress(Exception):  # the connection may be closed already
                response[0].raw.close()
        raise


def _retry_soon(token: CancelToken, context: dict[str, Any], attempts: int) -> int | bool:
    """Wait and return 0 to retry, or return False if the deadline of the call has passed."""
    spread = 0.5 + random.random()  # noqa: S311 - it spreads requests, it hides nothing
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempts - 1)) * spread
    spent = time.monotonic() - context[_BEGAN]
    if attempts >= ATTEMPTS or spent + pause >= INTERACTIVE_SECONDS:
        return False
    token.wait(pause)
    return 0


def _is_transient(response: _Response | None, error: Exception | None, operation: str) -> bool:
    """Return whether the same request may succeed a moment later."""
    if isinstance(error, BadAnswerError):
        return not error.final
    # A certificate or a proxy does not become valid a moment later; they are connection errors too.
    if isinstance(error, SSLError | ProxyConnectionError):
        return False
    if error is not None:
        return isinstance(error, BotoConnectionError | ReadTimeoutError | HTTPClientError)
    if response is None:
        return False
    parsed = response[1]
    status = parsed["ResponseMetadata"]["HTTPStatusCode"]
    code = parsed.get("Error", {}).get("Code", "")
    damaged = code == "MalformedXML" and operation in _GENERATED_BODIES
    return damaged or status in _TRANSIENT_STATUS or code in _TRANSIENT_CODES
