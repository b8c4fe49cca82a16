"""Mapping from keys to local file names.

Keys may contain any character, local names may not. A name is unchanged if the file system of the
target folder allows it; other characters are written as `%XX` of their UTF-8 bytes. On every system
these are control characters and those that change the order in which others are shown. Linux and
macOS allow nearly everything else; Windows, and disks formatted for it, refuse colons, reserved
device names and more. The folder itself is tested, since one computer can have disks of several
kinds.

S3 has no folders: a bucket can contain both `data` and `data/a.csv`, objects with the names of
folders, and `a.txt` beside `A.txt`. A file system may not. Then an object gets another unambiguous
name, which the report lists.
"""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import unquote
from uuid import uuid4

from core.errors import InvalidInput

#: Maximum length of a file name in bytes on common file systems.
SEGMENT_BYTES = 255
#: Bytes reserved for the suffix of an unfinished download.
_SUFFIX_LENGTH = 32
#: Suffix of an object that has the name of a folder.
_OBJECT = ".object"
#: Characters that Windows does not allow (Microsoft, "Naming Files, Paths, and Namespaces").
_FORBIDDEN = frozenset('<>:"\\|?*')
#: Names of devices on Windows, with any extension (the same page). Some superscripts are digits.
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{n}" for port in ("COM", "LPT") for n in "123456789\u00b9\u00b2\u00b3"}
)
#: Invisible characters that change the order or the lines in which a name is shown: with them, a
#: program can look like a text file (Unicode, UAX 9 and UTR 36).
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
_EMPTY = "%_"
#: Text that looks like an escape: only then is the percent sign itself escaped.
# Escaping every percent sign would change ordinary names such as `50%.csv`.
_ESCAPE = re.compile("%(?=[0-9A-Fa-f]{2}|_$)")
#: Names that no system needs escaped, except device names and final dots and spaces.
_PLAIN = re.compile(r"[\w .()+,=@~#&;!'-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileSystem:
    """Properties of a file system that affect names.

    Attributes:
        windows: whether it refuses or changes the same names as Windows: `a:b`, `CON`, a final dot.
        case: whether `a` and `A` are the same name.
        form: whether composed and decomposed letters are the same.
    """

    windows: bool = False
    case: bool = False
    form: bool = False

    def fold(self, name: str) -> str:
        """Return the form of a name that the file system compares."""
        name = unicodedata.normalize("NFC", name) if self.form else name
        return name.casefold() if self.case else name


#: The strictest file system: names that are valid there are valid everywhere.
STRICTEST = FileSystem(windows=True, case=True, form=True)


def file_system_of(folder: Path) -> FileSystem:
    """Determine the properties of a folder's file system with test files.

    A folder without write permission is treated as the strictest file system.
    """
    probe = f".strongroom-probe-{uuid4().hex[:8]}"
    return FileSystem(
        windows=sys.platform == "win32" or not _preserves(folder, f'{probe}<>:"\\|?*.'),
        case=_same(folder, f"{probe}-a", f"{probe}-A"),
        form=_same(folder, f"{probe}-\u00e9", f"{probe}-e\u0301"),
    )


def _preserves(folder: Path, name: str) -> bool:
    """Return whether a file can have this name, including a final dot."""
    path = folder / name
    try:
        path.touch(exist_ok=False)
        # Windows accepts a final dot and removes it, so the file appears under the shorter name.
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
        return True  # unknown: assume the strictest
    finally:
        with suppress(OSError):
            path.unlink()


def local_name(key: str, folder: Path) -> str:
    """Return the local file name for the last segment of a key."""
    last = key.removesuffix("/").rpartition("/")[2]
    # The file system is only tested for names that some file system would refuse.
    strict = safe_segments(last, STRICTEST)[0]
    return strict if strict == last else safe_segments(last, file_system_of(folder))[0]


def local_paths(root: Path, names: Sequence[str], sizes: Sequence[int]) -> list[Path | None]:
    """Return the local path of each name below `root`; None for folder markers.

    The paths only depend on the names and the disk, so that a later run finds the files of an
    earlier one.

    Args:
        root: an existing folder.
        names: keys, or their parts below the displayed folder.
        sizes: their sizes in bytes.
    """
    return [root / each if each else None for each in local_names(root, names, sizes)]


def local_names(root: Path, names: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """Return the paths of `local_paths` relative to `root`, with slashes; empty for folder markers.

    A `Path` for each of many small files would take much of the time of their download.
    """
    # Test files are only needed if the result depends on the file system.
    natural = _safe_names(names, sizes, STRICTEST)
    system = STRICTEST
    if natural != _safe_names(names, sizes, FileSystem()) or _collide(natural):
        system = file_system_of(root)
        natural = _safe_names(names, sizes, system)
    if not _collide(natural):
        return natural
    places = _Places(natural, system)
    found = [""] * len(names)
    # In the order of names, so that every run assigns the same numbers.
    for number in sorted(range(len(names)), key=lambda number: names[number]):
        if natural[number]:
            found[number] = places.assign(natural[number])
    return found


def _safe_names(names: Sequence[str], sizes: Sequence[int], system: FileSystem) -> list[str]:
    """Return the names in a form that the file system allows; empty for folder markers.

    An object with content whose key ends in a slash is a file.
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
    """Return whether two of the names are the same on some file system."""
    places = _Places(names, STRICTEST)
    return len(places.natural) < sum(map(bool, names)) or bool(places.natural & places.folders)


class _Places:
    """The paths below a folder that are in use, as its file system compares them."""

    def __init__(self, names: Sequence[str], system: FileSystem) -> None:
        self._fold = system.fold
        self.natural = {self._fold(name) for name in names if name}
        self.folders = _folders_of(self.natural)
        self._used: set[str] = set()

    def assign(self, name: str) -> str:
        """Return a free path for an object: its own, or one with an alternative name."""
        folded = self._fold(name)
        if folded not in self._used and folded not in self.folders:
            self._used.add(folded)
            return name
        # A folder cannot be renamed without all of its files, so the object gets another name.
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
    """Return all parent folders of the names."""
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
    """Return the segments of a key as file names; an empty segment becomes `%_`."""
    return tuple(_mapped(segment, windows=system.windows) for segment in key.split("/"))


def key_of(segments: Iterable[str]) -> str:
    """Return the key for the names of `safe_segments`, unless one was shortened."""
    return "/".join(
        "" if name == _EMPTY else unquote(name, errors="surrogateescape") for name in segments
    )


def check_name(name: str) -> str:
    """Check that the name of a file, relative to a folder, is below that folder, and return it.

    Raises:
        InvalidInput: the name is absolute, or has a segment that leads to another folder.
    """
    path = PurePath(name)
    if not name or path.is_absolute() or path.drive or ".." in path.parts:
        raise InvalidInput(
            f"{name!r} is not a name below the folder",
            cause="It is absolute, or leads to another folder.",
            remedy="Use names relative to the folder, without “..”.",
            subject=name,
        )
    return name


def path_inside(root: Path, path: Path, key: str) -> Path:
    """Check that the path of an object is below `root`, and return it.

    Safe names cannot lead outside, but a symbolic link in the folder could.

    Raises:
        InvalidInput: the path is a link, or a parent folder is a link to a place outside `root`.
    """
    # The file itself is not resolved, because it does not exist yet or will be replaced.
    if not path.parent.resolve().is_relative_to(root.resolve()) or path.is_symlink():
        raise InvalidInput(
            f"{key} would be written outside the chosen folder",
            cause=f"A symbolic link below {root} leads to another place.",
            remedy="Remove the link, or choose an empty folder.",
            subject=key,
        )
    return path


def _mapped(segment: str, *, windows: bool) -> str:
    if not segment:
        return _EMPTY
    # Most names need no escape: one expression takes much less time than each character.
    if _PLAIN.fullmatch(segment):
        name = segment
    else:
        escaped = _ESCAPE.sub("%25", segment)
        name = "".join(_character(char, windows=windows) for char in escaped)
    # These names would mean another folder on every system.
    if segment in {".", ".."}:
        name = segment.replace(".", "%2E")
    elif windows:
        name = _windows_name(name)
    return name if len(name.encode()) <= SEGMENT_BYTES - _SUFFIX_LENGTH else _shortened(name)


def _character(char: str, *, windows: bool) -> str:
    # Control characters and lone surrogates are escaped everywhere: terminals obey the former, and
    # UTF-8 refuses the latter.
    code = ord(char)
    control = code < 0x20 or 0x7F <= code < 0xA0 or _INVISIBLE.fullmatch(char)
    if control or 0xD800 <= code < 0xE000 or (windows and char in _FORBIDDEN):
        return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
    return char


def _windows_name(name: str) -> str:
    """Escape device names, and the final characters that Windows would remove."""
    if name[-1] in ". ":
        name = name[:-1] + f"%{ord(name[-1]):02X}"
    # Windows ignores spaces before the extension.
    if name.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name


def _shortened(name: str) -> str:
    """Shorten a long name before its extension; a hash of the full name makes it unique."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    stem, dot, ending = name.rpartition(".")
    # A longer text after the last dot is not an extension.
    ending = dot + ending if dot and len(ending.encode()) <= 16 else ""
    room = SEGMENT_BYTES - _SUFFIX_LENGTH - len(ending.encode()) - len(digest) - 1
    # The cut may divide a character of several bytes, whose rest is dropped.
    beginning = (stem if ending else name).encode()[:room].decode(errors="ignore")
    return f"{beginning}~{digest}{ending}"
