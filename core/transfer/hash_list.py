"""The hash list of a transfer, which `sha256sum -c` checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import NotFound
from core.local.atomic import refuse_special, write_atomically
from core.transfer.values import State

if TYPE_CHECKING:  # transfers of a single file import neither
    from core.transfer.queue_values import BatchFiles
    from core.transfer.recorder import OutcomeRecorder

_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})


def hash_lines(files: BatchFiles) -> Iterator[str]:
    """Yield a line for each completed file with a known hash, in the form of `sha256sum`.

    Names of downloads are those below the target folder, names of uploads are the keys below their
    common folder. So the list of an upload can be checked where its objects were downloaded to.
    """
    keys: Sequence[str] = files.arguments["keys"]
    folder = files.arguments.get("below") or common_folder(keys)
    for number, result in files.results.items():
        if result.state is State.DONE and result.sha256:
            yield hash_line(result.sha256, result.name or keys[number].removeprefix(folder))


def with_hash_list(
    path: str,
    keys: Sequence[str],
    folder: str,
    body: Callable[[OutcomeRecorder], None],
) -> Callable[[OutcomeRecorder], None]:
    """Return the body of a transfer that also writes its hash list at the end, even after a cancel.

    Args:
        path: the file, which is replaced; no list is written if it is empty.
        keys: the keys of all files.
        folder: the prefix that is omitted from the names in the list.
        body: the transfer.
    """

    def run(recorder: OutcomeRecorder) -> None:
        try:
            body(recorder)
        finally:
            lines = (
                hash_line(sha256, recorder.renamed.get(n) or keys[n].removeprefix(folder))
                for n, sha256 in sorted(recorder.hashes.items())
            )
            write_atomically(Path(path), "".join(lines).encode())

    return run if path else body


def check_hash_list(path: str) -> str:
    """Return the absolute path of a list that can be written; an empty one stays empty.

    The errors would follow after the transfer otherwise.

    Raises:
        NotFound: its folder does not exist.
        LocalIOError: it is a device, a pipe or a socket.
    """
    if not path:
        return ""
    refuse_special(path)
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise NotFound(
            f"The folder {folder} does not exist",
            cause="The hash list is written into it.",
            remedy="Create the folder, or correct the path.",
            subject=str(folder),
        )
    return str(Path(path).absolute())


def hash_line(sha256: str, name: str) -> str:
    """Return the line of a file in the form of `sha256sum`."""
    # GNU coreutils mark a line with escaped characters by a backslash before the hash.
    escaped = name.translate(_ESCAPED)
    mark = "" if escaped == name else "\\"
    return f"{mark}{sha256}  {escaped}\n"


def common_folder(keys: Sequence[str]) -> str:
    """Return the common prefix of keys up to its last slash."""
    if not keys:
        return ""
    first, last = min(keys), max(keys)
    length = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    return first[: first.rfind("/", 0, length) + 1]
