"""Long rows of MariaDB are passed on while they arrive: in linear time, and never completely."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.backups import MemoryStore

from core.backup.databases.long_rows import complete_rows
from core.backup.databases.mysql.packets import Packets
from core.backup.restore import BY_FINGERPRINT
from tests.core.backup.mariadb.conftest import Trading

_LARGEST = 0xFFFFFF
_MB = 1 << 20
_END = b"\5\0\0\1\xfe\0\0\2\0"


def packets_of(value: bytes) -> bytes:
    """Return a value as the server sends it: in packets of at most 16 MB."""
    size = len(value)
    head = (
        b"\xfd" + size.to_bytes(3, "little")
        if size < 1 << 24
        else b"\xfe" + size.to_bytes(8, "little")
    )
    rest, sent = head + value, b""
    while True:
        piece, rest = rest[:_LARGEST], rest[_LARGEST:]
        sent += len(piece).to_bytes(3, "little") + b"\7" + piece
        if len(piece) < _LARGEST:
            return sent


def received(data: bytes, block: int, largest: list[int]) -> Iterator[tuple[int, bytes]]:
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    packets = Packets()
    while not packets.ended:
        packets.add(next(blocks))
        found = True
        while found:
            found = False
            while (values := packets.values())[0] or values[1]:
                yield from ((1, value) for value in values[0])
            for piece in packets.long_value(blocks):
                found = True
                largest.append(len(piece.data))
                yield int(piece.last), piece.data


@pytest.mark.parametrize("block", [4_093, 65_536, 1_000_003])
def test_values_of_any_length_arrive_in_pieces_of_a_block(block: int) -> None:
    sizes = [70_000, 3 * _MB, 0x10000, _LARGEST - 4, _LARGEST - 9, 2 * _LARGEST - 9, _MB + 5]
    values = [bytes([65 + at]) * size for at, size in enumerate(sizes)]
    largest: list[int] = []
    stream = b"".join(map(packets_of, values)) + _END
    found = [value for _, value in complete_rows(received(stream, block, largest))]
    assert found == values
    assert max(largest) <= block


def test_long_texts_and_bytes_are_restored(trading: Trading, store: MemoryStore) -> None:
    trading.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, t LONGTEXT, b LONGBLOB, n INT)",
        "INSERT INTO orders VALUES (1, 'a', x'00', NULL), (2, REPEAT('aé\"\\\\\\n€', 300000), NULL, 2),"
        " (3, NULL, REPEAT(x'00ff0a22', 700000), 3), (4, 'z', NULL, 4)",
    )
    before = trading.rows("orders")
    with trading.open() as source, source.snapshot():
        pieces = list(source.dump(source.schema("orders")))
    assert max(len(data) for _, data in pieces) < _MB
    report = trading.restored(store, trading.backed_up(store, "orders"))
    assert report.verified == BY_FINGERPRINT
    assert trading.rows("orders") == before
