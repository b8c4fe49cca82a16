"""From keys to local file names: one mapping for the window and the command line.

Keys may hold anything, local names may not. A name stays as the key has it wherever the file system
of the target folder takes it; what it refuses, or could take for another place, is written as `%XX`
of its UTF-8 bytes. Linux and macOS take nearly everything; Windows, and disks formatted for it,
refuse colons, reserved device names and more. The folder itself is tried, since one computer can
have disks of several kinds.

S3 knows no folders: it can hold both `data` and `data/a.csv`, objects named like folders, and
`a.txt` beside `A.txt`. A file system may not. Each object then gets a clear name of its own, and
the report says which.
"""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

from core.errors import InvalidInput

#: Bytes of one file name on the usual file systems.
SEGMENT_BYTES = 255
#: Room for what a download appends while it is unfinished.
_SUFFIX_LENGTH = 32
#: What is appended to an object that has the name of a folder.
_OBJECT = ".object"
#: What Windows takes in no name (Microsoft, "Naming Files, Paths, and Namespaces").
_FORBIDDEN = frozenset('<>:"\\|?*')
#: Names that Windows takes for devices, whatever their ending (the same page).
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)}
)
_EMPTY = "%_"
#: What would be read back as an escape: only then is a percent sign escaped itself.
_ESCAPE = re.compile("%(?=[0-9A-Fa-f]{2}|_$)")


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What the file system of a folder does to names.

    Attributes:
        windows: whether it refuses or changes what Windows does: `a:b`, `CON`, a dot at the end.
        case: whether it takes `a` for `A`.
        form: whether it takes composed and decomposed letters for the same.
    """

    windows: bool = False
    case: bool = False
    form: bool = False

    def fold(self, name: str) -> str:
        """Return what the file system compares instead of the name."""
        name = unicodedata.normalize("NFC", name) if self.form else name
        return name.casefold() if self.case else name


#: The strictest one: what is safe there is safe everywhere.
STRICTEST = FileSystem(windows=True, case=True, form=True)


def file_system_of(folder: Path) -> FileSystem:
    """Return what the file system of a folder does to names, by trying it out.

    A folder that cannot be written is taken for the strictest one.
    """
    probe = f".strongroom-probe-{uuid4().hex[:8]}"
    return FileSystem(
        windows=sys.platform == "win32" or not _preserves(folder, f'{probe}<>:"\\|?*.'),
        case=_same(folder, f"{probe}-a", f"{probe}-A"),
        form=_same(folder, f"{probe}-\u00e9", f"{probe}-e\u0301"),
    )


def _preserves(folder: Path, name: str) -> bool:
    """Whether a file can have this name, with the dot at its end."""
    path = folder / name
    try:
        path.touch(exist_ok=False)
        return not path.with_name(name.rstrip(".")).exists()
    except OSError:
        return False
    finally:
        with suppress(OSError):
            path.unlink()


def _same(folder: Path, name: str, other: str) -> bool:
    path = folder / name
    try:
        path.touch(exist_ok=False)
        return (folder / other).exists()
    except OSError:
        return True  # unknown: be careful
    finally:
        with suppress(OSError):
            path.unlink()


def local_name(key: str, folder: Path) -> str:
    """Return the file name that the last part of a key gets in a folder."""
    last = key.removesuffix("/").rpartition("/")[2]
    strict = safe_segments(last, STRICTEST)[0]
    return strict if strict == last else safe_segments(last, file_system_of(folder))[0]


def local_paths(root: Path, names: Sequence[str], sizes: Sequence[int]) -> list[Path | None]:
    """Return for each name its path below `root`; None for a folder marker, which has no content.

    The paths depend on the names and the disk alone, so that a later run finds the files of an
    earlier one.

    Args:
        root: the folder; it exists.
        names: keys, or what of them is below the folder shown.
        sizes: their sizes in bytes, as many.
    """
    natural = _safe_names(names, sizes, STRICTEST)
    system = STRICTEST
    if natural != _safe_names(names, sizes, FileSystem()) or _collide(natural):
        system = file_system_of(root)
        natural = _safe_names(names, sizes, system)
    if not _collide(natural):
        return [root / each if each else None for each in natural]
    places = _Places(natural, system)
    found: list[Path | None] = [None] * len(names)
    for number in sorted(range(len(names)), key=lambda number: names[number]):
        if natural[number]:
            found[number] = root / places.assign(natural[number])
    return found


def _safe_names(names: Sequence[str], sizes: Sequence[int], system: FileSystem) -> list[str]:
    """Return the names as the file system takes them; empty for folder markers.

    An object with content and a slash at its end is a file, too.
    """
    known: dict[str, str] = {}  # most keys share most of their folders

    def safe(segment: str) -> str:
        if segment not in known:
            known[segment] = _mapped(segment, windows=system.windows)
        return known[segment]

    return [
        "/".join(map(safe, name.split("/"))) if size or (name and name[-1] != "/") else ""
        for name, size in zip(names, sizes, strict=True)
    ]


def _collide(names: Sequence[str]) -> bool:
    """Whether two of the names share a place on some file system."""
    places = _Places(names, STRICTEST)
    return len(places.natural) < sum(map(bool, names)) or bool(places.natural & places.folders)


class _Places:
    """The places below a folder that are taken, as its file system compares them."""

    def __init__(self, names: Sequence[str], system: FileSystem) -> None:
        self._fold = system.fold
        self.natural = {self._fold(name) for name in names if name}
        self.folders = _folders_of(self.natural)
        self._used: set[str] = set()

    def assign(self, name: str) -> str:
        """Return a free place for an object: its own, or one with a clear other name."""
        folded = self._fold(name)
        if folded not in self._used and folded not in self.folders:
            self._used.add(folded)
            return name
        beside = name + _OBJECT if folded in self.folders else name
        number, place = 1, beside
        while self._is_used(self._fold(place)):
            number += 1
            place = _numbered(beside, number)
        self._used.add(self._fold(place))
        return place

    def _is_used(self, folded: str) -> bool:
        return folded in self._used or folded in self.folders or folded in self.natural


def _folders_of(names: Iterable[str]) -> set[str]:
    """Return all folders on the way to the names."""
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _numbered(name: str, number: int) -> str:
    """Return `x/a (2).txt` for `x/a.txt`."""
    folder, slash, last = name.rpartition("/")
    path = Path(last)
    return f"{folder}{slash}{path.stem} ({number}){path.suffix}"


def safe_segments(key: str, system: FileSystem = STRICTEST) -> tuple[str, ...]:
    """Return the key's segments as names for a file system; an empty one is written as `%_`."""
    return tuple(_mapped(segment, windows=system.windows) for segment in key.split("/"))


