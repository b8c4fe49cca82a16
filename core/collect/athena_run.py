"""The operation `athena.run`: a range is queried by Amazon Athena, for data that outgrows this computer.

Athena writes the result with UNLOAD as Parquet below a new, empty prefix. The files are combined to
one table and removed, also after a failure or a cancel: Athena leaves the files of failed queries
where they are. Source: Athena user guide, "UNLOAD".
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from core.aws.faults import translated
from core.collect.athena import NUMBERS, athena_texts, scan_cost
from core.collect.querying import target_of, write_result
from core.collect.report import QueryReport
from core.collect.request import request_of
from core.collect.times import Precision, precision_sql, time_sql
from core.collect.types import Digits, digits_sql, number_type
from core.errors import Cancelled, InvalidInput, ServiceError, StorageError
from core.local.spool import spool
from core.objects.bucket import Bucket, HasBucket
from core.objects.deleting import delete_many
from core.objects.listing import list_pages
from core.objects.reading import download
from core.sql.files import FileTarget
from core.sql.literals import quoted, text_literal
from core.sql.new_file import check_free, new_file
from core.sql.session import open_session, run
from core.work import Progress, Work, default_work, finishing

if TYPE_CHECKING:
    import duckdb

_log = logging.getLogger(__name__)

#: The prefix below which each query gets a folder for its result.
RESULTS = "athena-results/strongroom/"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_TIME = quoted("timestamp")
_NUMBER = r"[-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?"
_RUNNING = frozenset({"QUEUED", "RUNNING"})


@dataclass(frozen=True, slots=True)
class AthenaReport:
    """The result of a query of Athena.

    Attributes:
        result: the table or file.
        scanned: the bytes that Athena scanned.
        cost: their price in US dollars.
    """

    result: QueryReport
    scanned: int
    cost: float


def run_on_athena(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    kind: str,
    names: Sequence[str],
    timeframe: str = "",
    start: str,
    end: str,
    margin: float | None = None,
    path: str = "",
    file_format: str = "",
    overwrite: bool = False,
    formula_safe: bool = False,
) -> AthenaReport:
    """Create the table of a kind in Athena, query a range of it, and write the result to a file.

    It needs `athena:StartQueryExecution`, `GetQueryExecution` and `StopQueryExecution`, the rights
    on the Glue data catalogue that Athena requires for them, and those to write and delete objects
    below `athena-results/strongroom/`.

    Args:
        workspace: The services of a connection.
        work: Cancel token and progress.
        kind: See `core.collect.collecting.plan`, as the arguments up to `margin`.
        names: The symbols or users, without patterns.
        timeframe: The timeframe of candles.
        start: A date or time.
        end: A date, or the time at which the range ends.
        margin: Seconds by which times in keys may be outside the range.
        path: The file to write; empty for a new table of the window.
        file_format: `csv`, `json`, `jsonl` or `parquet`; by default the ending of the file.
        overwrite: Whether an existing file is replaced.
        formula_safe: Whether an apostrophe precedes texts of a CSV that a spreadsheet would
            compute.

    Raises:
        AlreadyExists: The file exists.
        InvalidInput: The range is not valid, or Athena refuses the query.
        ReadOnlyProfile: The profile is locked: Athena creates a table and writes objects.
        ServiceError: Athena failed.
    """
    work = default_work(work)
    started = time.monotonic()
    request = request_of(kind, names, timeframe, start, end, margin)
    texts = athena_texts(workspace.bucket.name, request)
    target = target_of(path, file_format, formula_safe=formula_safe)
    check_free(target.path, overwrite=overwrite)
    with _results(workspace.bucket, work) as place:
        query = _Query(workspace.bucket, place, work)
        query.execute(texts.database)
        query.execute(texts.table)
        # A sorted result would be sorted again: files of UNLOAD have no order among each other.
        unload = (
            f"UNLOAD ({texts.query}) TO 's3://{workspace.bucket.name}/{place}data/' "
            "WITH (format = 'PARQUET', compression = 'ZSTD')"
        )
        scanned = query.execute(unload)
        result = _combined(workspace.bucket, f"{place}data/", target, work, overwrite=overwrite)
    result = replace(result, seconds=time.monotonic() - started)
    return AthenaReport(result, scanned, scan_cost(scanned))


@contextmanager
def _results(bucket: Bucket, work: Work) -> Iterator[str]:
    """Yield a new prefix, whose objects are removed at the end of the block."""
    place = f"{RESULTS}{uuid4().hex}/"
    try:
        yield place
    finally:
        try:
            with finishing(work) as last:
                keys = [key for page in list_pages(bucket, place, work=last) for key in page.keys]
                if keys:
                    delete_many(bucket, keys, work=last)
        except StorageError as error:
            # It must not replace the result, or the error of the query.
            _log.warning("the files below %s could not be removed: %s", place, error.reason)


class _Query:
    """Runs statements one after the other."""

    def __init__(self, bucket: Bucket, place: str, work: Work) -> None:
        self._subject = bucket.subject()
        self._output = f"s3://{bucket.name}/{place}log/"
        # Results and data must be in the region of the query.
        self._client = bucket.clients.athena(bucket.clients.bucket_region(bucket.name, work=work))
        self._work = work

    def execute(self, statement: str) -> int:
        """Run a statement to its end, and return the bytes that it has scanned.

        Raises:
            Cancelled: A cancel was requested; the query was stopped.
            InvalidInput: Athena refuses the statement.
            ServiceError: Athena failed.
        """
        self._work.check()
        with translated("athena:StartQueryExecution", self._subject, self._work):
            number = self._client.start_query_execution(
                QueryString=statement, ResultConfiguration={"OutputLocation": self._output}
            )["QueryExecutionId"]
        try:
            return self._ended(number)
        except Cancelled:
            with finishing(self._work) as last:
                self._stop(number, last)
            raise

    def _ended(self, number: str) -> int:
        pause = _FIRST_PAUSE
        while True:
            with translated("athena:GetQueryExecution", self._subject, self._work):
                found = self._client.get_query_execution(QueryExecutionId=number)
            execution = found["QueryExecution"]
            scanned = int(execution.get("Statistics", {}).get("DataScannedInBytes", 0))
            status = execution["Status"]
            if status["State"] not in _RUNNING:
                _check(status)
                return scanned
            self._work.report(Progress(scanned, None, "bytes", "scanning"))
            self._work.token.wait(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _stop(self, number: str, work: Work) -> None:
        with translated("athena:StopQueryExecution", self._subject, work):
            self._client.stop_query_execution(QueryExecutionId=number)


def _check(status: dict[str, Any]) -> None:
    """Raise the error of a query that did not succeed."""
    if status["State"] == "SUCCEEDED":
        return
    error = status.get("AthenaError", {})
    cause = error.get("ErrorMessage") or status.get("StateChangeReason") or status["State"]
    # Category 2 is an error of the user, for example of a statement or of permissions. Source:
    # Athena API reference, "AthenaError".
    kind = InvalidInput if error.get("ErrorCategory") == 2 else ServiceError
    raise kind(
        "Athena could not run the query",
        cause=str(cause)[:500],
        remedy="Check the permissions on Athena, Glue and the bucket, then try again.",
    )


def _combined(
    bucket: Bucket, place: str, target: FileTarget, work: Work, *, overwrite: bool
) -> QueryReport:
    """Write the files of a result as one."""
    keys = sorted(key for page in list_pages(bucket, place, work=work) for key in page.keys)
    if not keys:
        raise ServiceError(
            "Athena has written no result",
            cause=f"There is no object below {place}.",
            remedy="Check that the range has objects, then try again.",
        )
    with (
        spool() as folder,
        open_session(folder) as connection,
        new_file(target.path, overwrite=overwrite) as temporary,
        run(connection, work),
    ):
        files = [
            _downloaded(bucket, key, folder / f"{at}.parquet", work) for at, key in enumerate(keys)
        ]
        paths = ", ".join(text_literal(str(file)) for file in files)
        connection.execute(f"CREATE VIEW raw AS FROM read_parquet([{paths}])")
        return write_result(connection, _typed_sql(connection), target, temporary)


def _typed_sql(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the query of the view `raw` in order of time, with the types of collections.

    Numbers that no type holds stay text. All of them are text in Athena; in Ion the exponent of a
    decimal begins with `d`.
    """
    names = [row[0] for row in connection.execute("DESCRIBE raw").fetchall()]
    numbers = [name for name in names if name in NUMBERS]
    texts = ", ".join(f"replace({quoted(name)}, 'd', 'e') AS {quoted(name)}" for name in numbers)
    source = f"(SELECT * REPLACE ({texts}) FROM raw)" if numbers else "raw"  # noqa: S608 - all names are quoted
    measures = [f"{digits_sql(name)}, {_all_numbers(name)}" for name in numbers]
    found = connection.execute(
        f"SELECT {', '.join([precision_sql(_TIME), *measures])} FROM {source}"  # noqa: S608 - as above
    ).fetchall()[0]
    precision = Precision.of(found[:2])
    values = [f"{time_sql(_TIME, precision)} AS {_TIME}"]
    for place, name in enumerate(numbers):
        before, after, are_numbers = found[2 + 3 * place : 5 + 3 * place]
        kind = number_type(Digits(before, after)) if are_numbers else None
        values.append(f"CAST({quoted(name)} AS {kind or 'VARCHAR'}) AS {quoted(name)}")
    return f"SELECT * REPLACE ({', '.join(values)}) FROM {source} ORDER BY {_TIME}"  # noqa: S608 - as above


def _all_numbers(name: str) -> str:
    return f"bool_and(regexp_full_match({quoted(name)}, '{_NUMBER}'))"


def _downloaded(bucket: Bucket, key: str, path: Path, work: Work) -> Path:
    download(bucket, key, path, work=work)
    return path
