"""Folders for rows on their way: private to the user, and swept when a killed run left one."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from core.paths import cache_dir

_PREFIX = "rows-"
#: No run takes as long as this; what is older belongs to none.
_STALE_SECONDS = 2 * 86_400

_log = logging.getLogger(__name__)


@contextmanager
def spool() -> Iterator[Path]:
    """Yield a folder that only this user can read and that ends with the block."""
    root = cache_dir()
    _sweep(root)
    with TemporaryDirectory(prefix=_PREFIX, dir=root) as folder:
        yield Path(folder)


def _sweep(root: Path) -> None:
    limit = time.time() - _STALE_SECONDS
    for folder in root.glob(f"{_PREFIX}*"):
        try:
            if folder.stat().st_mtime < limit:
                shutil.rmtree(folder)
        except OSError as error:
            _log.warning("An old folder stays: %s", error)
