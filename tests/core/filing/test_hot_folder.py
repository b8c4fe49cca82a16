"""A watched folder stores complete files once, moves them aside, and loses none."""

import json
import os
from types import SimpleNamespace

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import (
    AccessDenied,
    Cancelled,
    Conflict,
    ErrorKind,
    NotFound,
    ServiceError,
    SourceChanged,
)
from core.filing import hot_folder
from core.filing.hot_files import HotState
from core.filing.hot_folder import watch
from core.local.open_files import has_writer
from core.objects.listing import list_pages
from core.objects.reading import read
from core.work import CancelToken, Work

MOMENT = "2024-01-15T10:30:00Z"
CANDLES = {
    "symbol": "BTC-USD", "timeframe": "1h", "timestamp": MOMENT,
    "data": [{"timestamp": MOMENT, "open": 1, "high": 2, "low": 0.5, "close": 1.5, "volume": 3}],
}  # fmt: skip


@pytest.fixture
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def place(bucket):
    return SimpleNamespace(bucket=bucket)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "hot"
    made.mkdir()
    return made


def written(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def watched(place, folder, **more):
    """Watch once, without a time in which files must be unchanged; return outcomes by name."""
    outcomes = []
    report = watch(
        place, Work(batch=outcomes.append), folder=str(folder), once=True, settle_seconds=0, **more
    )
    return {outcome.name: outcome for outcome in outcomes}, report


def keys(bucket):
    return {key for page in list_pages(bucket) for key in page.keys}


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_stored_by_the_contract_and_moved(place, bucket, folder):
    path = written(folder, "deep/candles.json", CANDLES)
    body = path.read_bytes()
    outcomes, report = watched(place, folder)
    outcome = outcomes["deep/candles.json"]
    assert (outcome.state, outcome.moved) == (HotState.FILED, "filed/deep/candles.json")
    (key,) = report.keys
    assert key.startswith("market-data/ohlcv/BTC-USD/1h/2024/01/15/")
    assert read(bucket, key) == body
    assert names(folder) == {"filed/deep/candles.json"}
    assert watched(place, folder) == ({}, hot_folder.HotReport())


def test_a_bare_payload_is_stored_in_a_document(place, bucket, folder):
    rows = CANDLES["data"]
    written(folder, f"market-data/ohlcv/ETH-USD/1h/2024/01/15/{'x'}.json", rows)
    outcomes, _ = watched(place, folder)
    (refused,) = outcomes.values()
    assert refused.state is HotState.REFUSED
    written(
        folder,
        "b.json",
        {"symbol": "BTC-USD", "timeframe": "1h", "timestamp": MOMENT, "data": rows},
    )
    _, report = watched(place, folder)
    assert json.loads(read(bucket, report.keys[0]))["data"] == rows


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{broken", "is unknown"),
        ({"anything": 1}, "is unknown"),
        ({"data": CANDLES["data"]}, "contains no symbol"),
        ({"user_id": "u1", "portfolio": {"assets": []}}, "contains no time"),
    ],
)
def test_what_cannot_be_filed_is_refused_with_its_reason(place, bucket, folder, content, reason):
    written(folder, "odd.json", content)
    outcomes, report = watched(place, folder)
    outcome = outcomes["odd.json"]
    assert (outcome.state, outcome.moved) == (HotState.REFUSED, "refused/odd.json")
    assert reason in outcome.reason
    assert report.failed == (outcome,)
    assert names(folder) == {"refused/odd.json", "refused/odd.json.reason.txt"}
    assert reason in (folder / "refused/odd.json.reason.txt").read_text()
    assert keys(bucket) == set()
    written(folder, "odd.json", content)
    watched(place, folder)
    assert {"refused/odd (2).json", "refused/odd (2).json.reason.txt"} <= names(folder)


def test_the_time_of_the_file_is_used_on_request(place, folder):
    path = written(folder, "p.json", {"user_id": "u1", "portfolio": {"assets": []}})
    os.utime(path, (1_705_314_600, 1_705_314_600))
    _, report = watched(place, folder, use_file_time=True)
    assert "/u1/portfolio/2024/01/15/" in report.keys[0]


def test_another_object_under_the_key_is_not_replaced(place, bucket, folder):
    written(folder, "a.json", CANDLES)
    (key,) = watched(place, folder)[1].keys
    changed = {**CANDLES, "data": [{**CANDLES["data"][0], "close": 9}]}
    written(folder, "a.json", changed)
    outcomes, _ = watched(place, folder)
    assert outcomes["a.json"].state is HotState.REFUSED
    assert outcomes["a.json"].kind is ErrorKind.ALREADY_EXISTS
    assert json.loads(read(bucket, key)) == CANDLES


