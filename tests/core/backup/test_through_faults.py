"""Backups through a proxy that damages answers, on independent servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.backups import sql
from helpers.fault_proxy import FaultProxy, Rule
from helpers.quick_program import RETRY, shorten
from helpers.s3_servers import S3Server

from core.aws.clients import ClientFactory
from core.backup.choice import find
from core.backup.databases import open_database
from core.backup.listing import backups_in
from core.backup.orphans import orphan_parts
from core.backup.restore import Choices, restore_of
from core.backup.resume import send
from core.backup.run import back_up
from core.backup.store import BucketStore
from core.backup.unsent import unsent_backups
from core.errors import StorageError
from core.hints import Hint
from core.model.backup import Backup
from core.objects.bucket import Bucket
from core.work import RetryBudget, Work

GETS = ("cut_fin", "flip_down", "short_length", "error_in_200", "empty_200", "error_503")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)


def store_of(server: S3Server, bucket: str, endpoint_url: str = "") -> BucketStore:
    return BucketStore(Bucket(ClientFactory(server.connection(bucket, endpoint_url)), bucket))


@pytest.fixture
def direct(s3_server: S3Server, s3_bucket: str) -> BucketStore:
    return store_of(s3_server, s3_bucket)


@pytest.fixture
def two(direct: BucketStore, path: Path) -> tuple[Backup, Backup]:
    """An older backup, a newer one, and other rows in the table since."""
    with open_database(str(path)) as source:
        older = back_up(direct, source, ["orders"], "", Work()).backups[0]
    sql(path, "UPDATE orders SET status = 'newer'")
    with open_database(str(path)) as source:
        newer = back_up(direct, source, ["orders"], "", Work()).backups[0]
    sql(path, "UPDATE orders SET status = 'today'")
    return older, newer


def restored_newest(store: BucketStore, path: Path, *, seconds: float = RETRY) -> str:
    work = Work(budget=RetryBudget(seconds))
    return restore_of(store, find(store, "orders", work), str(path), Choices(), work).backup.id


def states(path: Path) -> list[tuple[object, ...]]:
    return sql(path, "SELECT DISTINCT status FROM orders")


@pytest.mark.parametrize("fault", GETS)
@pytest.mark.parametrize("skip", [0, 2], ids=["manifest", "part"])
def test_one_damaged_answer_is_asked_for_again(
    s3_server: S3Server, s3_bucket: str, two: tuple[Backup, Backup], path: Path, fault: str, skip: int
) -> None:  # fmt: skip
    with FaultProxy(s3_server, Rule(("Get",), fault, skip=skip, times=1)) as proxy:
        assert restored_newest(store_of(s3_server, s3_bucket, proxy.url), path) == two[1].id
        assert [strike[0] for strike in proxy.struck] == ["Get"]
    assert states(path) == [("newer",)]


@pytest.mark.parametrize("fault", ["flip_down", "error_in_200", "portal_200"])
def test_answers_that_stay_damaged_are_an_error_and_change_nothing(
    s3_server: S3Server, s3_bucket: str, two: tuple[Backup, Backup], path: Path, fault: str
) -> None:
    with FaultProxy(s3_server, Rule(("Get",), fault)) as proxy:
        store = store_of(s3_server, s3_bucket, proxy.url)
        with pytest.raises(StorageError):
            restored_newest(store, path, seconds=0.5)
    assert states(path) == [("today",)]


@pytest.mark.parametrize(
    "fault", ["lost_answer", "flip_up", "truncate_up", "empty_200", "cut_request"]
)
def test_a_backup_whose_writing_was_disturbed_once_is_complete_or_not_there(
    s3_server: S3Server, direct: BucketStore, s3_bucket: str, path: Path, fault: str
) -> None:
    with FaultProxy(s3_server, Rule(("Put",), fault, times=1)) as proxy:
        store = store_of(s3_server, s3_bucket, proxy.url)
        try:
            with open_database(str(path)) as source:
                written = back_up(store, source, ["orders"], "", Work()).backups
        except StorageError:
            written = ()
    listed = backups_in(direct, "orders", Work())
    assert [backup.id for backup in listed] == [backup.id for backup in written]
    for backup in listed:
        restore_of(direct, backup, str(path), Choices("copy"), Work())
        assert sql(path, "SELECT * FROM copy") == sql(path, "SELECT * FROM orders")
    assert orphan_parts(direct, Work()) == ()


@pytest.mark.parametrize("skip", [0, 1], ids=["part", "manifest"])
def test_a_backup_that_an_outage_interrupts_is_completed_afterwards(
    s3_server: S3Server, direct: BucketStore, s3_bucket: str, path: Path, skip: int
) -> None:
    before = sql(path, "SELECT * FROM orders")
    with FaultProxy(s3_server, Rule(("Put",), "error_503", skip=skip)) as proxy:
        store = store_of(s3_server, s3_bucket, proxy.url)
        with open_database(str(path)) as source, pytest.raises(StorageError) as failed:
            back_up(store, source, ["orders"], "", Work(budget=RetryBudget(1)))
    assert "resume the backup" in failed.value.remedy
    assert Hint.RESUME in failed.value.hints
    assert backups_in(direct, "orders", Work()) == ()
    sql(path, "UPDATE orders SET status = 'later'")
    # The place of a store contains its endpoint, which the proxy has changed here.
    (unsent,) = unsent_backups(store.place)
    backup, _verdict = send(direct, unsent.id, Work())
    assert backups_in(direct, "orders", Work()) == (backup,)
    restore_of(direct, backup, str(path), Choices("copy"), Work())
    assert sql(path, "SELECT * FROM copy") == before
    assert orphan_parts(direct, Work()) == ()
