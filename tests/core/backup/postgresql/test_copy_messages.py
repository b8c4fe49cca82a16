"""Rows are taken out of blocks of messages, however long they are and wherever the blocks end."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.backup.databases.postgresql import copy_messages
from core.backup.databases.postgresql.copy_messages import CopyEnd, has_end, rows_of_messages


def message(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack(">I", len(data) + 4) + data


END = message(b"c", b"") + message(b"C", b"COPY 1\0") + message(b"Z", b"T")
ERROR = message(b"E", b"SERROR\0C57014\0MEnd, d\0\0") + message(b"Z", b"E")
NOTICES = (
    message(b"N", b"SNOTICE\0Mbad d\0\0"),
    message(b"S", b"TimeZone\0UTC\0"),
    message(b"A", struct.pack(">I", 7) + b"d\0d\0\0"),
)
#: Lengths at which the bytes of the length look like the head of a row: `d`, 0, 0.
LENGTHS = (1, 2, 95, 96, 252, 256, 25_595, 25_596, 25_597, 25_698, 65_531, 65_532, 70_000)
SHORT = st.lists(st.sampled_from(b'd"\n,Z\x05\xff'), min_size=1, max_size=12).map(bytes)
ROWS = st.one_of(SHORT, st.sampled_from(LENGTHS).map(lambda length: b"d" * length))
STREAMS = st.lists(
    st.one_of(ROWS.map(lambda row: (b"d", row)), st.sampled_from(NOTICES).map(lambda n: (b"", n))),
    max_size=15,
)


def read(stream: bytes, sizes: list[int]) -> tuple[int, bytes, CopyEnd]:
    """Pass a stream to the function in blocks of these sizes, as `Session` does."""
    end, buffer, filled, position, count, rows, turn = (
        CopyEnd(),
        bytearray(1 << 18),
        0,
        0,
        0,
        b"",
        0,
    )
    while not end.ready:
        size = min(sizes[turn % len(sizes)], len(stream) - position)
        assert size, "the stream ended before its last message was found"
        turn += 1
        buffer[filled : filled + size] = stream[position : position + size]
        filled, position = filled + size, position + size
        found, data, used = rows_of_messages(buffer, filled, end)
        assert has_end(buffer, filled) or not end.ready
        count, rows = count + found, rows + data
        buffer[: filled - used] = buffer[used:filled]
        filled -= used
    return count, rows, end


@given(STREAMS, st.lists(st.integers(1, 30_000), max_size=6), st.booleans())
@settings(max_examples=100, deadline=None)
def test_all_rows_are_found_in_blocks_of_any_size(
    stream: list[tuple[bytes, bytes]], sizes: list[int], failed: bool
) -> None:
    sent = b"".join(message(kind, data) if kind else data for kind, data in stream)
    rows = [data for kind, data in stream if kind]
    count, found, end = read(sent + (ERROR if failed else END), [*sizes, 1 << 16])
    assert (count, found) == (len(rows), b"".join(rows))
    assert end.error.get("C", "") == ("57014" if failed else "")


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_block_may_end_in_any_byte(cut: int) -> None:
    rows = [b"a,b\n", b"d" * 25_596, b"\n"]
    sent = b"".join(message(b"d", row) for row in rows) + END
    assert read(sent, [cut, 1 << 17])[:2] == (3, b"".join(rows))
    assert read(sent, [len(sent) - cut, 1 << 17])[:2] == (3, b"".join(rows))


@pytest.mark.parametrize("cut", range(6))
def test_a_block_that_ends_in_a_head_is_not_read_row_by_row(
    cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions: list[int] = []
    read_slowly = copy_messages._any_messages

    def record(
        buffer: bytearray, position: int, filled: int, end: CopyEnd
    ) -> tuple[int, bytes, int]:
        positions.append(position)
        return read_slowly(buffer, position, filled, end)

    monkeypatch.setattr(copy_messages, "_any_messages", record)
    block = bytearray(message(b"d", b"a,b\n") * 3)
    received = block + message(b"d", b"c,d\n")[:cut]
    expected = (3, b"a,b\n" * 3, len(block))
    assert rows_of_messages(received, len(received), CopyEnd()) == expected
    assert 0 not in positions
