"""The fingerprint of MariaDB: the server and the program compute the same one, by several methods."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore
from pymysql import Connection

from core.backup.databases.mysql import fingerprint, reading
from core.backup.databases.mysql.fingerprint import Fingerprint, methods_of
from core.backup.manifest import from_bytes
from core.backup.restore import BY_FINGERPRINT, BY_HASH
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading


@pytest.fixture
def orders(trading: Trading) -> Trading:
    trading.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, note TEXT)",
        "INSERT INTO orders SELECT seq, IF(seq % 3, CONCAT('é\\n', seq), NULL) FROM seq_1_to_500",
    )
    return trading


@pytest.mark.parametrize("name", ["crc32-crc32c", "crc32-pairs"])
def test_the_program_and_the_server_compute_the_same(orders: Trading, name: str) -> None:
    with orders.open() as source:
        (method,) = [one for one in methods_of(source._session) if one.name == name]
        schema, found = source.schema("orders"), Fingerprint(method)
        for _, lines in source.dump(schema):
            found.add(lines.splitlines())
        assert str(found).startswith(f"{name}:500:")
        assert source.fingerprint(schema, like=str(found), work=Work()) == str(found)
        before = str(found)
        # Values that were exchanged between rows.
        orders.sql("UPDATE orders SET note = IF(id = 1, 'é\\n2', 'é\\n1') WHERE id IN (1, 2)")
        assert source.fingerprint(schema, like=before, work=Work()) != before


def test_a_backup_with_the_earlier_method_is_proven_by_it(
    orders: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(reading, "methods_of", lambda _: (fingerprint._PAIRS,))
        backup = orders.backed_up(store, "orders")
    assert from_bytes(store.objects[backup.key]).fingerprint.startswith("crc32-pairs:500:")
    assert orders.restored(store, backup, target="again").verified == BY_FINGERPRINT


def test_a_backup_with_an_unknown_method_is_proven_by_its_rows(
    orders: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fingerprint.Method("of-a-newer-version", "0", lambda lines: [0] * len(lines))
    with monkeypatch.context() as patch:
        patch.setattr(reading, "methods_of", lambda _: (other,))
        backup = orders.backed_up(store, "orders")
    begun = len(orders.server.logs)
    assert orders.restored(store, backup, target="again").verified == BY_HASH
    # A fingerprint of another method would be computed in vain.
    assert "CRC32(" not in orders.server.logs[begun:]


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("10.7.8-MariaDB", ["crc32-pairs"]),
        ("10.8.1-MariaDB", ["crc32-crc32c", "crc32-pairs"]),
        ("11.4.2-MariaDB-log", ["crc32-crc32c", "crc32-pairs"]),
        ("8.4.3", ["crc32-pairs"]),
        ("custom", ["crc32-pairs"]),
        ("custom-mariadb", ["crc32-pairs"]),
    ],
)
def test_a_server_without_crc32c_uses_the_other_method(
    orders: Trading, monkeypatch: pytest.MonkeyPatch, version: str, names: list[str]
) -> None:
    monkeypatch.setattr(Connection, "get_server_info", lambda _self: version)
    with orders.open() as source:
        assert [method.name for method in methods_of(source._session)] == names
