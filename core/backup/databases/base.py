"""The contract of a database engine: what backup and restore ask of it, and nothing of S3."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import zip_longest
from types import TracebackType
from typing import ClassVar, Self

from core.model.backup import Difference, Origin
from core.model.tables import DatabaseInfo, Dependant, Reference, TableInfo, TableSchema
from core.work import Work

#: A piece of rows: how many, and their JSON lines, each ended by a newline (UTF-8).
Rows = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds, in two figures: the count and the SHA-256 of all rows' lines."""

    rows: int
    sha256: str


class Database(ABC):
    """One open database of one engine. Not for use by two threads at a time.

    Reading: `tables`, `schema`, `references`, and `dump` inside one `snapshot`. Restoring: all
    inside one `change`, which is kept whole or not at all: `create`, `load`, `content`, `publish`.
    """

    engine: ClassVar[str]
    #: Names of SQLAlchemy's dialects that lead here.
    dialects: ClassVar[tuple[str, ...]]

    @classmethod
    @abstractmethod
    def open(cls, address: str, *, write: bool = False, create: bool = False) -> Self:
        """Open what a path or URL names; read-only unless `write`, missing only with `create`.

        Raises:
            DatabaseError: When it cannot be opened, in words.
        """

    @classmethod
    @abstractmethod
    def missing(cls, address: str) -> bool:
        """Whether the database is not there yet and `create` would make it."""

    @abstractmethod
    def close(self) -> None:
        """Give the database back; twice is allowed."""

    @property
    @abstractmethod
    def name(self) -> str:
        """A name to show and to write into manifests; never a password."""

    @classmethod
    @abstractmethod
    def origin_of(cls, address: str) -> Origin:
        """Return which database a path or URL means, without opening it."""

    @property
    @abstractmethod
    def origin(self) -> Origin:
        """Which database this is: what `origin_of` returns for its address."""

    @property
    @abstractmethod
    def version(self) -> str:
        """The version of the engine."""

    @abstractmethod
    def tables(self, *, work: Work | None = None) -> tuple[TableInfo, ...]:
        """Return the tables with their row counts, by name."""

    @abstractmethod
    def schema(self, table: str) -> TableSchema:
        """Return a table as data.

        Raises:
            NotFound: When there is no such table.
            NotSupported: When it is of a kind that cannot be backed up.
        """

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether a table or view of that name is there."""

    @abstractmethod
    def count(self, table: str, *, work: Work | None = None) -> int:
        """Return how many rows a table has."""

    @abstractmethod
    def references(self, table: str) -> tuple[Reference, ...]:
        """Return the foreign keys of other tables that point to `table`, which may be gone."""

    @abstractmethod
    def prove_restorable(self, schema: TableSchema) -> None:
        """Build an empty table from a schema, as a restore does it, away from the database.

        Raises:
            NotSupported: It cannot be built; the error names the cause and what to do.
        """

    @abstractmethod
    def dependants(self, table: str) -> tuple[Dependant, ...]:
        """Return what else depends on `table`, which may be gone, with today's problems."""

    @abstractmethod
    def dependants_after(self, schema: TableSchema) -> tuple[Dependant, ...]:
        """Return what depends on `schema.table`, with the problems a restore would cause."""

    @abstractmethod
    def update_dependants(
        self, schema: TableSchema, before: Sequence[Dependant], today: TableSchema | None
    ) -> tuple[Dependant, ...]:
        """Bring up to date what depends on a table that was just published, and check it.

        Args:
            schema: The table as it is now.
            before: What `dependants` returned before.
            today: The schema that was replaced; None when there was no table.

        Returns:
            The dependants, each with what is wrong with it now.
        """

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Hold one consistent view of all tables inside the block."""

    @abstractmethod
    def dump(self, schema: TableSchema, *, work: Work | None = None) -> Iterator[Rows]:
        """Yield all rows in the order of the table as pieces of JSON lines, about 1 MB each."""

    def content(self, schema: TableSchema, *, work: Work | None = None) -> Content:
        """Return count and hash of the table `schema.table`, as `dump` gives its rows."""
        digest, rows = hashlib.sha256(), 0
        for count, lines in self.dump(schema, work=work):
            digest.update(lines)
            rows += count
        return Content(rows, digest.hexdigest())

    def same(self, schema: TableSchema, rows: Iterable[Rows], *, work: Work | None = None) -> bool:
        """Whether the table holds exactly these rows in this order, compared value by value.

        Needed when the hash differs although nothing is wrong: a later version of the engine may
        write the same number in other digits.
        """
        mine = _lines(self.dump(schema, work=work))
        return all(
            left is not None and right is not None and _values(left) == _values(right)
            for left, right in zip_longest(mine, _lines(rows))
        )

    @abstractmethod
    def compare(
        self, schema: TableSchema, rows: Iterable[Rows], *, samples: int, work: Work
    ) -> tuple[Difference, tuple[tuple[str, int], ...]]:
        """Compare today's `schema.table` with rows of a backup; changes nothing.

        Returns:
            The difference, and for each table that points here the rows that would be orphans.
        """

    @abstractmethod
    def change(self, *, work: Work) -> AbstractContextManager[None]:
        """Take the lock and change the database inside the block: all of it, or nothing."""

    @abstractmethod
    def create(self, schema: TableSchema) -> None:
        """Create the bare table `schema.table` (no indexes, triggers) from checked data."""

    @abstractmethod
    def load(self, schema: TableSchema, rows: Iterable[Rows], *, work: Work) -> int:
        """Load rows into the table `schema.table`; return how many."""

    @abstractmethod
    def publish(self, schema: TableSchema, shadow: str, former: str, *, triggers: bool) -> None:
        """Give the loaded `shadow` the name `schema.table`, its indexes and sequence.

        The table of that name, if any, becomes `former`, with all that is needed to undo. Foreign
        keys of other tables point to the new one. Triggers of the schema only on demand.
        """

    @abstractmethod
    def orphans(self, schema: TableSchema, former: str) -> tuple[tuple[str, int], ...]:
        """Return tables with rows that point to nothing since `schema.table` replaced `former`.

        `former` empty: the table was not there before. Only what the restore broke is counted.
        """

    @abstractmethod
    def undo(self, former: str) -> str:
        """Put a kept table back under its name, dropping the restored one; return the name."""

    @abstractmethod
    def drop_former(self, former: str) -> None:
        """Remove a kept table for good.

        Raises:
            InvalidInput: When the name is not one of a kept table.
        """

    def info(self, *, work: Work | None = None) -> DatabaseInfo:
        """Return engine, version, name and tables in one value."""
        return DatabaseInfo(self.engine, self.version, self.name, self.tables(work=work))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()


def _lines(rows: Iterable[Rows]) -> Iterator[bytes]:
    for _, lines in rows:
        yield from lines.rstrip(b"\n").split(b"\n")


def _values(line: bytes) -> str:
    """The row's values with their types and signs: 1, 1.0, -0.0 and "1" all differ here."""
    return repr(json.loads(line))
