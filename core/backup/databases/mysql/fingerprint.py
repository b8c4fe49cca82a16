"""A checksum of rows that does not depend on their order, computed by the server or from lines.

For each line: the product of two independent checksums of 32 bits. The sum of these products is
exact, and finds rows that were changed, lost, doubled, or that exchanged values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter, mul

from fastcrc.crc32 import iscsi as crc32c
from fastcrc.crc32 import iso_hdlc as crc32  # in half of the time that zlib needs

from core.backup.databases.mysql.rows import source
from core.backup.databases.mysql.sampling import sampled_row_sql
from core.backup.databases.mysql.session import Session
from core.model.tables import TableSchema
from core.work import Work

#: MariaDB has the function CRC32C since this version.
_CRC32C = (10, 8)
_reversed = itemgetter(slice(None, None, -1))


@dataclass(frozen=True, slots=True)
class Method:
    """Two checksums of a line, of which the first is its CRC-32.

    Args:
        name: The name in manifests.
        sql: The SQL expression of the second one, from the line in the variable `@line`.
        of_lines: Returns the second one of each line.
    """

    name: str
    sql: str
    of_lines: Callable[[Sequence[bytes]], Iterable[int]]


#: For servers without CRC32C: the second checksum is the CRC-32 of the bytes in reverse order.
_PAIRS = Method(
    "crc32-pairs",
    "CRC32(REVERSE(CAST(@line AS BINARY)))",
    lambda lines: map(crc32, map(_reversed, lines)),
)
_BOTH = Method("crc32-crc32c", "CRC32C(@line)", lambda lines: map(crc32c, lines))


def methods_of(session: Session) -> tuple[Method, ...]:
    """Return the methods that a server can compute, the fastest first."""
    found = re.match(r"(\d+)\.(\d+)", session.version) if session.is_mariadb else None
    version = tuple(map(int, found.groups())) if found else ()
    return (_BOTH, _PAIRS) if version >= _CRC32C else (_PAIRS,)


class Fingerprint:
    """The checksum of lines; its text is empty after `omit`."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self._rows = 0
        self._sum = 0
        self._complete = True

    def add(self, rows: Sequence[bytes]) -> None:
        """Add lines without their newlines."""
        # One line after the other: it remains in the cache.
        self._sum += sum(map(mul, map(crc32, rows), self.method.of_lines(rows)))
        self._rows += len(rows)

    def merge(self, other: Fingerprint) -> None:
        """Add the lines of another fingerprint of the same method."""
        self._sum += other._sum
        self._rows += other._rows
        self._complete = self._complete and other._complete

    def omit(self) -> None:
        """Note a line that is not in memory, so that only the server can compute the checksum."""
        self._complete = False

    def __str__(self) -> str:
        return _text(self.method, self._rows, self._sum) if self._complete else ""


def server_fingerprint(
    session: Session, schema: TableSchema, work: Work, where: str = "", like: str = ""
) -> str:
    """Return the checksum of the rows that meet a condition, which the server computes.

    It is empty if the line of a row exceeds max_allowed_packet, so that the server has none, and if
    the server does not have the method of `like`.
    """
    methods = [one for one in methods_of(session) if like.partition(":")[0] in ("", one.name)]
    if not methods:
        return ""
    line = sampled_row_sql(session, schema)
    # The variable spares a second conversion of the row; operands are evaluated from the left.
    product = f"CRC32(@line:={line})*{methods[0].sql}"
    table = source(schema, where, ordered=False)
    statement = f"SELECT COUNT(*), SUM(COALESCE({product},0.5)) FROM {table}"  # noqa: S608 - names are quoted
    with session.cancellable(work):
        ((rows, total),) = session.query(statement)
    total = total or 0
    return _text(methods[0], int(rows), int(total)) if total == int(total) else ""


def _text(method: Method, rows: int, total: int) -> str:
    """Return the text in a manifest."""
    return f"{method.name}:{rows}:{total}"
