"""Backups in Glacier classes: shown in the list, refused with a remedy, retrieved on request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from helpers.backups import everything, trading_database
from helpers.moto_bucket import moto_bucket
from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

from core.backup.drill import drill
from core.backup.drills import last_drills
from core.backup.listing import list_backups
from core.backup.preview import preview
from core.backup.query import query
from core.backup.restore import restore
from core.backup.retention import plan_retention
from core.backup.run import backup
from core.backup.thaw import plan_thaw, thaw
from core.backup.verifications import verifications
from core.backup.verify import verify
from core.errors import Archived, InvalidInput, NotFound
from core.hints import Hint
from core.model.backup import Backup, BackupState
from core.objects.archive import ArchivedObject, ArchiveState, archived_object, request_retrieval
from core.objects.bucket import Bucket
from core.work import Work
from core.workspace import Workspace


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with moto_bucket() as bucket:
        yield bucket


@pytest.fixture
def workspace(server: Bucket) -> Workspace:
    name = f"b-{uuid4().hex}"
    server.clients.s3().create_bucket(Bucket=name)
    opened = Workspace(server.clients.connection, clients=server.clients)
    opened.__dict__["bucket"] = Bucket(server.clients, name)
    return opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return trading_database(tmp_path / "trading.db")


@pytest.fixture
def made(workspace: Workspace, path: Path) -> Backup:
    return backup(workspace, Work(), database=str(path), tables=["orders"]).backups[0]


def archive(workspace: Workspace, made: Backup, kind: str, *, manifest: bool) -> None:
    """Move the part of a backup, and on request its manifest, to a storage class."""
    bucket, folder = workspace.bucket, made.key.rpartition("/")[0] + "/"
    listed = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=folder)["Contents"]
    for key in (each["Key"] for each in listed):
        if manifest or not key.endswith(".json"):
            source = {"Bucket": bucket.name, "Key": key}
            bucket.client.copy_object(
                Bucket=bucket.name, Key=key, CopySource=source, StorageClass=kind
            )


@pytest.mark.parametrize("kind", ["GLACIER", "DEEP_ARCHIVE"])
@pytest.mark.parametrize("manifest", [False, True])
def test_an_archived_backup_is_shown_refused_and_retrieved(
    workspace: Workspace, path: Path, made: Backup, kind: str, manifest: bool
) -> None:
    archive(workspace, made, kind, manifest=manifest)
    (listed,) = list_backups(workspace)
    assert (listed.id, listed.storage_class) == (made.id, kind)
    assert listed.state is (BackupState.ARCHIVED if manifest else BackupState.COMPLETE)
    (decision,) = plan_retention(workspace, daily=1)
    assert decision.retained
    before = everything(path)
    for use in (
        lambda: restore(workspace, database=str(path), table="orders"),
        lambda: preview(workspace, database=str(path), table="orders"),
        lambda: verify(workspace, table="orders"),
        lambda: query(workspace, table="orders", sql="SELECT 1"),
        lambda: drill(workspace, table="orders"),
    ):
        with pytest.raises(Archived, match="is archived") as caught:
            use()
        assert kind in caught.value.cause
        assert caught.value.hints is Hint.THAW
        assert caught.value.hint_value == made.id
    assert everything(path) == before
    assert verifications() == {}
    assert last_drills() == {}

    plan = plan_thaw(workspace, backup_id=made.id[:6])
    objects = 2 if manifest else 1
    assert (plan.archived, plan.requested, plan.readable) == (objects, 0, 2 - objects)
    assert (plan.classes, plan.table, plan.ready) == ((kind,), "orders", False)
    assert plan.duration == ("3 to 5 hours" if kind == "GLACIER" else "up to 12 hours")
    assert 0 < plan.cost < 0.01
    sent = thaw(workspace, backup_id=made.id, table="orders", days=3)
    assert (sent.sent, sent.archived, sent.requested) == (objects, 0, objects)
    # moto retrieves at once.
    again = thaw(workspace, backup_id=made.id)
    assert (again.sent, again.ready) == (0, True)
    assert again.until is not None
    assert verify(workspace, table="orders").good
    assert list_backups(workspace)[0].storage_class == kind
    assert restore(workspace, database=str(path), table="orders").rows == 500


def test_instant_retrieval_needs_none(workspace: Workspace, made: Backup) -> None:
    archive(workspace, made, "GLACIER_IR", manifest=True)
    (listed,) = list_backups(workspace)
    assert (listed.state, listed.storage_class) == (BackupState.COMPLETE, "")
    assert verify(workspace, table="orders").good
    assert plan_thaw(workspace, backup_id=made.id).ready
    assert thaw(workspace, backup_id=made.id).sent == 0


def test_an_archived_backup_of_the_old_form_is_shown(workspace: Workspace) -> None:
    key = "backups/database/t/2025/01/02/2025-01-02T03:04:05.json"
    workspace.bucket.client.put_object(
        Bucket=workspace.bucket.name, Key=key, Body=b"[]", StorageClass="GLACIER"
    )
    assert list_backups(workspace)[0].storage_class == "GLACIER"
    with pytest.raises(Archived, match="is archived"):
        verify(workspace, table="t")
    assert thaw(workspace, backup_id="2025-01-02T03:04:05").sent == 1
    assert verify(workspace, table="t").rows == 0


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"backup_id": ""}, InvalidInput, "id is empty"),
        ({"mode": "Fast"}, InvalidInput, "not a retrieval tier"),
        ({"days": 0}, InvalidInput, "out of range"),
        ({"days": 366}, InvalidInput, "out of range"),
        ({"mode": "Expedited"}, InvalidInput, "has no retrieval tier Expedited"),
        ({"backup_id": "ffffffffffffffff"}, NotFound, "no backup"),
        ({"table": "users"}, NotFound, "no backup"),
    ],
)
def test_wrong_arguments_are_refused_before_a_request(
    workspace: Workspace,
    made: Backup,
    arguments: dict[str, Any],
    error: type[Exception],
    text: str,
) -> None:
    archive(workspace, made, "DEEP_ARCHIVE", manifest=False)
    with pytest.raises(error, match=text):
        thaw(workspace, **{"backup_id": made.id, **arguments})
    assert plan_thaw(workspace, backup_id=made.id).archived == 1


def test_an_ambiguous_id_is_refused(
    workspace: Workspace, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter(["aa0000000001", "aa0000000002"])
    monkeypatch.setattr("core.backup.run.new_id", lambda: next(ids, "bb0000000000"))
    for _number in range(2):
        backup(workspace, Work(), database=str(path), tables=["orders"])
    with pytest.raises(InvalidInput, match="begins with aa"):
        plan_thaw(workspace, backup_id="aa")
    assert plan_thaw(workspace, backup_id="aa0000000002").ready


def test_costs_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.backup import thaw as module

    gigabyte = ArchivedObject("k", 1 << 30, "GLACIER", ArchiveState.ARCHIVED)
    cost, duration = module._price([gigabyte] * 1000, "Standard", 30)
    # 1,000 GB at 0.01, one thousand requests at 0.05, and 1,000 GB in STANDARD for a month.
    assert (round(cost, 6), duration) == (10 + 0.05 + 23, "3 to 5 hours")
    assert module._price([], "Standard", 7) == (0.0, "")
    tier = ArchivedObject("k", 1 << 30, "ARCHIVE_ACCESS", ArchiveState.ARCHIVED)
    assert module._price([tier], "Bulk", 7) == (0.0, "5 to 12 hours")
    assert module._price([gigabyte, tier], "Expedited", 7)[1] == "1 to 5 minutes"


def bucket_with(answer: dict[str, Any], sent: list[dict[str, Any]]) -> Any:
    client = SimpleNamespace(
        head_object=lambda **_call: answer, restore_object=lambda **call: sent.append(call)
    )
    return SimpleNamespace(client=client, name="b", subject=lambda key: key)


@pytest.mark.parametrize(
    ("answer", "state", "days"),
    [
        ({"StorageClass": "GLACIER"}, ArchiveState.ARCHIVED, True),
        ({"StorageClass": "GLACIER", "Restore": 'ongoing-request="true"'},
         ArchiveState.REQUESTED, True),
        ({"StorageClass": "GLACIER", "Restore": 'ongoing-request="false", expiry-date="x"'},
         ArchiveState.READABLE, True),
        ({"StorageClass": "INTELLIGENT_TIERING", "ArchiveStatus": "ARCHIVE_ACCESS"},
         ArchiveState.ARCHIVED, False),
        ({"StorageClass": "INTELLIGENT_TIERING"}, ArchiveState.READABLE, False),
        ({}, ArchiveState.READABLE, False),
    ],
)  # fmt: skip
def test_states_are_those_that_s3_documents(
    answer: dict[str, Any], state: ArchiveState, days: bool
) -> None:
    sent: list[dict[str, Any]] = []
    bucket = bucket_with(answer, sent)
    found = archived_object(bucket, "k", 1, Work())
    assert found.state is state
    assert found.until is None
    request_retrieval(bucket, found, "Bulk", 3, Work())
    # S3 refuses days for Intelligent-Tiering.
    assert ("Days" in sent[0]["RestoreRequest"]) is days
    assert sent[0]["RestoreRequest"]["GlacierJobParameters"] == {"Tier": "Bulk"}


def test_a_retrieval_that_another_client_has_requested_is_no_error(
    workspace: Workspace, made: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(workspace, made, "GLACIER", manifest=False)

    def refuse(*_arguments: object) -> None:
        raise S3ClientError("RestoreAlreadyInProgress", "Object restore is already in progress")

    monkeypatch.setattr(s3_backends["123456789012"]["aws"], "restore_object", refuse)
    assert thaw(workspace, backup_id=made.id).requested == 1
