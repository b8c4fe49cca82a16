"""Absurd values in a manifest or its rows cause a clear error or are restored as written."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard
from helpers.backups import MemoryStore, backed_up, everything, trading_database
from helpers.doses import HEAVY
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.backup import manifest as manifests
from core.backup.databases import open_database
from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.restore import Choices, restore_of
from core.backup.verify import verify_of
from core.errors import Corrupt, NotSupported, StorageError
from core.model.backup import BackupState
from core.work import Work

ABSURD: tuple[Any, ...] = (
    10**30, 10**400, 2**63, -1, 0, float("nan"), True, None, "\0", "\ud800",
    "'); DROP TABLE users; --", [], {"a": 1}, "9999-12-31T23:59:59-23:59",
)  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MemoryStore, str]:
    """A database and a store with one backup of a table that has one of everything."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("absurd")
        patch.setenv("STRONGROOM_HOME", str(folder / "home"))
        path = trading_database(folder / "trading.db", rows=20)
        store = MemoryStore()
        backup = backed_up(store, path, "orders")
    return path, store, backup.key


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each value, containers included."""
    if place:
        yield place
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*place, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, (*place, number))


def forged(body: dict[str, Any], place: tuple[Any, ...], value: Any) -> bytes:
    """Replace one value and give the manifest a matching hash, as an attacker would."""
    changed = copy.deepcopy(body)
    inner: Any = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    changed["sha256"] = manifests._own_hash(changed)
    return json.dumps(changed).encode()


@pytest.mark.parametrize("number", range(len(ABSURD)), ids=[repr(v)[:24] for v in ABSURD])
def test_an_absurd_value_in_any_place_of_a_manifest(
    stored: tuple[Path, MemoryStore, str], number: int
) -> None:
    path, original, key = stored
    value, body = ABSURD[number], json.loads(original.objects[key])
    before = everything(path)
    # In the suite every value has half of the places, the next value the other half.
    for place in list(leaves(body))[0 if HEAVY else number % 2 :: 1 if HEAVY else 2]:
        store = MemoryStore()
        store.objects = {**original.objects, key: forged(body, place, value)}
        (listed,) = backups_in(store, None, Work())
        if listed.state is BackupState.BROKEN:
            assert listed.problem, place
            continue
        with suppress(StorageError):  # anything else is a bug
            preview_of(store, listed, str(path), 3, Work())
            verify_of(store, listed, Work())
    assert everything(path) == before


def with_rows(original: MemoryStore, key: str, lines: bytes) -> MemoryStore:
    """Replace the rows, and make manifest and hashes agree with them."""
    store = MemoryStore()
    store.objects = dict(original.objects)
    data = zstandard.compress(lines)
    found = manifests.from_bytes(store.objects[key])
    rows = lines.count(b"\n")
    part = replace(
        found.parts[0], rows=rows, size=len(data), raw_size=len(lines),
        sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
    content = hashlib.sha256(lines).hexdigest()
    store.objects[key.replace("_manifest.json", "part-00000.jsonl.zst")] = data
    changed = replace(found, parts=(part,), rows=rows, content=content)
    store.objects[key] = manifests.to_bytes(changed)
    return store


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
        st.sampled_from(['{"$hex":"0"}', "\ud800", 10**30]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["$hex", "$text", "$cut", "id", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip
rows_of = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from(["id", "user_id", "price", "status"]), json_values),
        json_values,
    ).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"")),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows_of)
@example([b"[" * 100_000])
@example([b'{"id":1,"user_id":1,"price":{"$cut":0},"status":{"$hex":"00"}}'])
@example([b'{"id":1e400,"user_id":1,"price":NaN,"status":"x"}'])
@example([b'{"id":' + b"7" * 5_000 + b',"user_id":1,"price":1,"status":"x"}'])
def test_rows_of_any_form_are_restored_exactly_or_refused(
    stored: tuple[Path, MemoryStore, str], lines: list[bytes]
) -> None:
    path, original, key = stored
    store = with_rows(original, key, b"".join(line + b"\n" for line in lines))
    (listed,) = backups_in(store, None, Work())
    before = everything(path)
    if listed.state is BackupState.BROKEN:  # too many lines for so few bytes
        return
    try:
        restore_of(store, listed, str(path), Choices("copy"), Work())
    except StorageError:
        assert everything(path) == before
    else:
        with open_database(str(path), write=True) as database, database.change(work=Work()):
            database._connection.execute("DROP TABLE copy")  # type: ignore[attr-defined] # SQLite's


@pytest.mark.parametrize("raw_size", [2**31 + 1, 2**40, 2**62])
def test_no_size_of_a_manifest_reserves_memory_or_time(
    stored: tuple[Path, MemoryStore, str], raw_size: int
) -> None:
    _, original, key = stored
    body = json.loads(original.objects[key])
    with pytest.raises((Corrupt, NotSupported), match="impossible size"):
        manifests.from_bytes(forged(body, ("parts", 0, "raw_size"), raw_size))
