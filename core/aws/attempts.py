"""Outcome of each request of a connection: sent, answered or failed, and by which endpoint.

The window uses it to show whether a server answers. Every attempt is counted, retries included; the
final failure of a call is reported by its error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.aws.faults import kind_of_answer, translate
from core.errors import ErrorKind

#: Kinds of errors that concern the server or the keys, not the requested resource.
FAILING = frozenset(
    {
        ErrorKind.OFFLINE,
        ErrorKind.NOT_S3,
        ErrorKind.SERVICE,
        ErrorKind.CREDENTIALS_MISSING,
        ErrorKind.CREDENTIALS_EXPIRED,
        ErrorKind.CREDENTIALS_INVALID,
        ErrorKind.CLOCK_SKEW,
    }
)
#: Answers about the service or the bucket, which a server may give before it checks the keys.
_UNCHECKED = frozenset({ErrorKind.NOT_SUPPORTED, ErrorKind.THROTTLED, ErrorKind.WRONG_REGION})


@dataclass(frozen=True, slots=True)
class Attempt:
    """State of one request: sent, or finished with its outcome.

    Attributes:
        endpoint: host, and port if the URL names one.
        over: False when the request was just sent, True when its outcome is known.
        failed: the kind of a failure that concerns the server or the keys; None for a valid answer,
            which includes "not found" and "access denied".
        keys_accepted: whether a valid answer proves that the server accepts the keys. Some answers
            are given before they are checked: see `_proves_keys`.
    """

    endpoint: str
    over: bool = False
    failed: ErrorKind | None = None
    keys_accepted: bool = True


Watcher = Callable[[Attempt], None]


def endpoint_of(url: str) -> str:
    """Return host and port of a URL, without the bucket name that precedes AWS's hosts."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    bucket, dot, rest = host.partition(".s3.")
    return f"s3.{rest}" if dot and bucket and rest.endswith("amazonaws.com") else host


def outcome(
    endpoint: str,
    operation: str,
    response: tuple[Any, Mapping[str, Any]] | None,
    error: Exception | None,
) -> Attempt:
    """Return the outcome of an attempt.

    Args:
        endpoint: as in `Attempt`.
        operation: `service:Operation`.
        response: botocore's raw and parsed answer, if there was one.
        error: the exception that was raised instead.
    """
    kind: ErrorKind | None = None
    if error is not None:
        translated = translate(error, operation)
        kind = translated.kind if translated is not None else None
    elif response is not None:
        kind = kind_of_answer(response[1], operation)
    return Attempt(
        endpoint,
        over=True,
        failed=kind if kind in FAILING else None,
        keys_accepted=_proves_keys(kind, operation),
    )


def _proves_keys(kind: ErrorKind | None, operation: str) -> bool:
    """Return whether a server that gives this answer has checked and accepted the keys.

    The owner of the keys is shown to everyone: an error is the answer of a server without STS,
    which may call it unsupported, invalid or not found.
    """
    return kind is None or (kind not in _UNCHECKED and not operation.startswith("sts:"))
