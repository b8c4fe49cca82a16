"""The hash list of a batch, which `sha256sum -c` checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.transfer.queue_values import BatchFiles, FileResult
from core.transfer.values import State

_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})


def hash_lines(files: BatchFiles) -> Iterator[str]:
    """Yield a line for each completed file with a known hash, in the form of `sha256sum`.

    Names of downloads are those below the target folder, names of uploads are the keys below their
    common folder. So the list of an upload can be checked where its objects were downloaded to.
    """
    keys: Sequence[str] = files.arguments["keys"]
    folder = files.arguments.get("below") or _common_folder(keys)
    for number, result in files.results.items():
        if result.state is State.DONE and result.sha256:
            yield _line(result, result.name or keys[number].removeprefix(folder))


def _line(result: FileResult, name: str) -> str:
    # GNU coreutils mark a line with escaped characters by a backslash before the hash.
    escaped = name.translate(_ESCAPED)
    mark = "" if escaped == name else "\\"
    return f"{mark}{result.sha256}  {escaped}\n"


def _common_folder(keys: Sequence[str]) -> str:
    if not keys:
        return ""
    first, last = min(keys), max(keys)
    length = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    return first[: first.rfind("/", 0, length) + 1]
