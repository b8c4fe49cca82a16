"""Whether another program has a file open for writing, where the system can tell."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "linux":
    import errno
    import fcntl

    def has_writer(path: Path) -> bool | None:
        """Return whether a program has a file open for writing; None if it is unknown.

        A read lease is only granted while no program has the file open for writing (`fcntl(2)`). It
        is unknown for files of other users, and on network drives.
        """
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return True if error.errno == errno.EAGAIN else None
        finally:
            # Removed at once: a program that opens the file would wait for the lease otherwise.
            with suppress(OSError):
                fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            os.close(handle)
        return False

else:

    def has_writer(path: Path) -> bool | None:
        """Return whether a program has a file open for writing; None if it is unknown.

        Windows refuses to rename a file that a program has open, unless the program allows it.
        """
        if os.name != "nt":
            return None
        try:
            path.replace(path)
        except PermissionError:
            return True
        except OSError:
            return None
        return None
