"""What the checks of a listing page cost beside reading the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
from botocore.compat import HTTPHeaders

from core.aws.answers import check_answer, is_closed
from core.objects import page_readers, pages
from tests.benchmarks.figures import Figure

ROWS, ROUNDS, REPEATS = 1000, 25, 20
TARGET_PERCENT = 3.0


def figures() -> Iterator[Figure]:
    """Yield one figure for a page of AWS's form: the share of the checks, in percent."""
    body = _page()
    model = botocore.session.get_session().get_service_model("s3").operation_model("ListObjectsV2")
    headers = {"content-type": "application/xml", "content-length": str(len(body))}

    columns = pages.read_page(body).columns

    def read() -> None:
        pages._decoded(page_readers.read_raw(body))

    def check() -> None:
        answer: dict[str, Any] = {"status_code": 200, "headers": _headers(headers), "body": body}
        check_answer(model, answer)
        assert is_closed(body, b"ListBucketResult")
        pages._check_count(str(ROWS), columns)

    reading, checks = _fastest(read, check)
    note = f" ({checks * 1e3:.3f} ms beside {reading * 1e3:.2f} ms for a page of {ROWS} keys)"
    yield Figure("checks of a listing page", 100 * checks / reading, "%", TARGET_PERCENT, note=note)


def _headers(values: dict[str, str]) -> HTTPHeaders:
    found = HTTPHeaders()
    for name, value in values.items():
        found[name] = value
    return found


def _fastest(*functions: Callable[[], None]) -> list[float]:
    """Return each function's shortest time, measured in turns, in seconds."""
    times = [float("inf")] * len(functions)
    for _ in range(REPEATS):
        for number, function in enumerate(functions):
            began = time.process_time()
            for _ in range(ROUNDS):
                function()
            times[number] = min(times[number], (time.process_time() - began) / ROUNDS)
    return times


def _page() -> bytes:
    entry = (
        "<Contents><Key>market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T{n:02}%3A00%3A00Z.json"
        "</Key><LastModified>2024-01-15T10:00:00.000Z</LastModified>"
        "<ETag>&quot;78b5a3afb906395423d780fa680ebf26&quot;</ETag><Size>{n}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )
    rows = "".join(entry.format(n=number) for number in range(ROWS))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult '
        'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix>'
        f"<KeyCount>{ROWS}</KeyCount><MaxKeys>{ROWS}</MaxKeys><EncodingType>url</EncodingType>"
        f"<IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
    ).encode()
