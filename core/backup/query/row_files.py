"""The rows of a backup as files that DuckDB reads; those of an encrypted backup as a named pipe."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.backup.package import Package
from core.local.spool import private_file

_WAIT_SECONDS = 0.005
# Looked up by name: Windows, where rows are written to a private file, has none of them.
_make_pipe: Callable[[Path, int], None] = getattr(os, "mkfifo", None)  # type: ignore[assignment] # see above
_set_blocking: Callable[[int, bool], None] = getattr(os, "set_blocking", None)  # type: ignore[assignment] # see above
_NON_BLOCKING: int = getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class RowFiles:
    """Paths that DuckDB reads one after the other, and their compression (`zstd` or `none`)."""

    paths: tuple[Path, ...]
    compression: str


@contextmanager
def row_files(
    package: Package, folder: Path, name: str, read: Callable[[int], None] | None = None
) -> Iterator[RowFiles]:
    """Yield files with the rows of a verified backup, which can be read once.

    Args:
        package: The backup.
        folder: A private folder.
        name: A file name that is not used in it.
        read: Called from another thread with the rows that were read from a pipe so far. Progress
            of other files is known to DuckDB.

    Raises:
        Corrupt: An encrypted part was changed since its verification.
    """
    if package.cipher is not None and sys.platform != "win32":
        # Decrypted rows must not be written to a disk, where they can be recovered when deleted.
        with _pipe(package, folder / name, read) as path:
            yield RowFiles((path,), "none")
    elif package.files and package.cipher is None:
        yield RowFiles(tuple(path for _, path in package.files), "zstd")
    else:
        path = _written(package, folder / name)
        try:
            yield RowFiles((path,), "none")
        finally:
            path.unlink()


def _written(package: Package, path: Path) -> Path:
    """Write the rows to a private file: of the old form, of no part, or on Windows."""
    with private_file(path).open("wb") as file:
        for _, lines in package.pieces():
            file.write(lines)
    return path


@contextmanager
def _pipe(package: Package, path: Path, read: Callable[[int], None] | None) -> Iterator[Path]:
    _make_pipe(path, 0o600)
    feeder = _Feeder(package, path, read)
    feeder.start()
    try:
        yield path
    finally:
        feeder.ended.set()
        feeder.join()
        path.unlink()
        # A failed part ends the pipe early, which DuckDB reports as a wrong row: this is the cause.
        if feeder.error is not None:
            raise feeder.error


class _Feeder(threading.Thread):
    """Writes decrypted rows to a pipe while DuckDB reads it."""

    def __init__(self, package: Package, path: Path, read: Callable[[int], None] | None) -> None:
        super().__init__(name="decrypted rows", daemon=True)
        self._package = package
        self._path = path
        self._read = read or (lambda _rows: None)
        self.ended = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Wait for the reader, and write all rows."""
        pipe = self._opened()
        if pipe is None:
            return
        try:
            rows = 0
            for count, lines in self._package.pieces():
                _write(pipe, lines)
                rows += count
                self._read(rows)
        except BrokenPipeError:
            pass  # a statement that failed or was interrupted closes its end
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            self.error = error
        finally:
            os.close(pipe)

    def _opened(self) -> int | None:
        """Return the open pipe; None if nothing has read it until `ended`.

        A blocking call would never return if the statement fails before it opens the pipe.
        """
        while True:
            try:
                pipe = os.open(self._path, os.O_WRONLY | _NON_BLOCKING)
            except OSError:  # no process reads it yet
                if self.ended.wait(_WAIT_SECONDS):
                    return None
            else:
                _set_blocking(pipe, True)  # noqa: FBT003 - as in `os`
                return pipe


def _write(pipe: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(pipe, rest) :]
