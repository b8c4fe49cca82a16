"""What each request of a connection comes to: sent, answered, or failed, and by which endpoint.

The window shows from this whether a server really answers. Counted are single attempts, before
anything is sent again; a call that fails in the end is reported by its error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.aws.faults import kind_of_answer, translate
from core.errors import ErrorKind

#: Kinds that say something about the server or the keys, not about what was asked for.
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request at one moment of its life.

    Attributes:
        endpoint: host, and port if the URL names one.
        over: False when the request was just sent, True when its outcome is known.
        failed: the kind of a failure that concerns server or keys; None for a good answer, which
            "there is no such object" and "you may not do that" are as well.
    """

    endpoint: str
    over: bool = False
    failed: ErrorKind | None = None


Watcher = Callable[[Attempt], None]


def endpoint_of(url: str) -> str:
    """Return host and port of a URL, without a bucket's name in front of AWS's own hosts."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    bucket, dot, rest = host.partition(".s3.")
    return f"s3.{rest}" if dot and bucket and rest.endswith("amazonaws.com") else host


def outcome(
    endpoint: str,
    operation: str,
    response: tuple[Any, Mapping[str, Any]] | None,
    error: Exception | None,
) -> Attempt:
    """Return what an attempt came to.

    Args:
        endpoint: as in `Attempt`.
        operation: `service:Operation`.
        response: botocore's pair of raw and parsed answer, if there was one.
        error: what was raised instead.
    """
    kind: ErrorKind | None = None
    if error is not None:
        translated = translate(error, operation)
        kind = translated.kind if translated is not None else None
    elif response is not None:
        kind = kind_of_answer(response[1], operation)
    return Attempt(endpoint, over=True, failed=kind if kind in FAILING else None)
