"""Backups of the old form: listed, inferred, noted, restored."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, restored, sql

from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.verify import verify_of
from core.errors import (
    Corrupt,
)
from core.model.backup import BackupState
from core.work import Work


def test_the_old_form_is_listed_previewed_and_restored(store: MemoryStore, path: Path) -> None:
    records = [
        {"id": 1, "name": "ada", "balance": "50412.500000000000000001", "vip": True, "n": 2**60 + 1}
    ]
    for stamp in ("2024-01-15T02:00:00", "2024-01-15T02:00:00.123456", "2024-01-16T02:00:00+00:00"):
        body = {"table_name": "clients", "timestamp": stamp, "records": records}
        key = f"backups/database/clients/2024/01/15/{stamp}.json"
        store.objects[key] = json.dumps(body, indent=2).encode()
    store.objects["backups/database/clients/2024/01/17/2024-01-17T02:00:00Z.json.gz"] = (
        gzip.compress(json.dumps({"table_name": "clients", "records": records}).encode())
    )
    listed = backups_in(store, "clients", Work())
    assert [b.state for b in listed] == [BackupState.OLD_FORM] * 4
    seen = preview_of(store, listed[0], str(path), 10, Work())
    assert seen.inferred
    assert [(c.name, c.type) for c in seen.schema.columns] == [
        ("id", "INTEGER"),
        ("name", "TEXT"),
        ("balance", "TEXT"),
        ("vip", "INTEGER"),
        ("n", "INTEGER"),
    ]
    assert any("vip" in problem for problem in seen.problems)
    report = restored(store, listed[0], path)
    assert report.verified == "rows counted only"
    assert sql(path, "SELECT balance, vip, n FROM clients") == [
        ("50412.500000000000000001", 1, 2**60 + 1)
    ]


def test_the_old_form_takes_its_types_from_the_present_table(
    store: MemoryStore, path: Path
) -> None:
    body = {
        "table_name": "orders",
        "records": [{"id": 7, "user_id": 1, "price": "0.1", "status": "open"}],
    }
    store.objects["backups/database/orders/2024/01/15/2024-01-15T02:00:00Z.json"] = json.dumps(
        body
    ).encode()
    old = backups_in(store, "orders", Work())[0]
    seen = preview_of(store, old, str(path), 10, Work())
    assert (seen.inferred, seen.difference.removed) == (False, 499)
    restored(store, old, path)
    assert sql(path, "SELECT price, typeof(price) FROM orders") == [(0.1, "real")]


def test_the_old_form_that_does_not_fit_the_present_table_is_inferred(
    store: MemoryStore, path: Path
) -> None:
    body = {"records": [{"id": 7, "price": "0.1", "colour": "red"}]}
    key = "backups/database/orders/2024/01/15/2024-01-15T02:00:00Z.json"
    store.objects[key] = json.dumps(body).encode()
    seen = preview_of(store, backups_in(store, "orders", Work())[0], str(path), 10, Work())
    assert seen.inferred
    assert [(c.name, c.type) for c in seen.schema.columns] == [
        ("id", "INTEGER"),
        ("price", "TEXT"),
        ("colour", "TEXT"),
    ]
    assert any("no column colour" in problem for problem in seen.problems)
    assert any("user_id" in problem for problem in seen.problems)
    assert "column user_id was added since the backup: its values would be removed" in seen.drift


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"records": 7}', "no list of records"),
        (b'{"records": [1]}', "as an object"),
        (b'{"records": []}', "the table does not exist"),
        (b'{"records": [{"a": "\\ud800"}]}', "incomplete character"),
        (b"\x1f\x8b\x00", "cannot be decompressed"),
    ],
)
def test_an_old_form_that_cannot_be_read_says_why(
    store: MemoryStore, path: Path, data: bytes, reason: str
) -> None:
    store.objects["backups/database/clients/2024/01/15/2024-01-15T02:00:00Z.json"] = data
    (old,) = backups_in(store, "clients", Work())
    with pytest.raises(Corrupt, match=reason):
        preview_of(store, old, str(path), 5, Work())
    assert not verify_of(store, old, Work()).good


def test_odd_values_of_the_old_form_are_noted_not_guessed(store: MemoryStore, path: Path) -> None:
    records = [
        {"a": 1.5, "b": {"x": [1]}, "c": 2**70},
        {"a": float("nan"), "b": None, "C": 1},
        {"a": "2.5"},
    ]
    key = "backups/database/odd/2024/01/15/2024-01-15T02:00:00Z.json"
    store.objects[key] = json.dumps(records).encode()
    (old,) = backups_in(store, "odd", Work())
    seen = preview_of(store, old, str(path), 5, Work())
    assert len([p for p in seen.problems if p.startswith(("a:", "b:"))]) == 3
    restored(store, old, path)
    assert sql(path, "SELECT a, b, c FROM odd") == [
        (1.5, '{"x": [1]}', str(2**70)),
        (None, None, 1),
        ("2.5", None, None),
    ]