def test_a_file_that_was_stored_but_not_moved_is_not_sent_again(place, bucket, folder, monkeypatch):
    path = written(folder, "a.json", CANDLES)
    body = path.read_bytes()
    # As if the process had been killed between the upload and the move.
    monkeypatch.setattr(hot_folder, "move_aside", lambda *_: pytest.fail("killed"))
    with pytest.raises(pytest.fail.Exception):
        watched(place, folder)
    monkeypatch.undo()
    monkeypatch.setenv("STRONGROOM_HOME", str(folder.parent / "home"))
    assert names(folder) == {"a.json"}
    (key,) = keys(bucket)
    before = bucket.client.head_object(Bucket=bucket.name, Key=key)["LastModified"]
    outcomes, _ = watched(place, folder)
    assert outcomes["a.json"].state is HotState.ALREADY_STORED
    assert names(folder) == {"filed/a.json"}
    assert (folder / "filed/a.json").read_bytes() == body
    assert bucket.client.head_object(Bucket=bucket.name, Key=key)["LastModified"] == before


def test_unfinished_temporary_and_foreign_files_are_left_alone(place, bucket, folder, tmp_path):
    for name in (".hidden", "a.part", "b.TMP", "~$c.json", ".git/d.json"):
        written(folder, name, CANDLES)
    os.mkfifo(folder / "pipe")
    (folder / "link.json").symlink_to(written(tmp_path, "outside.json", CANDLES))
    before = names(folder)
    assert watched(place, folder)[0] == {}
    assert names(folder) == before
    assert keys(bucket) == set()


def test_a_file_that_a_program_has_open_is_not_stored(place, bucket, folder):
    path = written(folder, "a.json", CANDLES)
    with path.open("ab"):
        if has_writer(path) is None:
            pytest.skip("this system does not report which files are open")
        outcomes, report = watched(place, folder)
    assert outcomes["a.json"].state is HotState.POSTPONED
    assert report.failed[0].kind is ErrorKind.SOURCE_CHANGED
    assert keys(bucket) == set()
    assert watched(place, folder)[0]["a.json"].state is HotState.FILED


def test_a_file_that_changes_between_two_scans_is_not_complete(place, bucket, folder, monkeypatch):
    path = written(folder, "a.json", CANDLES)
    token = CancelToken()
    monkeypatch.setattr(token, "wait", lambda _seconds: path.write_bytes(b"more"))
    outcomes = []
    watch(
        place, Work(token, batch=outcomes.append), folder=str(folder), once=True, settle_seconds=0
    )
    assert [outcome.state for outcome in outcomes] == [HotState.POSTPONED]
    assert keys(bucket) == set()


def test_a_file_that_changes_while_it_is_stored_is_neither_moved_nor_lost(
    place, folder, monkeypatch
):
    path = written(folder, "a.json", CANDLES)
    stored = hot_folder.store

    def changing(*arguments, **more):
        found = stored(*arguments, **more)
        path.write_bytes(b"the next version")
        return found

    monkeypatch.setattr(hot_folder, "store", changing)
    outcomes, _ = watched(place, folder)
    assert all(each.state is HotState.POSTPONED for each in outcomes.values())
    assert path.read_bytes() == b"the next version"
    assert names(folder) == {"a.json"}


@pytest.mark.parametrize("error", [ServiceError("no"), SourceChanged("no"), AccessDenied("no")])
def test_a_failed_upload_leaves_the_file(place, folder, monkeypatch, error):
    def failing(*_arguments, **_more):
        raise error

    written(folder, "a.json", CANDLES)
    monkeypatch.setattr(hot_folder, "store", failing)
    outcomes, _ = watched(place, folder)
    assert all(each.state is HotState.POSTPONED for each in outcomes.values())
    assert names(folder) == {"a.json"}
    monkeypatch.undo()
    monkeypatch.setenv("STRONGROOM_HOME", str(folder.parent / "home"))
    assert watched(place, folder)[0]["a.json"].state is HotState.FILED


def test_a_watch_runs_until_it_is_cancelled(place, bucket, folder):
    token, outcomes = CancelToken(), []

    def take(outcome):
        outcomes.append(outcome)
        if len(outcomes) == 1:
            body = {**CANDLES, "symbol": "ETH-USD"}
            written(folder, "second.json", body)
        else:
            token.cancel()

    written(folder, "first.json", CANDLES)
    with pytest.raises(Cancelled):
        watch(
            place, Work(token, batch=take), folder=str(folder), settle_seconds=0,
            scan_seconds=0.01,
        )  # fmt: skip
    assert [outcome.name for outcome in outcomes] == ["first.json", "second.json"]
    assert len(keys(bucket)) == 2


def test_only_one_process_watches_a_folder(place, folder):
    with hot_folder._watched_alone(folder), pytest.raises(Conflict):
        watched(place, folder)
    folder.rmdir()
    with pytest.raises(NotFound):
        watched(place, folder)


def test_the_bucket_that_is_missing_ends_the_watch(place, bucket, folder):
    written(folder, "a.json", CANDLES)
    bucket.client.delete_bucket(Bucket=bucket.name)
    with pytest.raises(NotFound) as caught:
        watched(place, folder)
    assert caught.value.kind is ErrorKind.NO_SUCH_BUCKET
    assert names(folder) == {"a.json"}
