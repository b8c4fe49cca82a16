"""Values of the lists of tables with backups, and of backups that are not complete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
class UnsentBackup:
    """A backup whose rows were all read, but which is not complete in the bucket.

    Attributes:
        id: its id.
        table: its table.
        source: its database, as the list of backups names it.
        taken: the time of its snapshot.
        rows: their number.
        size: of the parts that were not sent, in bytes.
    """

    id: str
    table: str
    source: str
    taken: datetime
    rows: int
    size: int
