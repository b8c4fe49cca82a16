"""Folders of Strongroom's own files: settings, data and caches."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

#: Environment variable that moves all folders below one root, for tests and portable use.
HOME_VARIABLE = "STRONGROOM_HOME"


def config_dir() -> Path:
    """Return the folder of settings and profiles, made private to the user."""
    return _made("config")


def data_dir() -> Path:
    """Return the folder of journals, logs and the local database, made private to the user."""
    return _made("data")


def cache_dir() -> Path:
    """Return the folder of data that can be downloaded again, made private to the user."""
    return _made("cache")


def is_for_own_folder(path: Path) -> bool:
    """Return whether a path is one of the folders, or a part of the path of one."""
    root = os.environ.get(HOME_VARIABLE)
    own = [Path(root) / name if root else _usual(name) for name in _XDG]
    return any(path == folder or path in folder.parents for folder in own)


def _usual(name: str) -> Path:
    """Return the platform's folder for `config`, `data` or `cache` files."""
    if _on_linux():  # importing platformdirs would delay the window's first paint
        given = os.environ.get(f"XDG_{name.upper()}_HOME", "").strip()
        # Relative paths are ignored, as the specification demands.
        base = Path(given) if given.startswith("/") else Path.home() / _XDG[name]
        return base / "strongroom"
    import platformdirs

    return Path(getattr(platformdirs, f"user_{name}_dir")("strongroom", appauthor=False))


def _on_linux() -> bool:
    return sys.platform.startswith("linux")


def _made(name: str) -> Path:
    root = os.environ.get(HOME_VARIABLE)
    folder = Path(root) / name if root else _usual(name)
    if root and not folder.parent.exists():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder not in _private:
        _private.add(folder)
        _make_private(folder)
    return folder


#: Below the home, where the XDG variables are not set (XDG Base Directory Specification).
_XDG = {"config": ".config", "data": ".local/share", "cache": ".cache"}
#: Folders that this process has made private.
_private: set[Path] = set()


def _make_private(folder: Path) -> None:
    """Remove other users' access to files that an earlier version or a copy left readable."""
    if sys.platform != "win32":
        user = os.getuid()
        with suppress(OSError):  # the folder belongs to another user, who alone may change it
            _make_entry_private(folder, 0o700, user)
            for path in folder.rglob("*"):
                is_folder = path.is_dir() and not path.is_symlink()
                _make_entry_private(path, 0o700 if is_folder else 0o600, user)


def _make_entry_private(path: Path, mode: int, user: int) -> None:
    with suppress(FileNotFoundError):  # another process has removed it
        found = path.lstat()
        ours = found.st_uid == user and not stat.S_ISLNK(found.st_mode)
        if ours and found.st_mode & 0o077:
            path.chmod(mode)