def key_of(segments: Iterable[str]) -> str:
    """Return the key that `safe_segments` gave these names for, unless one was shortened."""
    return "/".join(
        "" if name == _EMPTY else unquote(name, errors="surrogateescape") for name in segments
    )


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


def _mapped(segment: str, *, windows: bool) -> str:
    if not segment:
        return _EMPTY
    escaped = _ESCAPE.sub("%25", segment)
    name = "".join(_character(char, windows=windows) for char in escaped)
    if segment in {".", ".."}:
        name = segment.replace(".", "%2E")
    elif windows:
        name = _windows_name(name)
    return name if len(name.encode()) <= SEGMENT_BYTES - _SUFFIX_LENGTH else _shortened(name)


def _character(char: str, *, windows: bool) -> str:
    code = ord(char)
    if code < 0x20 or code == 0x7F or 0xD800 <= code < 0xE000 or (windows and char in _FORBIDDEN):
        return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
    return char


def _windows_name(name: str) -> str:
    """Escape the end that Windows drops, so that no two names become one, and device names."""
    if name[-1] in ". ":
        name = name[:-1] + f"%{ord(name[-1]):02X}"
    if name.partition(".")[0].upper() in _DEVICES:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name


def _shortened(name: str) -> str:
    """Cut a name that is too long, before its ending; a hash of all of it keeps names apart."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    stem, dot, ending = name.rpartition(".")
    ending = dot + ending if dot and len(ending.encode()) <= 16 else ""
    room = SEGMENT_BYTES - _SUFFIX_LENGTH - len(ending.encode()) - len(digest) - 1
    kept = (stem if ending else name).encode()[:room].decode(errors="ignore")
    return f"{kept}~{digest}{ending}"
