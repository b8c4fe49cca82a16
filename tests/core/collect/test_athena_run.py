"""A query of Athena becomes a table, and nothing of it remains in the bucket."""

import re

import duckdb
import pytest

from core.collect.athena_run import RESULTS, run_on_athena
from core.collect.querying import read_page
from core.errors import Cancelled, InvalidInput, ServiceError
from core.work import CancelToken, Work

RANGE = {"kind": "ohlcv", "names": ["BTC-USD"], "timeframe": "1h", "start": "2024-01-01", "end": "2024-01-02"}  # fmt: skip


class Athena:
    """Runs no SQL: it writes two files where UNLOAD names a place, and answers like Athena."""

    def __init__(self, bucket, folder):
        self.bucket, self.folder = bucket, folder
        self.statements, self.stopped = [], []
        self.states = ["RUNNING", "SUCCEEDED"]
        self.error = {}

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
            sql = f"COPY (SELECT 'BTC-USD' AS symbol, '2024-01-0{day}' AS timestamp, 1.5::DECIMAL(38,18) AS open) TO '{path}'"
            duckdb.execute(sql)
            self.bucket.client.put_object(
                Bucket=self.bucket.name, Key=f"{place[1]}{day}", Body=path.read_bytes()
            )
        self.left = list(self.states)
        return {"QueryExecutionId": "1"}

    def get_query_execution(self, **_given):
        state = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        status = {"State": state, "AthenaError": self.error}
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
    assert [row[1] for row in page.rows] == ["2024-01-01", "2024-01-02"]
    assert page.types[2] == "DECIMAL(38,18)"
    assert (report.scanned, report.cost) == (5 * 10**9, pytest.approx(0.025))
    assert _left(collected) == []


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


def test_requests_are_those_of_the_service(collected, tmp_path):
    """moto runs no SQL: the statements succeed, and no file is written."""
    with pytest.raises(ServiceError, match="no result"):
        run_on_athena(collected, **RANGE)
    assert _left(collected) == []
