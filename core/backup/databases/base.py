"""Interface of database engines for backup and restore."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

from core.backup.databases.long_rows import are_equal, complete_rows

if TYPE_CHECKING:
    from core.backup.databases.single_rows import RowChanges
    from core.model.backup import Origin
    from core.model.database import DatabaseInfo, Dependant, Reference, TableInfo
    from core.model.restore import Content, Difference, UndoReport
    from core.model.selection import Selection
    from core.model.tables import Index, TableSchema
    from core.redaction import Secret
    from core.work import Work

#: A piece of rows: their number, and their bytes in the engine's `parts_format`. A piece of JSON
#: lines ends with a newline; a piece of CSV may end within a row, which counts where it ends.
Rows = tuple[int, bytes]
#: The names of created foreign keys, and the tables with the number of rows that violate theirs.
CompletedKeys = tuple[tuple[str, ...], tuple[tuple[str, int], ...]]


class Database(ABC):
    """An open database. It is not thread-safe.

    Reading: `tables`, `schema`, `references`, and `dump` inside a `snapshot`. Restoring: `create`,
    `load`, `content` and `publish` inside a `change`, which is one transaction.
    """

    #: Its name in manifests, which is the one in `DATABASES` too.
    engine: ClassVar[str]
    #: The format of the rows that `dump` yields and `load` reads: `jsonl` or `csv`.
    parts_format: ClassVar[str] = "jsonl"
    #: Whether `load` and `compare` read a row of JSON lines in several pieces, as `dump` yields
    #: them.
    loads_long_rows: ClassVar[bool] = False
    #: Whether several tables can be restored in one `change`.
    restores_together: ClassVar[bool] = True
    #: The tested versions of a server, as beginnings of `version`; none for files.
    tested: ClassVar[tuple[str, ...]] = ()
    #: Whether opening it has created the file.
    created = False
    #: What a user should do if a database has no tables, and if fewer rows are read than counted.
    no_tables_remedy: ClassVar[str] = (
        "Check the database in the address, and that the user may read its tables."
    )
    missing_rows_remedy: ClassVar[str]

    @classmethod
    @abstractmethod
    def open(
        cls,
        address: str,
        *,
        write: bool = False,
        create: bool = False,
        password: Secret | None = None,
        work: Work | None = None,
    ) -> Self:
        """Open a database; read-only unless `write`; `create` allows a missing file.

        Args:
            address: A path, or a URL without a password.
            write: Whether it is opened for changes.
            create: Whether a missing file may be created.
            password: The password of a server's user.
            work: Cancel token, which ends an attempt to connect.

        Raises:
            CredentialsInvalid: When the server refuses the password.
            DatabaseError: When it cannot be opened.
            Offline: When the server cannot be reached.
        """

    @classmethod
    @abstractmethod
    def missing(cls, address: str) -> bool:
        """Return whether the database does not exist and `create` would create it."""

    @abstractmethod
    def close(self) -> None:
        """Close the database; repeated calls are allowed."""

    @property
    @abstractmethod
    def name(self) -> str:
        """A name for displays and manifests, without a password."""

    @classmethod
    @abstractmethod
    def origin_of(cls, address: str) -> Origin:
        """Return the origin of a path or URL, without opening the database."""

    @property
    @abstractmethod
    def origin(self) -> Origin:
        """The origin of this database: the result of `origin_of` for its address."""

    @property
    @abstractmethod
    def version(self) -> str:
        """The version of the engine."""

    @property
    def untested(self) -> str:
        """A sentence about a server whose version is not tested; empty if it is, or for a file."""
        if not self.tested or f"{self.version}.".startswith(tuple(f"{v}." for v in self.tested)):
            return ""
        named = self.version if self.version[:1].isalpha() else f"{self.engine} {self.version}"
        tested = " and ".join(self.tested)
        return f"{named} is not tested, only {self.engine} {tested}: prove a backup by a restore drill."

    @property
    def encrypted(self) -> bool:
        """Whether the connection to a server uses TLS; a file has no connection."""
        return False

    @abstractmethod
    def tables(self, *, work: Work | None = None) -> tuple[TableInfo, ...]:
        """Return the tables with their row counts, by name."""

    @abstractmethod
    def schema(self, table: str) -> TableSchema:
        """Return the schema of a table.

        Raises:
            NotFound: When the table does not exist.
            NotSupported: When this kind of table cannot be backed up.
        """

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Return whether a table or view with this name exists."""

    def same_name(self, one: str, other: str) -> bool:
        """Return whether two names mean the same table."""
        return one == other

    def pattern_names(self, table: str) -> tuple[str, ...]:
        """Return the names of a table with which patterns are compared."""
        return (table,)

    def related_name(self, table: str, suffix: str) -> str:
        """Return the name of a table beside `table`, for example `orders__restoring`."""
        return table + suffix

    @classmethod
    def restore_notes(cls, schema: TableSchema) -> tuple[str, ...]:  # noqa: ARG003 - overridden
        """Return what a restore of this schema changes although the rows are equal, as text."""
        return ()

    def renamed(self, schema: TableSchema, name: str) -> TableSchema:
        """Return a schema for a new table of another name beside the present one, without triggers.

        Foreign keys of the table to itself refer to the new table, and indexes get free names.
        """
        own = schema.table
        foreign = tuple(
            replace(key, table=name) if self.same_name(key.table, own) else key
            for key in schema.foreign_keys
        )
        indexes = tuple(self._free_index(index, name) for index in schema.indexes)
        return replace(schema, table=name, foreign_keys=foreign, indexes=indexes, triggers=())

    def _free_index(self, index: Index, table: str) -> Index:
        if not self.exists(index.name):
            return index
        return replace(index, name=self.free_name(f"{table}__{index.name}"))

    def free_name(self, wanted: str) -> str:
        """Return the name, with a number appended if it already exists in the database."""
        name, number = wanted, 1
        while self.exists(name):
            number += 1
            name = self.related_name(wanted, f"_{number}")
        return name

    def ddl(self, schema: TableSchema) -> str:  # noqa: ARG002 - overridden
        """Return the definition of a table for reading; empty if the schema shows everything."""
        return ""

    def fingerprint(
        self,
        schema: TableSchema,  # noqa: ARG002 - overridden
        *,
        where: str = "",  # noqa: ARG002 - overridden
        like: str = "",  # noqa: ARG002 - overridden
        work: Work,  # noqa: ARG002 - overridden
    ) -> str:
        """Return a checksum of the rows that the server computes; empty if the engine has none.

        It covers the rows that meet `where`, in any order. Equal fingerprints mean equal rows,
        apart from collisions of 64-bit hashes; another version of the server may compute others.
        With `like`, a fingerprint, it is of the same method, or empty if the server cannot compute
        that.
        """
        return ""

    @abstractmethod
    def count(self, table: str, *, where: str = "", work: Work | None = None) -> int:
        """Return the row count of a table, or how many rows meet the condition `where`."""

    @abstractmethod
    def estimated_rows(self, schema: TableSchema, *, work: Work | None = None) -> int | None:
        """Return about how many rows a large table has; None for one that is counted quickly."""

    @abstractmethod
    def check_condition(self, table: str, where: str, *, work: Work) -> None:
        """Check inside a `snapshot` that a text is one SQL condition on the rows of a table.

        A text that closes the parentheses around it, or contains a second statement, is refused.

        Raises:
            StorageError: The database does not accept the condition.
        """

    @abstractmethod
    def references(self, table: str) -> tuple[Reference, ...]:
        """Return the foreign keys of other tables to `table`, which need not exist."""

    @abstractmethod
    def prove_restorable(self, schema: TableSchema) -> None:
        """Check that a restore could build a table with this schema, in a scratch database.

        Raises:
            NotSupported: The table cannot be built; the error has cause and remedy.
        """

    @abstractmethod
    def dependants(self, table: str) -> tuple[Dependant, ...]:
        """Return the dependants of `table`, which need not exist, with their present problems."""

    @abstractmethod
    def dependants_after(self, schema: TableSchema) -> tuple[Dependant, ...]:
        """Return the dependants of `schema.table`, with the problems a restore would cause."""

    @abstractmethod
    def update_dependants(
        self, schema: TableSchema, before: Sequence[Dependant], today: TableSchema | None
    ) -> tuple[Dependant, ...]:
        """Update and check the dependants of a table that was just published.

        Args:
            schema: The present schema of the table.
            before: The result of `dependants` before the restore.
            today: The replaced schema; None if there was no table.

        Returns:
            The dependants with their present problems.
        """

    @abstractmethod
    def snapshot(self, selection: Selection | None = None) -> AbstractContextManager[None]:
        """Provide a consistent view of all tables inside the block.

        Args:
            selection: The tables whose rows will be read, None without any: large ones may be
                read by several connections.
        """

    def attempt(self) -> AbstractContextManager[None]:
        """Return a context for reading a table in a snapshot: its error leaves the others readable."""
        return nullcontext()

    def wait_briefly(self) -> None:  # noqa: B027 - optional
        """Wait a second at most for locks of other sessions from now on, inside a `snapshot`."""

    @abstractmethod
    def dump(
        self, schema: TableSchema, *, where: str = "", work: Work | None = None
    ) -> Iterator[Rows]:
        """Yield all rows in the order of the table as pieces of JSON lines, about 1 MB each.

        A row that is longer may be in several pieces, of which only the last has a count: 1.
        With a checked condition `where` only the rows that meet it.
        """

    def content(self, schema: TableSchema, *, work: Work | None = None) -> Content:
        """Return row count and hash of `schema.table`, in the format of `dump`."""
        from core.model.restore import Content

        digest, rows = hashlib.sha256(), 0
        for count, lines in self.dump(schema, work=work):
            digest.update(lines)
            rows += count
        return Content(rows, digest.hexdigest())

    def same(self, schema: TableSchema, rows: Iterable[Rows], *, work: Work | None = None) -> bool:
        """Return whether the table contains exactly these rows in this order, by value.

        Another version of the engine may write a number with other digits: then the hash differs.
        """
        return are_equal(complete_rows(self.dump(schema, work=work)), rows)

    @abstractmethod
    def compare(
        self, schema: TableSchema, rows: Iterable[Rows], *, samples: int, work: Work
    ) -> tuple[Difference, tuple[tuple[str, int], ...]]:
        """Compare the present table `schema.table` with the rows of a backup, without changes.

        Returns the difference, and how many rows of each referring table would become orphans.
        """

    @abstractmethod
    def change(self, *, work: Work) -> AbstractContextManager[None]:
        """Lock the database for one transaction, which is rolled back if the block fails."""

    def lock(self, table: str) -> None:  # noqa: B027 - optional
        """Lock writers of a table out, whose rows would be lost, where `change` does not."""

    def finish_restore(self) -> tuple[str, ...]:
        """End the restore of a table inside a `change`; return what could not be done, as text."""
        return ()

    def problems_after_change(self) -> tuple[str, ...]:
        """Return what could not be done at the end of `change`; the table is restored all the same."""
        return ()

    @abstractmethod
    def create(self, schema: TableSchema) -> None:
        """Create the table `schema.table` without indexes and triggers."""

    @abstractmethod
    def load(self, schema: TableSchema, rows: Iterable[Rows], *, work: Work) -> int:
        """Load rows into the table `schema.table`, and return their number."""

    @abstractmethod
    def publish(self, schema: TableSchema, shadow: str, former: str, *, triggers: bool) -> None:
        """Rename the loaded `shadow` to `schema.table`, and create its indexes and sequence.

        The table of that name, if any, becomes `former`, with all that is needed to undo. Foreign
        keys of other tables point to the new one. Triggers of the schema only on demand.
        """

    @abstractmethod
    def orphans(self, schema: TableSchema, former: str) -> tuple[tuple[str, int], ...]:
        """Return tables with rows that point to nothing since `schema.table` replaced `former`.

        `former` empty: the table was not there before. Only what the restore broke is counted.
        """

    def complete_foreign_keys(self, schema: TableSchema) -> CompletedKeys:
        """Create foreign keys of a restored table that were left out, inside a `change`.

        Returns the names of the created keys, and the tables with rows that refer to missing ones.
        """
        return (), self.orphans(schema, "")

    @abstractmethod
    def row_changes(self, backup: TableSchema, today: TableSchema) -> RowChanges:
        """Return the changes of single rows of `today` to those of a backup.

        Raises:
            NotSupported: The table has no primary key, or another one than the backup.
        """

    @abstractmethod
    def undo(self, former: str) -> UndoReport:
        """Restore a former table, or single rows of it, and drop the restored one."""

    @abstractmethod
    def has_former_rows(self, former: str) -> bool:
        """Return whether a former table contains single rows instead of the complete table."""

    @abstractmethod
    def drop_former(self, former: str) -> None:
        """Drop a former table.

        Raises:
            InvalidInput: When the name is not that of a former table.
        """

    def info(self, *, work: Work | None = None) -> DatabaseInfo:
        """Return engine, version, name and tables in one value."""
        from core.model.database import DatabaseInfo

        tables = self.tables(work=work)
        return DatabaseInfo(self.engine, self.version, self.name, tables, self.untested)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()
