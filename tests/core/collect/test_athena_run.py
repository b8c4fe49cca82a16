"""A query of Athena becomes a table, and nothing of it remains in the bucket."""

import re

import duckdb
import pytest
from botocore.exceptions import ClientError

from core.collect.athena_run import RESULTS, run_on_athena
from core.collect.querying import read_page
from core.errors import AccessDenied, AlreadyExists, Cancelled, InvalidInput, ServiceError
from core.work import CancelToken, Work

RANGE = {"kind": "ohlcv", "names": ["BTC-USD"], "timeframe": "1h", "start": "2024-01-01", "end": "2024-01-02"}  # fmt: skip


class Athena:
    """Runs no SQL: it writes two files where UNLOAD names a place, and answers like Athena."""

    def __init__(self, bucket, folder):
        self.bucket, self.folder = bucket, folder
        self.statements, self.stopped = [], []
        self.states = ["RUNNING", "SUCCEEDED"]
        self.error, self.reason = {}, ""
        self.times, self.open = ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"], "'1.5'"

    def start_query_execution(self, **given):
        statement = given["QueryString"]
        self.statements.append(statement)
        self.bucket.client.put_object(
            Bucket=self.bucket.name, Body=b"x",
            Key=given["ResultConfiguration"]["OutputLocation"].partition(f"{self.bucket.name}/")[2] + "log.txt",
        )  # fmt: skip
        place = re.search(rf"TO 's3://{self.bucket.name}/(.*?)'", statement)
        for day in (2, 1) if place else ():
            path = self.folder / f"{day}.parquet"
            sql = f"COPY (SELECT 'BTC-USD' AS symbol, {self.times[day - 1]!r} AS timestamp, {self.open} AS open) TO '{path}'"
            duckdb.execute(sql)
            self.bucket.client.put_object(
                Bucket=self.bucket.name, Key=f"{place[1]}{day}", Body=path.read_bytes()
            )
        self.left = list(self.states)
        return {"QueryExecutionId": "1"}

    def get_query_execution(self, **_given):
        state = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        status = {"State": state, "AthenaError": self.error, "StateChangeReason": self.reason}
        return {
            "QueryExecution": {"Status": status, "Statistics": {"DataScannedInBytes": 5 * 10**9}}
        }

    def stop_query_execution(self, **given):
        self.stopped.append(given["QueryExecutionId"])


@pytest.fixture
def athena(collected, monkeypatch, tmp_path):
    fake = Athena(collected.bucket, tmp_path)
    monkeypatch.setattr(type(collected.bucket.clients), "athena", lambda _self, _region: fake)
    monkeypatch.setattr(CancelToken, "wait", lambda token, _seconds: token.check())
    return fake


def _left(collected):
    listed = collected.bucket.client.list_objects_v2(Bucket=collected.bucket.name, Prefix=RESULTS)
    return listed.get("Contents", [])


def test_the_result_is_a_table_and_nothing_remains(collected, athena):
    report = run_on_athena(collected, **RANGE)
    assert [statement.split()[0] for statement in athena.statements] == [
        "CREATE",
        "CREATE",
        "UNLOAD",
    ]
    page = read_page(collected, table=report.result.table)
    assert [row[1] for row in page.rows] == ["2024-01-01 00:00:00+00", "2024-01-02 00:00:00+00"]
    assert page.types[1:] == ("TIMESTAMP WITH TIME ZONE", "DECIMAL(18,1)")
    assert (report.scanned, report.cost) == (5 * 10**9, pytest.approx(0.025))
    assert _left(collected) == []


