"""Rows are loaded in the format that the server reads faster, as far as it means the same."""

from collections.abc import Iterable
from typing import Any, cast

import pytest

from core.backup.databases.base import Rows
from core.backup.databases.postgresql.loading import copy_rows
from core.errors import Corrupt
from core.work import Work

PLAIN = b"1,2.50,,text\n2,NaN,2026-11-28 10:00:00+00,\n"


class _Server:
    """Receives what is copied, each statement with its bytes."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []

    def copy_in(self, statement: str, pieces: Iterable[Rows], _work: Work) -> int:
        data = b"".join(piece for _, piece in pieces)
        self.received.append((statement, data))
        return data.count(b"\n")


def _loaded(
    pieces: Iterable[bytes], *, freeze: bool = False
) -> tuple[int, list[tuple[str, bytes]]]:
    server = _Server()
    rows = ((0, piece) for piece in pieces)
    count = copy_rows(cast("Any", server), "t (a)", rows, Work(), freeze=freeze)
    return count, server.received


def _split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [5, 7, 1000])
@pytest.mark.parametrize(
    "rest", [b"", b'3,"a ""quoted"", text\n",,\n4,5,6,7\n', b"3,back\\slash,,\n", b'""\n', b'"x']
)
def test_rows_before_the_first_special_character_are_plain_and_nothing_is_lost(
    size: int, rest: bytes
) -> None:
    data = PLAIN * 3 + rest
    count, received = _loaded(_split(data, size))
    assert b"".join(piece for _, piece in received) == data
    assert count == data.count(b"\n")
    for statement, piece in received:
        if "FORMAT text" in statement:
            assert piece.endswith(b"\n")
            assert b'"' not in piece
            assert b"\\" not in piece
    assert [("FORMAT text" in statement) for statement, _ in received] in (
        [[True]] if not rest else [[True, False], [False]]
    )


def test_no_rows_are_no_statement_and_a_long_row_is_not_collected() -> None:
    assert _loaded([]) == (0, [])
    long = [b"x" * 100] * 50 + [b"\n"]
    _, received = _loaded(long, freeze=True)
    assert received == [("COPY t (a) FROM STDIN (FORMAT csv, FREEZE)", b"".join(long))]


def test_an_error_of_the_rows_reaches_the_statement_that_loads_them() -> None:
    def damaged() -> Iterable[bytes]:
        yield PLAIN
        raise Corrupt("The rows do not match")

    with pytest.raises(Corrupt, match="do not match"):
        _loaded(damaged())
