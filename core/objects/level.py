"""One level of a bucket: the folders and objects directly below a prefix, page by page.

botocore emits `before-parse` with the raw answer before its XML parser runs, and merges the
`customized_response_dict` of a handler into the parsed answer: so pages are read by a faster
parser, while botocore still handles signatures, redirects, errors and retries.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from core.aws.answers import check_answer
from core.aws.current_work import current_work
from core.aws.faults import not_an_s3_answer, translated
from core.aws.limits import LIST_KEYS
from core.errors import ErrorKind, StorageError
from core.model.listing import LevelPage, ObjectRow
from core.objects.bucket import Bucket
from core.objects.pages import Columns, Page, read_page
from core.units import utc_now
from core.work import Work, default_work

_log = logging.getLogger(__name__)

#: Key of the page in botocore's answer.
_PAGE = "StrongroomPage"
# Other threads may use the same client for calls whose answer botocore must parse.
_wanted = threading.local()
_prepared: weakref.WeakSet[Any] = weakref.WeakSet()
_lock = threading.Lock()


def list_level(
    bucket: Bucket,
    prefix: str = "",
    *,
    token: str | None = None,
    page_size: int = LIST_KEYS,
    work: Work | None = None,
) -> LevelPage:
    """Return one page of the folders and objects directly below a prefix, with one request.

    Args:
        bucket: the bucket.
        prefix: empty for the complete bucket, otherwise it ends in `/`.
        token: `LevelPage.token` of the previous page.
        page_size: the maximum number of entries, up to 1,000.
        work: cancel token.

    Raises:
        AccessDenied: `s3:ListBucket` is missing for this prefix.
        StorageError: the bucket does not exist, or the call failed.
    """
    work = default_work(work)
    work.check()
    requested = utc_now()
    columns, following = page_of(
        bucket, prefix, delimiter="/", token=token, size=page_size, work=work
    )
    return LevelPage(prefix, tuple(columns.folders), rows_of(columns), following, requested)


def page_of(  # noqa: PLR0913 - the parameters of one request
    bucket: Bucket,
    prefix: str,
    *,
    delimiter: str = "",
    token: str | None = None,
    after: str = "",
    size: int = LIST_KEYS,
    work: Work | None = None,
) -> tuple[Columns, str | None]:
    """Return one complete page as columns, and the token that continues it.

    Args:
        bucket: the bucket.
        prefix: the prefix of the keys.
        delimiter: groups the keys by folder.
        token: the token of the previous page.
        after: only return keys after this one, which need not exist; the token contains it.
        size: the maximum number of entries, up to 1,000.
        work: cancel token.

    Raises:
        NotAnS3Answer: the page was incomplete, even after several attempts.
        StorageError: the call was denied or failed.
    """
    more: dict[str, Any] = {"ContinuationToken": token} if token else {}
    if after and not token:
        more["StartAfter"] = after
    if delimiter:
        more["Delimiter"] = delimiter
    more |= {"Prefix": prefix, "MaxKeys": size}
    subject = bucket.subject(prefix)
    page = _first_page(bucket, subject, more, work)
    if page is None:
        with translated("s3:ListObjectsV2", subject, work):
            page = _requested(bucket.client, bucket.name, more)[0]
    # A server that ignores the token would be listed without end.
    if page.token is not None and page.token == token:
        raise not_an_s3_answer(subject, "a listing whose next page would be the same page")
    return page.columns, page.token


def _first_page(
    bucket: Bucket, subject: str, more: dict[str, Any], work: Work | None
) -> Page | None:
    """Return a page without HeadBucket, or None if the bucket is known or has to be found first."""
    with translated("s3:ListObjectsV2", subject):
        client = bucket.clients.client_to_try(bucket.name)
    if client is None:
        return None
    # With the time limit of an interactive call, so that an unreachable server is reported soon.
    first_contact = Work((work or current_work()).token)
    try:
        with translated("s3:ListObjectsV2", subject, first_contact):
            page, again = _requested(client, bucket.name, more)
    except StorageError as error:
        if error.kind in {ErrorKind.OFFLINE, ErrorKind.CANCELLED}:
            raise
        _log.info(
            "the region of the bucket is requested after a refused listing: %s", error.summary
        )
        return None
    if again:
        bucket.client  # noqa: B018 - botocore may have followed the bucket to its region
    else:
        bucket.clients.note_served(bucket.name)
    return page


def _requested(client: Any, name: str, more: dict[str, Any]) -> tuple[Page, bool]:
    """Return a page, and whether the request was sent more than once."""
    with _quick_pages(client):
        # Keys may contain characters that XML 1.0 cannot represent, which are only safe when
        # encoded.
        answer = client.list_objects_v2(Bucket=name, EncodingType="url", **more)
    return answer[_PAGE], answer["ResponseMetadata"].get("RetryAttempts", 0) > 0


def rows_of(columns: Columns) -> tuple[ObjectRow, ...]:
    """Convert the columns of a page to rows, with parsed times."""
    return tuple(
        ObjectRow(key, size, modified_of(text), etag, storage_class)
        for key, size, text, etag, storage_class in zip(
            columns.keys,
            columns.sizes,
            columns.modified,
            columns.etags,
            columns.classes,
            strict=True,
        )
    )


def modified_of(text: str) -> datetime:
    """Parse `LastModified` of a listing to an aware datetime in UTC.

    Raises:
        NotAnS3Answer: the time does not exist.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # for example 30 February
        raise not_an_s3_answer("", "a listing with a time that does not exist") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@contextmanager
def _quick_pages(client: Any) -> Iterator[None]:
    """Make ListObjectsV2 calls of this thread return a `Page` under the key `_PAGE`."""
    _prepare(client)
    _wanted.quick = True
    try:
        yield
    finally:
        _wanted.quick = False


def _prepare(client: Any) -> None:
    with _lock:
        if client in _prepared:
            return
        events = client.meta.events
        events.register_first("before-parse.s3.ListObjectsV2", _replace_body)
        _prepared.add(client)


def _replace_body(
    operation_model: Any,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_event: Any,
) -> None:
    """Read the page from the answer, and let botocore parse an empty one instead."""
    if not getattr(_wanted, "quick", False) or response_dict["status_code"] != 200:
        return
    check_answer(operation_model, response_dict)
    if response_dict["status_code"] != 200:  # an error with status 200
        return
    customized_response_dict[_PAGE] = read_page(response_dict["body"])
    response_dict["body"] = b"<ListBucketResult></ListBucketResult>"
    # botocore compares it with the body, which was replaced.
    response_dict["headers"].pop("content-length", None)
