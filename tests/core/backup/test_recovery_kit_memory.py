"""The recovery kit reads parts and rows of any size in pieces, with little memory."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import zstandard
from helpers.backups import MemoryStore, backed_up
from helpers.keyrings import MemoryKeyring, memory_keyring
from helpers.recovery import LONG_MB, copied, kit_peak
from hypothesis import given, settings
from hypothesis import strategies as st

from core.backup import recovery_kit
from core.backup.databases import open_database
from core.backup.encryption_keys import create_key
from core.backup.recovery_kit.script import long_rows, storage
from core.backup.recovery_kit.script.backups import Counts
from core.backup.recovery_kit.script.decompression import decompressed
from core.backup.recovery_kit.script.failures import LOCAL, KitError
from core.backup.recovery_kit.script.long_rows import LongRow, LongValue, lines_of
from core.backup.run import back_up
from core.work import Work

_POSSIBLE = shutil.which("zstd") and os.name == "posix"
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
_NAMES = st.text("ab'", max_size=3)
_VALUES = st.one_of(
    _TEXTS, st.integers(), st.none(), st.floats(allow_nan=False),
    st.binary(max_size=60).map(lambda data: {"$hex": data.hex().upper()}),
    st.binary(max_size=60).map(lambda data: {"$text": data.hex()}),
)  # fmt: skip


def _plain(value: Any) -> Any:
    """Return a value of a long row as it is in JSON."""
    if not isinstance(value, LongValue):
        return value
    text = value.data.hex()
    return {value.tag: text} if value.tag else value.data.decode()


@pytest.fixture
def small_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_rows, "LONG_STRING", 7)
    monkeypatch.setattr(long_rows, "LONGEST_LINE", 30)
    monkeypatch.setattr(long_rows, "_STRING_BYTES", 11)


@pytest.mark.usefixtures("small_lines")
@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=4), min_size=1, max_size=8),
    st.booleans(), st.integers(1, 60),
)  # fmt: skip
def test_long_rows_have_the_values_of_their_lines(
    rows: list[dict[str, Any]], escaped: bool, size: int
) -> None:
    data = b"".join(json.dumps(row, ensure_ascii=escaped).encode() + b"\n" for row in rows)
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    found: list[Any] = []
    for lines in lines_of(pieces):
        if isinstance(lines, LongRow):
            names = list(rows[len(found)])
            values = map(_plain, lines.values(names))
            found.append(dict(zip(names, values, strict=True)))
        else:
            found += map(json.loads, lines[:-1].split(b"\n"))
    # Digits of binary values are read without regard to case.
    assert json.dumps(found).lower() == json.dumps(rows).lower()


def _read(line: bytes) -> None:
    row = LongRow()
    row.add(line)
    list(map(_plain, row.values(["a"])))


@pytest.mark.usefixtures("small_lines")
@pytest.mark.parametrize("name", ["$hex", "$text"])
def test_a_first_column_with_the_name_of_a_tag_has_no_digits(name: str) -> None:
    row = LongRow()
    row.add(json.dumps({name: "ab" * 40}).encode())
    assert list(map(_plain, row.values([name]))) == ["ab" * 40]


def test_a_full_disk_is_not_reported_as_a_problem_of_the_connection(tmp_path: Path) -> None:
    answer = io.BytesIO(b"rows")
    answer.headers = {}  # type: ignore[attr-defined] # as of an answer
    path = tmp_path / "missing" / "0"
    with pytest.raises(KitError) as caught:
        storage._save_body(answer, 10, path)
    assert caught.value.code == LOCAL
    path.parent.mkdir()
    answer.seek(0)
    storage._save_body(answer, 10, path)
    assert path.read_bytes() == b"rows"


@pytest.mark.usefixtures("small_lines")
@pytest.mark.parametrize(
    "text",
    ['{"a": "' + "x" * 50 + "\\ud800" + "x" * 50 + '"}', '{"a": {"$hex": "' + "0g" * 40 + '"}}',
     '{"a": "' + "\\x" * 40 + '"}'],
)  # fmt: skip
def test_lines_that_are_not_valid_are_refused(text: str) -> None:
    with pytest.raises((KitError, ValueError)):
        _read(text.encode() + b"\n")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_rows_are_counted_in_pieces_as_in_one(form: str) -> None:
    data = b'1,"a\nb""c\n",\n2,"",x\n3,"\n"\n'
    for size in range(1, len(data) + 1):
        counts = Counts(form)
        for at in range(0, len(data), size):
            counts.add(data[at : at + size])
        rows = 3 if form == "csv" else data.count(b"\n")
        assert counts.are_those_of({"raw_size": len(data), "rows": rows})


def _source(data: bytes) -> Iterator[bytes]:
    return decompressed(io.BytesIO(zstandard.compress(data)), len(data) - 1)


@pytest.mark.parametrize("program", [False, True])
def test_a_part_that_is_larger_than_declared_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, program: bool
) -> None:
    if program:
        if not shutil.which("zstd"):
            pytest.skip("zstd is not installed")
        monkeypatch.setattr("importlib.import_module", _missing)
    with pytest.raises(KitError, match="larger than the manifest declares"):
        list(_source(bytes(5 << 20)))
    with pytest.raises(KitError, match="cannot be decompressed"):
        list(decompressed(io.BytesIO(b"no zstd" * 100), 1000))


def _missing(name: str) -> Any:
    raise ImportError(name)


def _database(path: Path) -> Path:
    size, chance = LONG_MB << 20, random.Random(0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w TEXT)")
        mixed = "a'b\"\\\n\0é€😀" * (size // 17)
        values = (chance.randbytes(size), mixed, "x" * size)
        connection.executemany("INSERT INTO t(v, w) VALUES (?, 'short')", [(v,) for v in values])
        raw = b"\xff" + bytes([65]) * (size // 2)  # a text that is not UTF-8
        connection.execute("INSERT INTO t(v) VALUES (CAST(? AS TEXT))", (raw,))
        connection.execute("INSERT INTO t(v, w) VALUES (1.5, NULL)")
    return path


def _content(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        rows = connection.execute("SELECT id, typeof(v), v, w FROM t")
        return [(*row[:2], hashlib.sha256(str(row[2]).encode()).digest(), row[3]) for row in rows]


@pytest.mark.skipif(not _POSSIBLE, reason="zstd is missing, or Windows, which measures otherwise")
@pytest.mark.parametrize("encrypted", [False, True])
def test_sqlite_needs_less_than_four_times_the_longest_value(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encrypted: bool
) -> None:
    path = _database(tmp_path / "a.db")
    more: tuple[str | Path, ...] = ()
    if encrypted:
        keyring: Iterator[MemoryKeyring] = memory_keyring(monkeypatch)
        next(keyring)
        key = create_key(None, name="keyring:main")
        with open_database(str(path)) as source:
            back_up(store, source, ["t"], "", Work(), key=key)
        (tmp_path / "key").write_text(key.key.reveal())
        more = ("--key-file", tmp_path / "key")
    else:
        backed_up(store, path, "t")
    place = ("--folder", copied(store, tmp_path / "copy"), *more)
    kit, new = tmp_path / "kit", tmp_path / "new.db"
    recovery_kit.write(_created(kit))
    assert kit_peak(kit, "check", "t", *place) < 60
    assert kit_peak(kit, "restore", "t", *place, "--sqlite", new) < 60 + 4 * LONG_MB
    assert _content(new) == _content(path)


def _created(folder: Path) -> Path:
    folder.mkdir()
    return folder
