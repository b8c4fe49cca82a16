"""Where Strongroom keeps its own files: settings, data, caches and downloads."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

#: Moves every folder below one root: tests and portable installations set it.
HOME_VARIABLE = "STRONGROOM_HOME"


def config_dir() -> Path:
    """Return the folder of settings and profiles, made private to the user."""
    return _made("config", platformdirs.user_config_dir("strongroom", appauthor=False))


def data_dir() -> Path:
    """Return the folder of journals, logs and the local database, made private to the user."""
    return _made("data", platformdirs.user_data_dir("strongroom", appauthor=False))


def cache_dir() -> Path:
    """Return the folder of things that can be fetched again, made private to the user."""
    return _made("cache", platformdirs.user_cache_dir("strongroom", appauthor=False))


def downloads_dir() -> Path:
    """Return the user's download folder; it is not created here."""
    return Path(platformdirs.user_downloads_dir())


def _made(name: str, usual: str) -> Path:
    root = os.environ.get(HOME_VARIABLE)
    folder = Path(root) / name if root else Path(usual)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