def test_rows_are_in_order_of_their_moments_to_the_nanosecond(collected, athena):
    athena.times = ["2024-01-01T02:00:00.000000002+02:00", "2024-01-01T00:00:00.000000001Z"]
    report = run_on_athena(collected, **RANGE)
    page = read_page(collected, table=report.result.table)
    assert [row[1] for row in page.rows] == [
        "2024-01-01 00:00:00.000000001+00", "2024-01-01 00:00:00.000000002+00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("123456789012345678901234.5", "DECIMAL(38,1)", "123456789012345678901234.5"),
        ("0.1234567890123456789012345", "DECIMAL(38,25)", "0.1234567890123456789012345"),
        ("1.5d-3", "DECIMAL(18,4)", "0.0015"),
        ("1" * 42, "VARCHAR", "1" * 42),
        ("n/a", "VARCHAR", "n/a"),
    ],
)
def test_numbers_have_the_digits_that_were_written(collected, athena, written, kind, value):
    athena.open = f"'{written}'"
    report = run_on_athena(collected, **RANGE)
    page = read_page(collected, table=report.result.table)
    assert page.types[2] == kind
    assert {row[2] for row in page.rows} == {value}


@pytest.mark.parametrize(("category", "expected"), [(2, InvalidInput), (1, ServiceError)])
def test_after_a_failure_nothing_remains(collected, athena, category, expected):
    athena.states = ["QUEUED", "FAILED"]
    athena.error = {"ErrorCategory": category, "ErrorMessage": "no table"}
    with pytest.raises(expected, match="no table"):
        run_on_athena(collected, **RANGE)
    assert _left(collected) == []


def test_a_cancel_stops_the_query_and_removes_its_files(collected, athena):
    token = CancelToken()
    work = Work(token, report=lambda _progress: token.cancel())
    athena.states = ["RUNNING"]
    with pytest.raises(Cancelled):
        run_on_athena(collected, work, **RANGE)
    assert athena.stopped == ["1"]
    assert _left(collected) == []


def test_a_waiting_query_is_cancelled_too(collected, athena):
    token = CancelToken()
    athena.states = ["QUEUED"]
    with pytest.raises(Cancelled):
        run_on_athena(collected, Work(token, report=lambda _progress: token.cancel()), **RANGE)
    assert athena.stopped == ["1"]


def test_a_failure_without_an_error_has_the_reason_of_the_state(collected, athena):
    athena.states, athena.reason = ["CANCELLED"], "Query was cancelled by an administrator"
    with pytest.raises(ServiceError, match="by an administrator"):
        run_on_athena(collected, **RANGE)
    assert athena.stopped == []


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("StartQueryExecution", "athena:StartQueryExecution"),
        ("GetQueryExecution", "athena:GetQueryExecution"),
    ],
)
def test_a_missing_permission_is_named_and_nothing_remains(
    collected, athena, monkeypatch, operation, action
):
    def refuse(**_given):
        answer = {
            "Error": {
                "Code": "AccessDeniedException",
                "Message": f"not authorized to perform: {action}",
            },
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(answer, operation)

    name = "start_query_execution" if operation.startswith("Start") else "get_query_execution"
    monkeypatch.setattr(athena, name, refuse)
    with pytest.raises(AccessDenied) as raised:
        run_on_athena(collected, **RANGE)
    assert action in str(raised.value)
    assert _left(collected) == []


def test_the_result_is_unloaded_as_parquet_and_written_in_any_format(collected, athena, tmp_path):
    path = tmp_path / "out.csv"
    report = run_on_athena(collected, path=str(path), **RANGE)
    assert "WITH (format = 'PARQUET', compression = 'ZSTD')" in athena.statements[-1]
    assert (report.result.path, report.result.table, report.result.rows) == (str(path), "", 2)
    assert (
        path.read_text(encoding="utf-8")
        .splitlines()[1]
        .startswith("BTC-USD,2024-01-01T00:00:00Z,1.5")
    )
    with pytest.raises(AlreadyExists):
        run_on_athena(collected, path=str(path), **RANGE)
    assert len(athena.statements) == 3


@pytest.mark.parametrize("margin", [-1.0, 1e12])
def test_a_margin_outside_the_calendar_is_refused_before_a_request(collected, athena, margin):
    with pytest.raises(InvalidInput, match="margin"):
        run_on_athena(collected, margin=margin, **RANGE)
    assert athena.statements == []


def test_requests_are_those_of_the_service(collected, tmp_path):
    """moto runs no SQL: the statements succeed, and no file is written."""
    with pytest.raises(ServiceError, match="no result"):
        run_on_athena(collected, **RANGE)
    assert _left(collected) == []
