"""What S3's answers to HEAD requests, which have no body, say about a bucket and the keys.

*Region.* `x-amz-bucket-region` comes with 200, 301, 400 and 403, so also with a refusal (S3 API
reference, HeadBucket).

*Refusals.* S3 answers HEAD with a bare 400 or 403: an expired session, unknown keys and a missing
permission look the same (S3 API reference, HeadObject: "a HEAD request has no response body"). The
same keys are then tried once with a listing, whose answer has a body, and the error of the HEAD
takes its code from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from core.aws.fault_codes import CUSTOMER_KEY
from core.aws.faults import REGION_HEADER, kind_of_answer, translate
from core.errors import AccessDenied, CredentialsExpired, ErrorKind, NotSupported, StorageError

_BUCKET, _KEY = "strongroom_bucket", "strongroom_key"
_UNUSUAL = (
    "this server does not accept the key, probably because of the parts “.” or “..” between slashes "
    "or of control characters"
)
#: Seconds for which keys that S3 accepted are not tried again after a denial.
_ACCEPTED_SECONDS = 10.0
_OF_THE_KEYS = frozenset(
    {ErrorKind.CREDENTIALS_EXPIRED, ErrorKind.CREDENTIALS_INVALID, ErrorKind.CLOCK_SKEW}
)


def find_region(client: Any, bucket: str, home: str) -> str:
    """Return the region of a bucket, or `home` if the server does not report one but serves it.

    Raises:
        NoSuchBucket: the bucket does not exist.
        StorageError: the endpoint cannot be reached or does not speak S3.
    """
    try:
        answer = client.head_bucket(Bucket=bucket)
    except Exception as error:  # handled below: a refusal may contain the region
        region = _region_in(getattr(error, "response", None))
        if region:
            return region
        fault = translate(error, "s3:HeadBucket", f"s3://{bucket}")
        if fault is None:
            raise
        return _home_or_raise(fault, home)
    return _region_in(answer) or home


def _home_or_raise(fault: StorageError, home: str) -> str:
    """Return `home` if only HeadBucket was denied: other requests may be allowed."""
    # An unexplained 400 counts as expired keys, but may concern HeadBucket only.
    if isinstance(fault, AccessDenied | NotSupported | CredentialsExpired):
        return home
    raise fault from None


def _region_in(answer: Any) -> str:
    meta = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
    # A bucket that does not exist has no region, whatever a server sends with the answer.
    if meta.get("HTTPStatusCode") == 404:
        return ""
    return str(meta.get("HTTPHeaders", {}).get(REGION_HEADER, "") or "")


def explain_refused_heads(client: Any) -> None:
    """Make errors of an S3 client's HEAD requests state what is wrong with the keys."""
    events = client.meta.events
    events.register_first("before-parameter-build.s3", _note_bucket)
    events.register_first("after-call.s3", _Explainer(client).explain)


def _note_bucket(params: Any = None, context: Any = None, **_event: Any) -> None:
    if isinstance(params, dict) and isinstance(context, dict):
        context[_BUCKET], context[_KEY] = params.get("Bucket"), params.get("Key", "")


def _error_of(status: int, key: str) -> dict[str, str]:
    """Return the error of a refused request whose credentials S3 accepts."""
    if status == HTTPStatus.FORBIDDEN:
        return {"Code": "AccessDenied"}
    if {".", ".."} & set(key.split("/")) or any(each < " " for each in key):
        return {"Code": "InvalidURI", "Message": _UNUSUAL}
    return {"Code": CUSTOMER_KEY}


class _Explainer:
    """Tries the keys of one client, and remembers for a while that they were accepted."""

    def __init__(self, client: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._accepted = float("-inf")

    def explain(
        self, http_response: Any, parsed: dict[str, Any], model: Any, context: Any, **_event: Any
    ) -> None:
        """Replace the code of a refused HEAD request by the error of a listing with its keys."""
        bucket, status = context.get(_BUCKET), http_response.status_code
        region = http_response.headers.get(REGION_HEADER, self._client.meta.region_name)
        elsewhere = region != self._client.meta.region_name
        if model.http.get("method") != "HEAD" or status not in {400, 403} or not bucket:
            return
        if elsewhere or "Error" not in parsed:
            return
        found = self._error_of_keys(bucket, denied=status == 403)
        if found is not None:
            parsed["Error"] = found or _error_of(status, str(context[_KEY]))

    def _error_of_keys(self, bucket: str, *, denied: bool) -> dict[str, Any] | None:
        """Return S3's error for the keys, nothing if it accepts them, None if it is not known."""
        if denied and self._clock() - self._accepted < _ACCEPTED_SECONDS:
            return {}
        try:
            self._client.list_objects_v2(Bucket=bucket, MaxKeys=1)
        except ClientError as error:
            kind = kind_of_answer(error.response, "s3:ListObjectsV2")
            if kind in _OF_THE_KEYS:
                return dict(error.response["Error"])
            if kind is not ErrorKind.ACCESS_DENIED:
                return None
        except (BotoCoreError, HTTPClientError):
            return None
        self._accepted = self._clock()
        return {}
