"""Values of backups and restores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from core.model.backup_plan import Skipped
from core.model.objects import Verdict
from core.model.tables import Dependant, Reference, TableSchema, Trigger
from core.units import format_counted


class BackupState(Enum):
    """State of a backup according to the listing, without reading its parts.

    COMPLETE: the manifest matches its own hash, and all parts are listed with the recorded sizes.
    OLD_FORM: one object without a hash. BROKEN: it cannot be restored; `problem` is the reason.
    ARCHIVED: the manifest is in an archive storage class, and cannot be read until its retrieval.
    """

    COMPLETE = "complete"
    OLD_FORM = "old form"
    BROKEN = "broken"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Part:
    """A compressed part of a backup's rows; sizes in bytes, `sha256` of the stored bytes."""

    index: int
    rows: int
    size: int
    raw_size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """Source of a backup, without credentials."""

    engine: str
    version: str
    database: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Database of a backup: host and absolute path, which are empty if not recorded.

    Two databases are the same if engine, host and path are equal. Backups of earlier versions only
    contain the name, old-form backups nothing.
    """

    engine: str = ""
    database: str = ""
    host: str = ""
    path: str = ""

    def __str__(self) -> str:
        place = f"{self.host}:{self.path}" if self.path else self.database
        return f"{place} ({self.engine})" if place else ""

    def differs(self, other: Origin) -> bool:
        """Return whether the two are certainly different databases."""
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
class Encryption:
    """How a backup is encrypted; it contains no key that could be used without the named one.

    `key` is the name of the key (`secret:NAME` or `keyring:NAME`), `key_check` identifies it.
    `wrapped_key` is the encrypted data key of this backup, `hidden` the encrypted fields of the
    manifest, and `mac` authenticates the complete manifest.
    """

    algorithm: str
    key: str
    key_check: str
    wrapped_key: str
    hidden: str = ""
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Manifest of a backup: schema, counts and hashes, written after all parts.

    `content` is the SHA-256 of the uncompressed lines of all rows; `snapshot` is shared by tables
    that were read in one transaction. `host` and `path` are those of the database file, or the
    address of the server and the database. `parts_format` is `jsonl` or `csv`. `fingerprint` is a
    checksum of the rows that the server itself computes; empty if the engine has none. `ddl` is
    the definition of the table for reading, which is never executed. With `encryption` the manifest
    as it is stored has placeholders for the fields that could reveal values of rows. `filter` is
    the SQL condition of a backup that contains only some rows of the table.
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
    parts_format: str = "jsonl"
    fingerprint: str = ""
    ddl: str = ""
    encryption: Encryption | None = None
    filter: str = ""

    @property
    def origin(self) -> Origin:
        """The database that was backed up."""
        return Origin(self.source.engine, self.source.database, self.host, self.path)

    @property
    def size(self) -> int:
        """The stored size of the rows in bytes."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True, slots=True)
