"""A checksum of rows that does not depend on their order, computed by the server or from lines.

For each line: the product of its CRC-32 and the CRC-32 of its bytes in reverse order, which are
independent, so that it has 64 bits. The sum of these products is exact, and finds rows that were
changed, lost, doubled, or that exchanged values.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter, mul

from fastcrc.crc32 import iso_hdlc as crc32  # in half of the time that zlib needs

from core.backup.databases.mysql.rows import source
from core.backup.databases.mysql.sampling import sampled_row_sql
from core.backup.databases.mysql.session import Session
from core.model.tables import TableSchema
from core.work import Work

_reversed = itemgetter(slice(None, None, -1))


class Fingerprint:
    """The checksum of lines; its text is empty after `omit`."""

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0
        self._complete = True

    def add(self, rows: Sequence[bytes]) -> None:
        """Add lines without their newlines."""
        # One line after the other: its bytes and those in reverse order remain in the cache.
        self._sum += sum(map(mul, map(crc32, rows), map(crc32, map(_reversed, rows))))
        self._rows += len(rows)

    def omit(self) -> None:
        """Note a line that is not in memory, so that only the server can compute the checksum."""
        self._complete = False

    def __str__(self) -> str:
        return fingerprint_text(self._rows, self._sum) if self._complete else ""


def server_fingerprint(session: Session, schema: TableSchema, work: Work, where: str = "") -> str:
    """Return the checksum of the rows that meet a condition, which the server computes.

    It is empty if the line of a row exceeds max_allowed_packet, so that the server has none.
    """
    line = sampled_row_sql(session, schema)
    # The variable spares a second conversion of the row; operands are evaluated from the left.
    product = f"CRC32(@line:={line})*CRC32(REVERSE(CAST(@line AS BINARY)))"
    table = source(schema, where, ordered=False)
    statement = f"SELECT COUNT(*), SUM(COALESCE({product},0.5)) FROM {table}"  # noqa: S608 - names are quoted
    with session.cancellable(work):
        ((rows, total),) = session.query(statement)
    total = total or 0
    return fingerprint_text(int(rows), int(total)) if total == int(total) else ""


def fingerprint_text(rows: int, total: int) -> str:
    """Return the text in a manifest."""
    return f"crc32-pairs:{rows}:{total}"
