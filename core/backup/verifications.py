"""A local record of when backups were last compared with their hashes, and how that ended.

One JSON object a line in `verifications.jsonl`: place (endpoint and bucket), key, SHA-256 of the
manifest, time, operation, problem. What another machine verified is not known here.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from core.backup.store import Store
from core.local.atomic import write_atomically
from core.local.locking import lock
from core.local.unreadable import UNREADABLE
from core.model.backup import Backup, BackupState, Verification
from core.paths import data_dir
from core.units import as_utc, iso_utc, utc_now

#: Above this size, in bytes, only the newest line of each backup is kept.
_COMPACTED_AT = 1 << 20
_MOST_BACKUPS = 5_000

_log = logging.getLogger(__name__)

#: A stored manifest: place, key, and the SHA-256 of its bytes.
Identity = tuple[str, str, str]


def record_verification(store: Store, backup: Backup, by: str, problem: str = "") -> None:
    """Record that all bytes of a backup were compared; a failure to do so is only logged.

    Args:
        store: Where the backup lies.
        backup: An entry of the list; one of the old form has no hashes and is not recorded.
        by: `verify`, `restore` or `preview`.
        problem: What did not match; empty when everything did.
    """
    if backup.state is not BackupState.COMPLETE or not backup.sha256:
        return
    place, key, sha256 = _identity(store, backup)
    line = json.dumps(
        {
            "place": place,
            "key": key,
            "sha256": sha256,
            "when": iso_utc(utc_now()),
            "by": by,
            "problem": problem,
        }
    )
    try:
        with _locked() as path:
            _append(path, line)
    except OSError as error:
        _log.warning("The verification of a backup could not be recorded: %s", error)


def verifications() -> dict[Identity, Verification]:
    """Return the newest verification of each backup; empty when none is recorded or readable."""
    found: dict[Identity, Verification] = {}
    for entry in _entries(_path()):
        moment = as_utc(datetime.fromisoformat(entry["when"]))
        identity = (entry["place"], entry["key"], entry["sha256"])
        found[identity] = Verification(moment, entry["by"], entry["problem"])
    return found


def verification_of(
    known: dict[Identity, Verification], store: Store, backup: Backup
) -> Verification | None:
    """Return the newest verification of one backup as it is stored now."""
    return known.get(_identity(store, backup))


def _identity(store: Store, backup: Backup) -> Identity:
    return store.place, backup.key, backup.sha256


def _path() -> Path:
    return data_dir() / "verifications.jsonl"


@contextmanager
def _locked() -> Iterator[Path]:
    path = _path()
    handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(handle)
        yield path
    finally:
        os.close(handle)


def _append(path: Path, line: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write(line.encode() + b"\n")
    if path.stat().st_size > _COMPACTED_AT:
        _compact(path)


def _compact(path: Path) -> None:
    newest = {(e["place"], e["key"]): json.dumps(e) for e in _entries(path)}
    lines = list(newest.values())[-_MOST_BACKUPS:]
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the readable lines; a torn one, from a full disk or a crash, is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            entry = json.loads(line)
            datetime.fromisoformat(entry["when"])
            complete = all(
                isinstance(entry[n], str) for n in ("place", "key", "sha256", "by", "problem")
            )
        except UNREADABLE:
            continue
        if complete:
            yield entry