class Verification:
    """The last comparison of all bytes of a backup with their hashes.

    `by` is `verify`, `restore` or `preview`; `problem` is empty if all hashes matched.
    """

    when: datetime
    by: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup in a list; `rows` is None if unknown, `size` is in bytes.

    `problem` is the reason if `state` is BROKEN. `key` is that of the manifest, or of the old
    object; `sha256` is that of the stored manifest. `checked` describes the last comparison;
    `verified` is when this machine last compared every byte, `proven` when a restore drill of this
    machine last restored it; both may be None. `doubted` means that the last of these found a
    difference. A `pinned` backup is never removed by retention. `encrypted_with` is the name of the
    key of an encrypted backup, otherwise empty. `filter` is the SQL condition of a backup that
    contains only some rows of the table, otherwise empty. `storage_class` is the archive storage
    class of any of its objects, which may have to be retrieved before they can be read. `snapshot`
    is the same for tables that were read in one transaction; empty if unknown.
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
    encrypted_with: str = ""
    storage_class: str = ""
    filter: str = ""
    snapshot: str = ""
    checked: str = field(default="", compare=False)
    verified: datetime | None = field(default=None, compare=False)
    proven: datetime | None = field(default=None, compare=False)
    doubted: bool = field(default=False, compare=False)
    pinned: bool = field(default=False, compare=False)
    pin_note: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table with backups in the bucket: their number, and the time of the last one."""

    name: str
    backups: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class OrphanParts:
    """Parts of an unfinished backup: a folder without a manifest; `size` in bytes.

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
    """Report of a backup run: the backups, in the order of the requested tables.

    `verdict` is the weakest verdict of the uploads. `skipped` tables were not backed up, which
    makes the run incomplete. `notes` are facts about the source, for example that its version is
    not tested.
    """

    backups: tuple[Backup, ...]
    seconds: float
    verdict: Verdict = Verdict.SIZE_ONLY
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedCell:
    """A cell that a restore would change, with values as text; `key` identifies the row.

    `row` is the exact key, as the restore of single rows reads it; empty if it cannot be written.
    """

    key: str
    column: str
    today: str
    backup: str
    row: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows that a restore would add, change and remove; `by_key` is empty without a key.

    `added_keys` and `removed_keys` are the exact keys of these rows; see `ChangedCell.row`.
    """

    added: int
    changed: int
    removed: int
    by_key: tuple[str, ...] = ()
    cells: tuple[ChangedCell, ...] = ()
    added_rows: tuple[str, ...] = ()
    removed_rows: tuple[str, ...] = ()
    added_keys: tuple[str, ...] = ()
    removed_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestorePreview:
    """Preview of an in-place restore.

    `drift` describes schema changes since the backup. `orphans` counts the rows of referring tables
    that would refer to missing rows. `schema` is the schema to build: from the backup, or inferred
    for the old form (`inferred`). `triggers` are those of the backup that the present table does
    not have. `dependants` are the other objects of the database that read or index the table, each
    with its future problem. `single_rows` means that the rows were compared by the primary key,
    so that single ones can be restored.
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
    single_rows: bool = False


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """Report of a restore; `kept` is the name of the former table, or empty.

    `verified` describes how the rows were compared: by hash, by value, or only counted (old form).
    `dependants` are the other objects that read or index the table after the restore.
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
class UndoReport:
    """Report of the undo of a restore: the name of the table, and what is not as it was before."""

    table: str
    problems: tuple[str, ...] = ()


def dangling_after_undo(lost: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Return texts about rows that refer to missing rows after an undo, by their table."""
    return tuple(
        f"{format_counted(rows, 'row')} of {table} {'refers' if rows == 1 else 'refer'} to missing rows."
        for table, rows in lost
    )


@dataclass(frozen=True, slots=True)
class Drill:
    """The last restore drill of a backup; `problem` is empty if the restored table is the same."""

    when: datetime
    target: str
    verified: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DrillReport:
    """Report of a restore drill: a backup that was restored into a scratch table.

    `target` is the scratch database and `table` the name of the removed scratch table. `verified`
    describes how the rows were compared. `notes` are parts of the schema that a scratch database
    cannot have; `problems` are differences.
    """

    backup: Backup
    target: str
    table: str
    rows: int
    verified: str
    seconds: float
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the restored table is the same; an old-form backup has no hash to prove it."""
        return not self.problems and self.backup.state is BackupState.COMPLETE


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Report of a verification; without `problems` every byte is as recorded."""

    backup: Backup
    rows: int
    size: int
    seconds: float
    problems: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every part exists and matches its hash."""
        return not self.problems

    @property
    def outcome(self) -> str:
        """The result as text; an old-form backup has no hash to compare with."""
        if not self.good:
            return "damaged"
        counted = f"{format_counted(self.rows, 'row')} read again"
        if self.backup.state is BackupState.OLD_FORM:
            return f"{counted}, no hash recorded"
        return f"{counted}, every hash as written"
