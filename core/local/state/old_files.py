"""Where earlier versions stored what is now in the state database."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from core.paths import cache_dir, config_dir, data_dir


class OldStore(NamedTuple):
    """The files of one store.

    Attributes:
        name: of the store, for messages.
        folder: `config`, `data` or `cache`.
        pattern: the files, relative to the folder.
        owned: whether a process that works on an entry holds the lock of its file.
    """

    name: str
    folder: str
    pattern: str
    owned: bool = False


OLD_STORES: tuple[OldStore, ...] = (
    OldStore("profiles", "config", "profiles.json"),
    OldStore("settings", "config", "settings.json"),
    OldStore("rotations", "data", "rotations/*.rotation.json"),
    OldStore("transfers", "data", "transfers/*.transfer", owned=True),
    OldStore("uploads", "data", "uploads/*.upload", owned=True),
    OldStore("links", "data", "links.jsonl"),
    # The older part of the log first, so that its rows get the lower numbers.
    OldStore("changes", "data", "changes.jsonl.1"),
    OldStore("changes", "data", "changes.jsonl"),
    OldStore("used actions", "data", "used-actions.json"),
    OldStore("downloads", "data", "downloads/*.folders", owned=True),
    OldStore("unfinished backups", "data", "unfinished-backups/*.backup", owned=True),
    OldStore("verifications", "data", "verifications.jsonl"),
    OldStore("check secrets", "data", "check-secrets/*.secret", owned=True),
    OldStore("former lifecycle rules", "data", "lifecycle/*.json"),
    # After the profiles, whose names are needed to find out which profile a result is of.
    OldStore("statistics", "cache", "statistics/*.json"),
)


def old_files(database: Path) -> list[tuple[OldStore, Path]]:
    """Return the files of earlier versions that belong to a database; none if it is not the user's.

    Args:
        database: the state database; it may not exist yet.
    """
    if database.parent != data_dir():
        return []
    folders = {"config": config_dir(), "data": data_dir(), "cache": cache_dir()}
    return [(store, path) for store in OLD_STORES for path in _files(store, folders[store.folder])]


def _files(store: OldStore, folder: Path) -> list[Path]:
    if "*" in store.pattern:
        return sorted(folder.glob(store.pattern))
    path = folder / store.pattern  # checked at each start: a glob takes longer
    return [path] if path.exists() else []
