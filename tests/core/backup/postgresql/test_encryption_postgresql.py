"""An encrypted backup of a real PostgreSQL table: restored, queried, and read by the recovery kit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.backups import MemoryStore
from helpers.keyrings import MemoryKeyring, memory_keyring
from helpers.postgresql_tables import Database
from helpers.recovery import copied, run_kit

from core.backup.databases import open_database
from core.backup.drill import drill_of_backup
from core.backup.encryption_keys import create_key
from core.backup.listing import backups_in
from core.backup.query import query_of
from core.backup.restore import BY_FINGERPRINT
from core.backup.run import back_up
from core.work import Work


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    yield from memory_keyring(monkeypatch)


def test_a_table_comes_back(
    orders: Database, store: MemoryStore, keyring: MemoryKeyring, tmp_path: Path
) -> None:
    orders.script(
        "INSERT INTO orders (user_id, price, status) VALUES (1, 1, E'canary \\\"q\\\",\\n')"
    )
    key, before = create_key(None, name="keyring:main"), orders.content("orders")
    with open_database(orders.address) as source:
        back_up(store, source, ["orders"], "", Work(), key=key)
    (backup,) = backups_in(store, "orders", Work())
    assert not any(b"canary" in data or b"refer" in data for data in store.objects.values())
    manifest = json.loads(store.objects[backup.key])
    assert (manifest["parts_format"], manifest.get("fingerprint"), manifest.get("ddl")) == (
        "csv", None, None,
    )  # fmt: skip
    found = query_of(store, backup, "SELECT count(*), max(status) FROM orders", 5, Work())
    assert found.rows[0][0] == len(before)
    assert drill_of_backup(store, backup, orders.address, Work()).proven
    orders.script("UPDATE orders SET price = 7 WHERE id > 3")
    report = orders.restore(store, backup)
    assert report.verified == BY_FINGERPRINT
    assert orders.content("orders") == before
    if shutil.which("zstd"):
        (tmp_path / "key").write_text(key.key.reveal())
        done = run_kit(
            tmp_path / "kit", "restore", "orders", "--folder", copied(store, tmp_path / "copy"),
            "--output", tmp_path, "--key-file", tmp_path / "key",
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert b"canary" in (tmp_path / "orders.csv").read_bytes()
        assert "CREATE TABLE" in (tmp_path / "orders.sql").read_text()
