"""The schema of the state database, as numbered steps.

A step that was released is never changed: a change of the schema is a new step at the end. The
number of the last step applied is in `PRAGMA user_version`.

Records whose form belongs to the code above (a rotation, the arguments of a transfer) are JSON in
one column, so that a new field of theirs needs no step here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.local.state.failures import foreign_database, newer_version

if TYPE_CHECKING:
    import apsw

#: `SRom`: marks an SQLite file as a state database of this program.
APPLICATION_ID = 0x53526F6D

_HOUSEKEEPING = """
CREATE TABLE damaged_files (
    path TEXT PRIMARY KEY,      -- where the damaged database is now
    moment TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE TABLE imported_files (
    path TEXT NOT NULL,         -- the file of an earlier version
    sha256 TEXT NOT NULL,       -- of its content: a file is imported once
    store TEXT NOT NULL,
    moment TEXT NOT NULL,
    entries INTEGER NOT NULL,
    unreadable TEXT NOT NULL,   -- JSON: names of entries that could not be read
    moved_to TEXT NOT NULL,     -- where the file is after the import
    PRIMARY KEY (path, sha256)
) STRICT;
"""

_ROTATIONS = """
CREATE TABLE rotations (
    id TEXT PRIMARY KEY,
    started TEXT NOT NULL,
    record TEXT NOT NULL        -- JSON, see core.rotation.journal
) STRICT;
"""

_TRANSFERS = """
CREATE TABLE transfers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT,                 -- the process that runs it, see core.local.state.owners
    moment TEXT NOT NULL,
    planned INTEGER NOT NULL,   -- files
    record TEXT NOT NULL        -- JSON: the operation with its arguments
) STRICT;
CREATE TABLE transfer_files (   -- those that need nothing more
    transfer INTEGER NOT NULL REFERENCES transfers (number) ON DELETE CASCADE,
    file INTEGER NOT NULL,      -- its number in the order
    skipped INTEGER NOT NULL,
    PRIMARY KEY (transfer, file)
) STRICT, WITHOUT ROWID;
"""

_UPLOADS = """
CREATE TABLE uploads (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT,                 -- the process that sends it, see core.local.state.owners
    upload_id TEXT NOT NULL,    -- empty until the server has answered
    record TEXT NOT NULL        -- JSON: endpoint, bucket, key, when it began, whether it is a probe
) STRICT;
"""

_PROFILES = """
CREATE TABLE profiles (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL        -- JSON: the fields of core.model.connection.Profile
) STRICT;
CREATE TABLE current_profile (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    name TEXT NOT NULL REFERENCES profiles (name) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT;
"""

_SETTINGS = """
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL         -- JSON
) STRICT, WITHOUT ROWID;
"""

_LINKS = """
CREATE TABLE links (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    method TEXT NOT NULL,
    made TEXT NOT NULL,
    expires TEXT NOT NULL,
    made_by TEXT NOT NULL,
    access_key_id TEXT NOT NULL,
    expiry_known INTEGER NOT NULL
) STRICT;
"""

_LINK_VERSIONS = """
CREATE TABLE link_versions (    -- of links to one version of an object
    link INTEGER PRIMARY KEY REFERENCES links (number) ON DELETE CASCADE,
    version_id TEXT NOT NULL
) STRICT;
"""

_CHANGES = """
CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    moment TEXT NOT NULL,
    profile TEXT NOT NULL,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    origin TEXT NOT NULL,
    prefixes TEXT NOT NULL,     -- JSON
    request_id TEXT NOT NULL
) STRICT;
"""

_USED_ACTIONS = """
CREATE TABLE used_actions (
    profile TEXT NOT NULL,
    action TEXT NOT NULL,
    first TEXT NOT NULL,        -- days (UTC)
    last TEXT NOT NULL,
    PRIMARY KEY (profile, action)
) STRICT, WITHOUT ROWID;
"""

_DOWNLOADS = """
CREATE TABLE download_folders ( -- where a process has created unfinished downloads
    owner TEXT,                 -- see core.local.state.owners
    folder BLOB NOT NULL,       -- the path as the file system has it
    UNIQUE (owner, folder)
) STRICT;
"""

_BACKUPS = """
CREATE TABLE unfinished_backups (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT,                 -- the process that writes it, see core.local.state.owners
    place TEXT NOT NULL,        -- endpoint and bucket
    folder TEXT NOT NULL
) STRICT;
CREATE TABLE verifications (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    place TEXT NOT NULL,
    key TEXT NOT NULL,
    sha256 TEXT NOT NULL,       -- of the manifest
    moment TEXT NOT NULL,
    operation TEXT NOT NULL,
    problem TEXT NOT NULL,
    UNIQUE (place, key)
) STRICT;
"""

_CHECK_SECRETS = """
CREATE TABLE check_secrets (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT,                 -- the process that has created it, see core.local.state.owners
    name TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    region TEXT NOT NULL,
    bucket TEXT NOT NULL
) STRICT;
"""

_STATISTICS = """
CREATE TABLE statistics (       -- the last complete result of each profile and bucket
    profile TEXT NOT NULL,
    bucket TEXT NOT NULL,
    part INTEGER NOT NULL,      -- 0 has the totals and the number of parts
    content BLOB NOT NULL,      -- compressed JSON, see core.local.state.statistics_parts
    PRIMARY KEY (profile, bucket, part)
) STRICT;
"""

_LIFECYCLE = """
CREATE TABLE former_lifecycle_rules ( -- the rules of a bucket before each save
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL,
    moment TEXT NOT NULL,
    record TEXT NOT NULL        -- JSON in the form of the API
) STRICT;
"""

_DRILLS = """
CREATE TABLE drills (           -- the last restore drill of each backup
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    place TEXT NOT NULL,        -- endpoint and bucket
    key TEXT NOT NULL,
    sha256 TEXT NOT NULL,       -- of the manifest
    moment TEXT NOT NULL,
    target TEXT NOT NULL,       -- the scratch database
    verified TEXT NOT NULL,     -- how the rows were compared
    problem TEXT NOT NULL,      -- empty if the restored table is the same
    UNIQUE (place, key)
) STRICT;
"""

_SCHEDULES = """
CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    record TEXT NOT NULL        -- JSON, see core.backup.schedules
) STRICT;
"""

_BACKUP_RUNS = """
CREATE TABLE backup_runs (      -- the last run of each database and choice of tables
    name TEXT PRIMARY KEY,      -- see core.backup.schedule.schedule_name
    owner TEXT,                 -- the process that runs it, see core.local.state.owners
    record TEXT NOT NULL        -- JSON, see core.backup.runs
) STRICT;
"""

_QUEUE = """
CREATE TABLE queue (            -- the transfers that are batches of the queue
    transfer INTEGER PRIMARY KEY REFERENCES transfers (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    held TEXT NOT NULL,         -- why it does not run, or empty; see core.transfer.queue_rows
    reason TEXT NOT NULL,       -- for display
    summary TEXT NOT NULL       -- JSON
) STRICT;
CREATE TABLE queue_files (      -- those that have a result
    transfer INTEGER NOT NULL REFERENCES queue (transfer) ON DELETE CASCADE,
    file INTEGER NOT NULL,      -- its number in the order
    state INTEGER NOT NULL,     -- 0 done, 1 skipped, 2 failed, 3 cancelled
    detail TEXT NOT NULL,       -- JSON
    PRIMARY KEY (transfer, file)
) STRICT, WITHOUT ROWID;
"""

_PARTIAL_DOWNLOADS = """
CREATE TABLE partial_downloads (
    path BLOB PRIMARY KEY,      -- the partial file, as the file system has it
    target BLOB NOT NULL,       -- the file that the download creates
    endpoint TEXT NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT NOT NULL,      -- the requested one, or empty
    etag TEXT NOT NULL,         -- the state of the object, with its size in bytes
    size INTEGER NOT NULL,
    done INTEGER NOT NULL,      -- bytes that are complete from the first one on
    sha256 TEXT NOT NULL,       -- their hash, in hexadecimal
    moment TEXT NOT NULL        -- of the last byte
) STRICT, WITHOUT ROWID;
"""

#: All steps, oldest first; number n makes version n of version n - 1.
MIGRATIONS: tuple[str, ...] = (
    _HOUSEKEEPING, _ROTATIONS, _TRANSFERS, _UPLOADS, _PROFILES, _SETTINGS, _LINKS, _CHANGES,
    _USED_ACTIONS, _DOWNLOADS, _BACKUPS, _CHECK_SECRETS, _STATISTICS, _LIFECYCLE,
    _DRILLS, _SCHEDULES, _BACKUP_RUNS, _QUEUE, _PARTIAL_DOWNLOADS, _LINK_VERSIONS,
)  # fmt: skip


def migrate(connection: apsw.Connection, path: Path, steps: tuple[str, ...] | None = None) -> None:
    """Bring a database to the newest schema; each step is one transaction.

    Args:
        connection: an open connection that may write.
        path: its file, for messages.
        steps: `MIGRATIONS`, unless a test needs an earlier schema.

    Raises:
        LocalIOError: the schema is newer than this program, or the file is not a Strongroom state
            database.
    """
    steps = MIGRATIONS if steps is None else steps
    version = check_version(connection, path, len(steps))
    for number, step in enumerate(steps[version:], version + 1):
        with immediate_transaction(connection):
            connection.execute(step)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")


@contextmanager
def immediate_transaction(connection: apsw.Connection) -> Iterator[None]:
    """Prevent writes by other connections in the block; an error in it undoes all changes."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have ended it already
            connection.execute("ROLLBACK")
        raise


def check_version(connection: apsw.Connection, path: Path, known: int | None = None) -> int:
    """Return the number of a database's schema, 0 for an empty file.

    Raises:
        LocalIOError: it is newer than `known` (default: all steps), or the file is not a Strongroom
            state database.
    """
    known = len(MIGRATIONS) if known is None else known
    version = int(connection.pragma("user_version"))
    ours = connection.pragma("application_id") == APPLICATION_ID
    if not ours and (version or connection.execute("SELECT 1 FROM sqlite_schema").get):
        raise foreign_database(path)
    if version > known:
        raise newer_version(path, version, known)
    return version
