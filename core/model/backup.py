"""Backups of tables, what a restore would do, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from core.model.objects import Verdict
from core.model.tables import Dependant, Reference, TableSchema, Trigger
from core.units import format_counted


class BackupState(Enum):
    """What a listing alone says about a backup; its parts were not read for it.

    COMPLETE: the manifest matches its own hash, and all parts are listed in the recorded sizes.
    OLD_FORM: one object without any hash. BROKEN: it cannot be restored, `problem` says why.
    """

    COMPLETE = "complete"
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
class Origin:
    """Which database a backup is of: host and absolute path, empty where they are not recorded.

    Two databases are the same when engine, host and path agree. Backups of earlier versions
    record the name only, old-form backups nothing.
    """

    engine: str = ""
    database: str = ""
    host: str = ""
    path: str = ""

    def __str__(self) -> str:
        place = f"{self.host}:{self.path}" if self.path else self.database
        return f"{place} ({self.engine})" if place else ""

    def differs(self, other: Origin) -> bool:
        """Whether the two are certainly not the same database."""
        if not self.database or not other.database:
            return False
        if self.path and other.path:
            mine, theirs = (
                (self.engine, self.host, self.path),
                (other.engine, other.host, other.path),
            )
            return mine != theirs
        return (self.engine, self.database) != (other.engine, other.database)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What makes a backup one: schema, counts and hashes, written after all parts.

    `content` is the SHA-256 of all rows' lines, uncompressed; `snapshot` is shared by tables that
    were read in one transaction. `host` and `path` say where the database file was.
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
    host: str = ""
    path: str = ""

    @property
    def origin(self) -> Origin:
        """The database that was backed up."""
        return Origin(self.source.engine, self.source.database, self.host, self.path)

    @property
    def size(self) -> int:
        """Bytes stored for the rows."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True, slots=True)
class Verification:
    """When all bytes of a backup were last compared with their hashes, and by what.

    `by` is `verify`, `restore` or `preview`; `problem` is empty when everything matched.
    """

    when: datetime
    by: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup in a list. `rows` None when not known without reading it; `size` in bytes.

    `problem` is the reason when `state` is BROKEN. `key` is the manifest's, or the old object's;
    `sha256` is that of the stored manifest. `checked` says in words what was compared and when;
    `verified` is when this machine last compared every byte, None if it never did.
    """

    id: str
    table: str
    taken: datetime
    size: int
    key: str
    state: BackupState = BackupState.COMPLETE
    rows: int | None = None
    seconds: float | None = None
    source: str = ""
    note: str = ""
    problem: str = ""
    sha256: str = ""
    origin: Origin = Origin()
    checked: str = field(default="", compare=False)
    verified: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of which the bucket holds backups: how many, and when the last one was taken."""

    name: str
    backups: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A table that a run left out although it was asked for; `problem` says why."""

    table: str
    problem: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class OrphanParts:
    """Parts of a backup that was never finished: a folder without a manifest; `size` in bytes.

    `modified` is when the last part was stored; `mine` whether a run of this machine left it.
    """

    folder: str
    table: str
    objects: int
    size: int
    modified: datetime | None
    mine: bool = False


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What one run wrote: the backups, in the order of the tables asked for.

    `verdict` is the weakest of what the server's answers were compared with. `skipped` tables
    were not backed up, which makes the run incomplete.
    """

    backups: tuple[Backup, ...]
    seconds: float
    verdict: Verdict = Verdict.SIZE_ONLY
    skipped: tuple[Skipped, ...] = ()


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
    those of the backup that today's table does not have. `dependants` are the other objects of
    the database that read or index the table; each names the problem that it would have.
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
    dependants: tuple[Dependant, ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore did. `kept` is the name of the former table, empty when there was none.

    `verified` is in words how the rows were compared: by their hash, value by value, or counted
    only (old form). `dependants` are the other objects that read or index the table, as they are
    after the restore.
    """

    backup: Backup
    database: str
    table: str
    rows: int
    kept: str
    verified: str
    seconds: float
    problems: tuple[str, ...] = ()
    dependants: tuple[Dependant, ...] = ()


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

    @property
    def outcome(self) -> str:
        """What was found, in words; an old-form backup has no hash to compare with."""
        if not self.good:
            return "damaged"
        counted = f"{format_counted(self.rows, 'row')} read again"
        if self.backup.state is BackupState.OLD_FORM:
            return f"{counted}, no hash recorded"
        return f"{counted}, every hash as written"
