"""Values of backups."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from core.model.objects import Verdict
from core.model.selection import Skipped
from core.model.tables import TableSchema


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


#: Names of the computer itself, by which its servers are reached.
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


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

    @property
    def canonical(self) -> Origin:
        """The same database with one text for all names of this computer."""
        host = _server_of(self.host)
        # The name of a server's database begins with the host as it was entered.
        return (
            self if host == self.host else replace(self, host=host, database=f"{host}/{self.path}")
        )

    def differs(self, other: Origin) -> bool:
        """Return whether the two are certainly different databases."""
        if not self.database or not other.database:
            return False
        if self.path and other.path:
            mine, theirs = (
                (self.engine, _server_of(self.host), self.path),
                (other.engine, _server_of(other.host), other.path),
            )
            return mine != theirs
        return (self.engine, self.database) != (other.engine, other.database)


def _server_of(host: str) -> str:
    """Return a host and port, with the same text for all names of this computer."""
    name, colon, port = host.rpartition(":")
    return f"localhost:{port}" if colon and name.lower() in _LOOPBACK else host


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
