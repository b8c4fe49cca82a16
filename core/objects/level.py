"""One level of a bucket: the folders and objects directly below a prefix, page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.aws.faults import not_an_s3_answer, translated
from core.aws.limits import LIST_KEYS
from core.model.objects import LevelPage, ObjectRow
from core.objects.bucket import Bucket
from core.objects.pages import PAGE, Columns, Page, quick_pages
from core.units import utc_now
from core.work import Work, default_work


def list_level(
    bucket: Bucket,
    prefix: str = "",
    *,
    token: str | None = None,
    page_size: int = LIST_KEYS,
    work: Work | None = None,
) -> LevelPage:
    """Return one page of what is directly below `prefix`; one LIST call.

    Args:
        bucket: the bucket.
        prefix: empty for the top, otherwise ending in `/`.
        token: `LevelPage.token` of the page before.
        page_size: how many entries at most, 1,000 at S3.
        work: cancel.

    Raises:
        AccessDenied: `s3:ListBucket` is missing for this prefix.
        StorageError: the bucket does not exist, or the call failed.
    """
    work = default_work(work)
    work.check()
    asked = utc_now()
    columns, following = page_of(
        bucket, prefix, delimiter="/", token=token, size=page_size, work=work
    )
    return LevelPage(prefix, tuple(columns.folders), rows_of(columns), following, asked)


def page_of(
    bucket: Bucket,
    prefix: str,
    *,
    delimiter: str = "",
    token: str | None = None,
    size: int = LIST_KEYS,
    work: Work | None = None,
) -> tuple[Columns, str | None]:
    """Return one complete page as columns, and the token that continues it.

    Raises:
        NotAnS3Answer: the page came incomplete, also after several attempts.
        StorageError: the call was denied or failed.
    """
    more: dict[str, Any] = {"ContinuationToken": token} if token else {}
    if delimiter:
        more["Delimiter"] = delimiter
    subject = bucket.subject(prefix)
    with translated("s3:ListObjectsV2", subject, work):
        client = bucket.client
        with quick_pages(client):
            answer = client.list_objects_v2(
                Bucket=bucket.name, Prefix=prefix, MaxKeys=size, EncodingType="url", **more
            )
    page: Page = answer[PAGE]
    if page.token is not None and page.token == token:
        raise not_an_s3_answer(subject, "a listing that continues where it began")
    return page.columns, page.token


def rows_of(columns: Columns) -> tuple[ObjectRow, ...]:
    """Return a page's columns as rows, times parsed."""
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
    """Return the moment of a listing's `LastModified`, aware, in UTC.

    Raises:
        NotAnS3Answer: there is no such moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # a day that its month does not have
        raise not_an_s3_answer("", "a listing with a time that does not exist") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
