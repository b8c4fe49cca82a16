"""An encrypted backup of a real MariaDB table: restored, queried, and read by the recovery kit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.backups import MemoryStore
from helpers.keyrings import MemoryKeyring, memory_keyring
from helpers.recovery import copied, run_kit

from core.backup.encryption_keys import create_key
from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.query import query_of
from core.backup.run import back_up
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    yield from memory_keyring(monkeypatch)


def test_a_table_comes_back(
    trading: Trading, store: MemoryStore, keyring: MemoryKeyring, tmp_path: Path
) -> None:
    trading.sql(
        "CREATE TABLE t (id int primary key, v varchar(50) default 'canary-1', b varbinary(9))",
        "INSERT INTO t VALUES (1, 'canary-2', x'00ff'), (2, NULL, NULL)",
    )
    key = create_key(None, name="keyring:main")
    before = trading.definition("t"), trading.rows("t")
    with trading.open() as source:
        back_up(store, source, ["t"], "", Work(), key=key)
    (backup,) = backups_in(store, "t", Work())
    assert not any(b"canary" in data for data in store.objects.values())
    trading.sql("DELETE FROM t WHERE id = 2")
    assert preview_of(store, backup, trading.address, 5, Work()).difference.added == 1
    assert query_of(store, backup, "SELECT max(v) FROM t", 5, Work()).rows == (("canary-2",),)
    trading.restored(store, backup)
    assert (trading.definition("t"), trading.rows("t")) == before
    if shutil.which("zstd"):
        (tmp_path / "key").write_text(key.key.reveal())
        done = run_kit(
            tmp_path / "kit", "restore", "t", "--folder", copied(store, tmp_path / "copy"),
            "--output", tmp_path, "--key-file", tmp_path / "key",
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "canary-2" in (tmp_path / "t.sql").read_text()
