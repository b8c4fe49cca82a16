"""Parts of a backup contain all rows in order, however long these are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO
from threading import Event, Semaphore, active_count
from typing import Any

import pytest
import zstandard

from core.backup import packing
from core.backup.packing import PartsForm, Tally
from core.model.backup import Part
from core.work import Work

_PART, _COLLECTED = 1_000, 1_500


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PART_BYTES", _PART)
    monkeypatch.setattr(packing, "_COLLECTED_BYTES", _COLLECTED)


def pieces(*sizes: int) -> list[tuple[int, bytes]]:
    """Return pieces of one row each, which all differ."""
    return [
        (1, f"{number}".encode().ljust(size - 1, b"x") + b"\n") for number, size in enumerate(sizes)
    ]


def unpacked(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(BytesIO(data)).read()


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ([], []),
        ([10], [10]),
        ([999, 10, 400, 5], [1_009, 405]),  # the second part is shorter than the first
        ([700, 700, 20], [1_400, 20]),
        ([999, 501, 30], [1_500, 30]),  # exactly as much as is collected
        ([999, 502, 30], [1_501, 30]),
        ([5_000, 10, 4_000, 900, 100], [5_000, 4_010, 1_000]),
    ],
)  # fmt: skip
def test_all_rows_are_in_the_parts(sizes: list[int], parts: list[int]) -> None:
    rows, tally = pieces(*sizes), Tally()
    packed = packing.packed(iter(rows), tally, PartsForm("id", "csv"), Work())
    made = [(part, b"".join(stored)) for part, stored in packed]
    assert [part.raw_size for part, _data in made] == parts
    text = b"".join(lines for _count, lines in rows)
    assert b"".join(unpacked(data) for _part, data in made) == text
    assert tally.content.hexdigest() == hashlib.sha256(text).hexdigest()
    assert sum(part.rows for part, _data in made) == tally.rows == len(rows)
    for number, (part, data) in enumerate(made):
        assert (part.index, part.size) == (number, len(data))
        assert part.sha256 == hashlib.sha256(data).hexdigest()
        assert len(unpacked(data)) == part.raw_size


def test_the_checksum_of_a_part_is_in_its_frame() -> None:
    def rows() -> Iterator[tuple[int, bytes]]:
        yield from pieces(300, 300)

    ((_part, stored),) = packing.packed(rows(), Tally(), PartsForm("id", "csv"), Work())
    data = b"".join(stored)
    assert zstandard.get_frame_parameters(data).has_checksum
    damaged = data[:-1] + bytes((data[-1] ^ 1,))
    with pytest.raises(zstandard.ZstdError):
        unpacked(damaged)


def test_the_first_parts_are_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_SMALLER_PARTS", 2)
    monkeypatch.setattr(packing, "_SMALLER_BYTES", 500)
    packed = packing.packed(iter(pieces(*[250] * 14)), Tally(), PartsForm("id", "csv"), Work())
    assert [part.raw_size for part, _stored in packed] == [500, 500, 1_000, 1_000, 500]


@pytest.mark.parametrize(
    ("expected", "parts"),
    [
        (0, [1_000, 1_000, 1_000, 1_000]),  # there is no estimate
        (40, [1_000, 1_000, 1_000, 500, 300, 200]),  # to half of the rest, and the least size
        (4_000, [1_000, 1_000, 1_000, 1_000]),  # too high
        (20, [1_000, 500, 300, 1_000, 1_000, 200]),  # too low
    ],
)  # fmt: skip
def test_the_last_parts_are_smaller(
    expected: int, parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_LEAST_BYTES", 200)
    form = PartsForm("id", "csv", expected_rows=expected)
    packed = packing.packed(iter(pieces(*[100] * 40)), Tally(), form, Work())
    assert [part.raw_size for part, _stored in packed] == parts


def test_a_small_table_has_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_LEAST_BYTES", 200)
    form = PartsForm("id", "csv", expected_rows=9)
    packed = packing.packed(iter(pieces(*[100] * 9)), Tally(), form, Work())
    assert [part.raw_size for part, _stored in packed] == [900]


@pytest.mark.parametrize(("most", "in_memory"), [(1_000, 2), (2_000, 3)])
def test_few_parts_are_in_memory_while_they_are_compressed(
    most: int, in_memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_COMPRESSED_BYTES", most)
    finished, seen = Semaphore(0), list[int]()
    make, finish = packing.Packer.__init__, packing.Packer.finish

    def made(packer: packing.Packer, index: int, *others: Any) -> None:
        seen.append(index + 1 - finished._value)
        make(packer, index, *others)

    def late(packer: packing.Packer) -> tuple[Part, list[bytes]]:
        Event().wait(0.02)  # so that the rows are collected faster than they are compressed
        found = finish(packer)
        finished.release()
        return found

    monkeypatch.setattr(packing.Packer, "__init__", made)
    monkeypatch.setattr(packing.Packer, "finish", late)
    rows = pieces(*[500] * 24)
    packed = packing.packed(iter(rows), Tally(), PartsForm("id", "csv"), Work())
    assert [part.raw_size for part, _ in packed] == [1_000] * 12
    assert max(seen) == in_memory


def test_parts_are_yielded_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    finish, second = packing.Packer.finish, Event()

    def late(packer: packing.Packer) -> tuple[Part, list[bytes]]:
        if packer.index == 0:
            assert second.wait(30)  # the first part is compressed after the second one
        found = finish(packer)
        if packer.index == 1:
            second.set()
        return found

    monkeypatch.setattr(packing.Packer, "finish", late)
    rows = pieces(*[500] * 12)
    made = list(packing.packed(iter(rows), Tally(), PartsForm("id", "csv"), Work()))
    assert [part.index for part, _ in made] == list(range(6))
    text = b"".join(unpacked(b"".join(stored)) for _part, stored in made)
    assert text == b"".join(lines for _count, lines in rows)


def test_a_part_is_yielded_while_the_next_one_is_collected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise a slow database would delay its upload by the time of one part."""
    made: list[Part] = []
    finish, collecting = packing.Packer.finish, Event()

    def late(packer: packing.Packer) -> tuple[Part, list[bytes]]:
        assert collecting.wait(30)
        return finish(packer)

    monkeypatch.setattr(packing.Packer, "finish", late)

    def rows() -> Iterator[tuple[int, bytes]]:
        yield from pieces(500, 500)
        collecting.set()
        for _ in range(400):
            if made:
                return
            Event().wait(0.02)
            yield from pieces(1)
        pytest.fail("the part was only yielded when the next one was full")

    for part, _stored in packing.packed(rows(), Tally(), PartsForm("id", "csv"), Work()):
        made.append(part)
    assert made[0].raw_size == 1_000


def test_an_error_of_the_rows_ends_the_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows() -> Iterator[tuple[int, bytes]]:
        yield from pieces(*[500] * 3)
        message = "the connection has ended"
        raise OSError(message)

    before = active_count()
    packed = packing.packed(rows(), Tally(), PartsForm("id", "csv"), Work())
    with pytest.raises(OSError, match="has ended"):
        list(packed)
    assert active_count() == before
