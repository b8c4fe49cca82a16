"""From a key to a safe local path: one function, the same on every platform, and reversible.

Keys may hold anything; local names may not. Each segment is mapped by itself: what a file system
refuses, or could take for another place, is written as `%XX` of its UTF-8 bytes. Legal names that
only look odd (`file..txt`, `...x`) stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from core.errors import InvalidInput

#: Bytes of one file name on the usual file systems.
SEGMENT_BYTES = 255
#: Room for what a download appends while it is unfinished.
_ROOM = 32
_FORBIDDEN = frozenset('<>:"\\|?*%')
#: Names that Windows takes for devices, whatever their ending (Microsoft, "Naming Files").
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)}
)
_EMPTY = "%_"


def safe_segments(key: str) -> tuple[str, ...]:
    """Return the key's segments as file names; an empty one is written as `%_`."""
    return tuple(_mapped(segment) for segment in key.split("/"))


def key_of(segments: Iterable[str]) -> str:
    """Return the key that `safe_segments` gave these names for, unless one was shortened."""
    return "/".join(
        "" if name == _EMPTY else unquote(name, errors="surrogateescape") for name in segments
    )


def destination(root: Path, key: str) -> Path:
    """Return where below `root` the object `key` belongs.

    Raises:
        InvalidInput: a folder on the way is a link that leads out of `root`.
    """
    return inside(root, root.joinpath(*safe_segments(key)), key)


def inside(root: Path, path: Path, key: str) -> Path:
    """Return `path`, where the object `key` is to be written below `root`.

    Safe names cannot lead out, but a link that somebody put into the folder could.

    Raises:
        InvalidInput: the path is a link, or a folder on the way is one that leads out of `root`.
    """
    if not path.parent.resolve().is_relative_to(root.resolve()) or path.is_symlink():
        raise InvalidInput(
            f"{key} would be written outside the chosen folder",
            cause=f"A link below {root} leads somewhere else.",
            remedy="Remove the link, or choose an empty folder.",
            subject=key,
        )
    return path


def _mapped(segment: str) -> str:
    if not segment:
        return _EMPTY
    name = "".join(_character(char) for char in segment)
    if segment in {".", ".."}:
        name = segment.replace(".", "%2E")
    elif name[-1] in ". ":  # Windows drops them, and two names would become one
        name = name[:-1] + f"%{ord(name[-1]):02X}"
    if name.partition(".")[0].upper() in _DEVICES:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name if len(name.encode()) <= SEGMENT_BYTES - _ROOM else _shortened(name)


def _character(char: str) -> str:
    code = ord(char)
    if code < 0x20 or code == 0x7F or char in _FORBIDDEN or 0xD800 <= code < 0xE000:
        return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
    return char


def _shortened(name: str) -> str:
    """Keep the beginning and the ending; a hash of the whole tells long names apart."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    stem, dot, ending = name.rpartition(".")
    ending = dot + ending if dot and len(ending.encode()) <= 16 else ""
    room = SEGMENT_BYTES - _ROOM - len(ending.encode()) - len(digest) - 1
    kept = (stem if ending else name).encode()[:room].decode(errors="ignore")
    return f"{kept}~{digest}{ending}"
