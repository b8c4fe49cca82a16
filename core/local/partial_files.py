"""Unfinished downloads: temporary files beside their target, and where killed ones were left."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from core.local.owned_files import claimed, create_owned
from core.paths import data_dir

_log = logging.getLogger(__name__)

#: How unfinished downloads end: recognisable, and never the final name.
PARTIAL_SUFFIX = ".strongroom-part"
_RECORD_SUFFIX = ".folders"
_lock = threading.Lock()
#: The records of this process (one, unless its data folder changes): folder -> descriptor.
_open_records: dict[Path, int] = {}
_noted: set[tuple[Path, Path]] = set()


def create_partial(target: Path) -> tuple[Path, int]:
    """Create the temporary file of a download beside its target.

    Returns:
        Its path and its descriptor. The file belongs to this process until the descriptor is
        closed; whatever a killed process left is removed by `sweep_partials`.

    Raises:
        OSError: it cannot be created.
    """
    _note(target.parent.absolute())
    name = f".{target.name[:100]}.{uuid4().hex[:12]}{PARTIAL_SUFFIX}"
    path = target.with_name(name)
    return path, create_owned(path)


def sweep_partials(folders: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Remove the unfinished downloads of dead processes and return their paths.

    Args:
        folders: where to search beside the folders that dead processes have recorded.
    """
    removed: list[Path] = []
    for folder in {Path(each).absolute() for each in folders}:
        removed += _sweep(folder)
    for record in sorted(_records().glob(f"*{_RECORD_SUFFIX}")):
        with claimed(record) as dead:
            if dead:
                for folder in _folders(record):
                    removed += _sweep(folder)
                record.unlink(missing_ok=True)
    return tuple(removed)


def _sweep(folder: Path) -> list[Path]:
    removed: list[Path] = []
    with suppress(OSError):
        for path in folder.glob(f".*{PARTIAL_SUFFIX}"):
            with claimed(path) as dead:
                if dead:
                    path.unlink()
                    removed.append(path)
    return removed


def _note(folder: Path) -> None:
    """Write the folder down once in each process, so that a later process can search it."""
    records = _records()
    with _lock:
        if (records, folder) in _noted:
            return
        _noted.add((records, folder))
        try:
            if records not in _open_records:
                records.mkdir(mode=0o700, parents=True, exist_ok=True)
                path = records / f"{uuid4().hex}{_RECORD_SUFFIX}"
                _open_records[records] = create_owned(path)
            os.write(_open_records[records], os.fsencode(folder) + b"\0")
        except OSError as error:
            _log.warning("the folder of a download could not be recorded: %s", error)


def _folders(record: Path) -> list[Path]:
    with suppress(OSError):
        return [Path(os.fsdecode(part)) for part in record.read_bytes().split(b"\0") if part]
    return []


def _records() -> Path:
    return data_dir() / "downloads"
