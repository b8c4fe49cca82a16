"""The operations as the engine and the command line call them, on S3."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import apsw
import pytest
import zstandard
from helpers.backups import trading_database
from helpers.moto_bucket import moto_bucket

from core.backup.listing import last_backups, list_backups
from core.backup.preview import preview
from core.backup.restore import restore
from core.backup.run import backup
from core.backup.verify import verify
from core.errors import AlreadyExists, InvalidInput, NotFound
from core.model.backup import BackupState
from core.objects.bucket import Bucket
from core.units import iso_utc
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


def test_there_and_back(workspace: Workspace, path: Path) -> None:
    report = backup(workspace, Work(), database=str(path), note="before the move")
    assert [b.table for b in report.backups] == ["audit", "orders", "users"]
    assert pickle.loads(pickle.dumps(report)) == report
    (listed,) = list_backups(workspace, table="orders")
    assert (listed.rows, listed.note, listed.state) == (
        500,
        "before the move",
        BackupState.COMPLETE,
    )
    assert set(last_backups(workspace)) == {"audit", "orders", "users"}
    assert verify(workspace, table="orders").good
    apsw.Connection(str(path)).execute("DELETE FROM orders WHERE id <= 100")
    seen = preview(workspace, database=f"sqlite:///{path}", table="orders")
    assert (seen.difference.added, seen.difference.changed, seen.difference.removed) == (100, 0, 0)
    done = restore(workspace, database=str(path), table="orders", backup_id=listed.id[:6])
    assert done.verified == "verified (SHA-256)"
    rows = apsw.Connection(str(path)).execute("SELECT id, price FROM orders").fetchall()
    assert rows == [(i, i / 7) for i in range(1, 501)]


def test_point_in_time_from_text(workspace: Workspace, path: Path) -> None:
    taken = backup(workspace, database=str(path), tables=["users"]).backups[0].taken
    found = preview(workspace, database=str(path), table="users", at=iso_utc(taken))
    assert found.backup.table == "users"
    with pytest.raises(NotFound):
        preview(workspace, database=str(path), table="users", at=taken - timedelta(seconds=1))
    with pytest.raises(InvalidInput):
        preview(workspace, database=str(path), table="users", at="last tuesday")


def test_another_tool_can_read_what_is_stored(workspace: Workspace, path: Path) -> None:
    listed = backup(workspace, database=str(path), tables=["orders"]).backups[0]
    client, bucket = workspace.clients.s3(), workspace.bucket.name
    stored = client.get_object(Bucket=bucket, Key=listed.key)
    manifest = json.loads(stored["Body"].read())
    assert manifest["rows"] == 500
    assert stored["Metadata"]["record_count"] == "500"
    part = listed.key.replace("_manifest.json", "part-00000.jsonl.zst")
    data = client.get_object(Bucket=bucket, Key=part)["Body"].read()
    rows = [json.loads(line) for line in zstandard.decompress(data, 1 << 20).splitlines()]
    assert rows[6] == {"id": 7, "user_id": 2, "price": 1.0, "status": "open"}


def test_a_manifest_is_never_written_over(workspace: Workspace, path: Path) -> None:
    listed = backup(workspace, database=str(path), tables=["users"]).backups[0]
    from core.backup.store import BucketStore

    with pytest.raises(AlreadyExists):
        BucketStore(workspace.bucket).put(listed.key, b"{}", {}, work=Work())
