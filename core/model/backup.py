"""Backups of tables, what a restore would do, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from core.model.tables import Reference, TableSchema, Trigger


class BackupState(Enum):
    """How far a listed backup can be trusted before its parts are read."""

    GOOD = "good"
    OLD_FORM = "old form"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Part:
    """One compressed piece of a backup's rows; sizes in bytes, `sha256` of the stored bytes."""

    index: int
    rows: int
    size: int
    raw_size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a backup was taken from; a name to recognise, never credentials."""

    engine: str
    version: str
    database: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What makes a backup one: schema, counts and hashes, written after all parts.

    `content` is the SHA-256 of all rows' lines, uncompressed; `snapshot` is shared by tables that
    were read in one transaction.
    """

    id: str
    table: str
    taken: datetime
    seconds: float
    snapshot: str
    tool: str
    source: Source
    schema: TableSchema
    rows: int
    content: str
    parts: tuple[Part, ...]
    note: str = ""

    @property
    def size(self) -> int:
        """Bytes stored for the rows."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup in a list. `rows` None when not known without reading it; `size` in bytes.

    `problem` is the reason when `state` is BROKEN. `key` is the manifest's, or the old object's.
    """

    id: str
    table: str
    taken: datetime
    size: int
    key: str
    state: BackupState = BackupState.GOOD
    rows: int | None = None
    seconds: float | None = None
    source: str = ""
    note: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What one run wrote: the backups, in the order of the tables asked for."""

    backups: tuple[Backup, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class ChangedCell:
    """One cell that a restore would change; values as text, `key` names the row."""

    key: str
    column: str
    today: str
    backup: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows a restore would add, change and remove. `by_key` empty: compared as whole rows."""

    added: int
    changed: int
    removed: int
    by_key: tuple[str, ...] = ()
    cells: tuple[ChangedCell, ...] = ()
    added_rows: tuple[str, ...] = ()
    removed_rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestorePreview:
    """What a restore in place would do; nothing was changed to find out.

    `drift` tells in words how the schema changed since, empty when it is the same. `orphans`
    counts, for each table that points here, rows that would point to nothing. `schema` is what
    will be built: from the backup, or inferred for the old form (`inferred`). `triggers` are
    those of the backup that today's table does not have.
    """

    backup: Backup
    database: str
    table: str
    exists: bool
    rows_today: int | None
    rows: int
    difference: Difference
    schema: TableSchema
    inferred: bool = False
    drift: tuple[str, ...] = ()
    incoming: tuple[Reference, ...] = ()
    orphans: tuple[tuple[str, int], ...] = ()
    triggers: tuple[Trigger, ...] = ()
    problems: tuple[str, ...] = ()
    suggested_name: str = ""


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore did. `kept` is the name of the former table, empty when there was none.

    `verified` tells how: by content hash, by value, or by count only (old form).
    """

    backup: Backup
    database: str
    table: str
    rows: int
    kept: str
    verified: str
    seconds: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What reading a backup again found; no `problems` means every byte is as recorded."""

    backup: Backup
    rows: int
    size: int
    seconds: float
    problems: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every part is there and as recorded."""
        return not self.problems
