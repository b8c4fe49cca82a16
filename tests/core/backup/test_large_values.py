"""Large values: the work of a restore grows with their size, and nothing absurd is unpacked."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import apsw
import pytest
import zstandard
from helpers.backups import MemoryStore, backed_up, restored, sql

from core.backup import row_formats
from core.backup.manifest import LARGEST_PART
from core.backup.package import unpack
from core.backup.row_formats import complete_lines
from core.errors import Cancelled, Corrupt
from core.model.backup import Part
from core.work import CancelToken, Work


class Counted(bytes):
    """A chunk that counts how many of its bytes are read or copied."""

    touched = 0

    def rfind(self, *arguments: object) -> int:
        Counted.touched += len(self)
        return super().rfind(*arguments)  # type: ignore[arg-type] # passed on as given

    def __getitem__(self, key: object) -> bytes:  # type: ignore[override] # slices only
        found = super().__getitem__(key)  # type: ignore[index] # passed on as given
        Counted.touched += len(found)
        return found


def part_of(lines: bytes, rows: int) -> tuple[bytes, Part]:
    data = zstandard.compress(lines)
    return data, Part(0, rows, len(data), len(lines), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("chunks", [10, 100, 1000])
def test_each_byte_of_a_long_line_is_handled_a_bounded_number_of_times(chunks: int) -> None:
    """Counted, not timed: a copy of all that came before would make it `chunks` times as many."""
    Counted.touched = 0
    size = 1_000
    given = [Counted(b"x" * size) for _ in range(chunks)] + [Counted(b"\n")]
    _, part = part_of(b"", 0)
    (line,) = complete_lines(given, part)
    assert len(line) == chunks * size + 1
    assert Counted.touched <= 3 * len(line)


def test_lines_are_cut_at_their_ends_however_the_chunks_fall() -> None:
    _, part = part_of(b"", 0)
    text = b"a\nbb\n\nccc\n"
    for size in range(1, len(text) + 1):
        chunks = [text[at : at + size] for at in range(0, len(text), size)]
        assert b"".join(complete_lines(chunks, part)) == text
        assert all(piece.endswith(b"\n") for piece in complete_lines(chunks, part))
    with pytest.raises(Corrupt, match="does not match"):
        list(complete_lines([b"a\nb"], part))


def test_large_blobs_and_texts_come_back_as_they_were(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    connection = apsw.Connection(str(path))
    connection.execute('CREATE TABLE t("$hex", b, c)')
    blobs = [os.urandom(3_000_000), b"", b"\x00", os.urandom(2_500_001)]
    with connection:
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?)",
            [(f'x:{{"$hex":"{n}', blob, ':{"$hex":"' * n) for n, blob in enumerate(blobs)],
        )
        connection.execute("INSERT INTO t VALUES (?, ?, ?)", ("00FF", "y" * 6_000_000, None))
    connection.close()
    backup = backed_up(store, path, "t")
    target = tmp_path / "again.db"
    assert restored(store, backup, target).verified == "verified (SHA-256)"
    assert sql(target, "SELECT rowid, * FROM t") == sql(path, "SELECT rowid, * FROM t")


def test_a_forged_line_without_end_is_refused_before_the_database_is_opened_for_writing(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_formats, "LONGEST_LINE", 1 << 20)
    data, part = part_of(b'{"id":"' + b"7" * (8 << 20) + b'"}\n', 1)
    with pytest.raises(Corrupt, match="does not match") as refused:
        list(unpack(data, part, "jsonl", Work()))
    assert "longer than a database allows" in refused.value.cause
    assert LARGEST_PART <= 2 << 30


def test_a_cancel_ends_the_unpacking_of_one_endless_line() -> None:
    data, part = part_of(b"7" * (64 << 20), 0)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        list(unpack(data, part, "jsonl", Work(token)))
