"""The private temporary folders of demo servers, and the removal of forgotten ones."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "strongroom-demo-"
_OWNER = "owner.pid"


def make_folder() -> Path:
    """Create a folder that only this user can read, owned by this process; remove old ones."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    # A process id may be reused, so a folder may stay too long, but none in use is removed.
    (folder / _OWNER).write_text(str(os.getpid()), encoding="ascii")
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder; a later `sweep` removes files that are still open on Windows."""
    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of demo servers whose program has ended without removing them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if not _is_used(folder):
            remove_folder(folder)


def _is_used(folder: Path) -> bool:
    """Return whether the owner of a folder runs; True if that cannot be determined."""
    try:
        owner = int((folder / _OWNER).read_text(encoding="ascii"))
    except FileNotFoundError:
        return True  # another process is creating it
    except (OSError, ValueError):
        return True
    return is_running(owner)


def is_running(process: int) -> bool:
    """Return whether a process with this id exists."""
    if os.name == "nt":
        return True  # on Windows os.kill ends the process, whatever the signal is
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
