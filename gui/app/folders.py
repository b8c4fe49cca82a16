"""Finds out whether the folders of Strongroom's own files can be used. It does not import Qt."""

from __future__ import annotations

import errno
import os

from core.errors import LocalIOError, local_io_error
from core.local.state.database import FILE_NAME
from core.paths import cache_dir, config_dir, data_dir


def unusable_folder() -> LocalIOError | None:
    """Return why no profile can be read, since a folder cannot be used; None if all can.

    Each of the three folders is needed, as it may have files of earlier versions.
    """
    try:
        data, *_others = (each() for each in (data_dir, config_dir, cache_dir))
    except OSError as error:
        return _unusable(error)
    # Without the right to write, an existing database is read.
    if os.access(data, os.W_OK) or (data / FILE_NAME).exists():
        return None
    return _unusable(PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(data)))


def _unusable(error: OSError) -> LocalIOError:
    return local_io_error(error, f"The folder {error.filename} could not be used")
