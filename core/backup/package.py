"""Reading one backup: all of it is fetched and checked before anybody uses a row of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zstandard

from core.backup.ahead import in_parallel
from core.backup.databases.base import Rows
from core.backup.keys import MANIFEST, part_name
from core.backup.manifest import from_bytes
from core.backup.old_form import read_old_form
from core.backup.spool import spool
from core.backup.store import Store
from core.errors import Corrupt
from core.model.backup import Backup, BackupState, Manifest, Part
from core.model.tables import TableSchema
from core.work import Progress, Work

_DOWNLOADS = 4
#: Small enough that the parsed rows of one piece stay in the processor's cache.
_READ_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Package:
    """A fetched backup. `content` None: the old form recorded no hash. `pieces` may be repeated.

    `inferred`: the schema was guessed from the values; `problems` say what was noticed.
    """

    backup: Backup
    schema: TableSchema
    rows: int
    content: str | None
    files: tuple[tuple[Part, Path], ...]
    lines: tuple[Rows, ...] = ()
    inferred: bool = False
    problems: tuple[str, ...] = ()

    def pieces(self) -> Iterator[Rows]:
        """Yield the rows in their order.

        Raises:
            Corrupt: When a part does not hold what the manifest says.
        """
        if not self.files:
            return iter(self.lines)
        # Not in a thread of its own: unpacking is cheap, taking turns with the loader is not.
        return self._unpacked()

    def _unpacked(self) -> Iterator[Rows]:
        for part, path in self.files:
            yield from unpack(path.read_bytes(), part)


@contextmanager
def fetched(
    store: Store, backup: Backup, today: TableSchema | None, work: Work
) -> Iterator[Package]:
    """Fetch a backup into a private folder that ends with the block; hashes are checked.

    Args:
        store: Where it lies.
        backup: One of the list.
        today: The present table; it gives an old-form backup its types.
        work: Cancel token and progress (bytes).

    Raises:
        Corrupt: When the backup is broken, or a part is missing, short, swapped or altered.
    """
    if backup.state is BackupState.BROKEN:
        raise Corrupt(
            "This backup is broken and was not used",
            cause=backup.problem,
            remedy="Choose another backup of the table.",
            subject=backup.key,
        )
    if backup.state is BackupState.OLD_FORM:
        old = read_old_form(store.read(backup.key, work=work), backup, today)
        yield Package(backup, old.schema, old.rows, None, (), old.lines, old.inferred, old.problems)
        return
    manifest = from_bytes(store.read(backup.key, work=work))
    with spool() as folder:
        files = tuple(_fetch(store, backup, manifest, folder, work))
        yield Package(backup, manifest.schema, manifest.rows, manifest.content, files)


def _fetch(
    store: Store, backup: Backup, manifest: Manifest, folder: Path, work: Work
) -> Iterator[tuple[Part, Path]]:
    def one(part: Part) -> tuple[Part, Path]:
        work.check()
        path = folder / part_name(part.index)
        path.write_bytes(read_part(store, backup, part, work))
        return part, path

    done = 0
    for part, path in in_parallel(one, manifest.parts, _DOWNLOADS):
        done += part.size
        work.report(Progress(done, manifest.size, "bytes", "fetching"))
        yield part, path


def read_part(store: Store, backup: Backup, part: Part, work: Work) -> bytes:
    """Return a part's stored bytes once size and hash are right.

    Raises:
        Corrupt: When they are not.
        NotFound: When the part is gone.
    """
    key = backup.key.removesuffix(MANIFEST) + part_name(part.index)
    data = store.read(key, work=work)
    if len(data) != part.size or hashlib.sha256(data).hexdigest() != part.sha256:
        raise Corrupt(
            f"Part {part.index} of the backup is not as it was written",
            cause=f"{len(data)} bytes with another hash; {part.size} are recorded.",
            remedy="Choose another backup; on a versioned bucket an older version may be whole.",
            subject=key,
        )
    return data


def unpack(data: bytes, part: Part) -> Iterator[Rows]:
    """Yield a part's rows in pieces of whole lines, never more bytes than it says it has.

    Raises:
        Corrupt: When it holds more, less, or is no compressed text.
    """
    rest, rows, size = b"", 0, 0
    try:
        for chunk in _chunks(data):
            size += len(chunk)
            _need(size <= part.raw_size, part, "It unpacks to more than it says.")
            whole, line_end, rest = (rest + chunk).rpartition(b"\n")
            if line_end:
                count = whole.count(b"\n") + 1
                rows += count
                yield count, whole + line_end
    except zstandard.ZstdError as error:
        raise Corrupt(f"Part {part.index} cannot be unpacked", cause=str(error)) from error
    _need(size == part.raw_size and rows == part.rows and not rest, part, "It is not complete.")


def _chunks(data: bytes) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor().stream_reader(data)
    while chunk := reader.read(_READ_BYTES):
        yield chunk


def _need(good: bool, part: Part, cause: str) -> None:
    if not good:
        raise Corrupt(
            f"Part {part.index} does not hold what the manifest says",
            cause=cause,
            remedy="Choose another backup of the table.",
        )
