"""Tables of the window on this computer: results of collections and of queries, as Parquet files.

Each has a random name. Only this user can read them, and the oldest are removed beyond a limit.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from core.aws.limits import GIB
from core.errors import InvalidInput, NotFound
from core.local.atomic import translate_os_errors
from core.paths import cache_dir

#: Bytes and number of the tables that are retained.
_LIMIT_BYTES, _MOST = 4 * GIB, 40
_NAME = re.compile(r"[0-9a-f]{32}")
_ENDING = ".parquet"


def new_table() -> Path:
    """Return the path of a new table, after the oldest ones beyond the limit were removed.

    Raises:
        LocalIOError: The folder cannot be created.
    """
    folder = _folder()
    with translate_os_errors(folder, "created"):
        folder.mkdir(mode=0o700, exist_ok=True)
    _trim(folder)
    return folder / f"{uuid4().hex}{_ENDING}"


def name_of(path: Path | str) -> str:
    """Return the name of a table by its path."""
    return Path(path).name.removesuffix(_ENDING).removesuffix(".partial")


def is_table(path: Path) -> bool:
    """Return whether a file is a table of the window."""
    return path.parent == _folder()


def path_of(name: str) -> Path:
    """Return the path of a table.

    Raises:
        InvalidInput: The name is not one of a table.
        NotFound: The table was removed.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is not a table", remedy="Collect the range again.")
    for ending in (_ENDING, f".partial{_ENDING}"):
        path = _folder() / f"{name}{ending}"
        if path.exists():
            return path
    raise NotFound(
        "The table is not on this computer any more",
        cause="The oldest tables are removed when there are many.",
        remedy="Collect the range or run the query again.",
    )


def _folder() -> Path:
    return cache_dir() / "tables"


def _trim(folder: Path) -> None:
    found = []
    for path in folder.glob(f"*{_ENDING}"):
        with suppress(FileNotFoundError):  # another process has removed it
            state = path.stat()
            found.append((state.st_mtime, state.st_size, path))
    found.sort(reverse=True)
    total = 0
    for number, (_, size, path) in enumerate(found):
        total += size
        # The new table needs a place, too.
        if total > _LIMIT_BYTES or number >= _MOST - 1:
            path.unlink(missing_ok=True)
