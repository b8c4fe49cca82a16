"""Search for uploadable files in local files and folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from core.errors import ErrorKind, InvalidInput, NotFound
from core.local.partial_files import is_partial
from core.model.name_filter import NameFilter
from core.model.upload_options import UploadOptions
from core.transfer.values import Refusal
from core.work import Progress, Work, default_work

_LOOP = Refusal(ErrorKind.INVALID_INPUT, "it is a link to a parent folder")
_NOT_UTF8 = Refusal(ErrorKind.INVALID_INPUT, "its name is not valid UTF-8")
_UNREADABLE = Refusal(ErrorKind.LOCAL_IO, "you have no permission to read it")
_KINDS = (
    (stat.S_ISFIFO, "it is a named pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISBLK, "it is a device"),
    (stat.S_ISCHR, "it is a device"),
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Files as columns of equal length; `names` are relative, with `/`.

    `modified` has the modification times in seconds since 1970. `refused` has path, name and reason
    of everything that cannot be uploaded.
    """

    paths: tuple[str, ...]
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    modified: tuple[float, ...]
    refused: tuple[tuple[str, str, Refusal], ...]

    def matching(self, names: NameFilter) -> Sources:
        """Return the files whose names below their folder match; refused ones are filtered, too."""
        if names == NameFilter():
            return self
        chosen = [number for number, name in enumerate(self.names) if names.matches(_below(name))]
        return Sources(
            tuple(self.paths[number] for number in chosen),
            tuple(self.names[number] for number in chosen),
            tuple(self.sizes[number] for number in chosen),
            tuple(self.modified[number] for number in chosen),
            tuple(each for each in self.refused if names.matches(_below(each[1]))),
        )

    def renamed(self, name: str) -> Sources:
        """Return the only file under another name."""
        refused = tuple((path, name, why) for path, _name, why in self.refused)
        return replace(self, names=(name,) * len(self.names), refused=refused)

    def compressed(self, options: UploadOptions) -> Sources:
        """Return the files under the names that they have after their compression."""
        names = tuple(options.key_for(name, name) for name in self.names)
        return replace(self, names=names)


def _below(name: str) -> str:
    """Return a name without the folder that was given; a file that was given has only its name."""
    return name.partition("/")[2] or name


def typed_path(text: str) -> str:
    """Return a path that the user typed or pasted, without quotes, `file://` or `~`.

    The existence of the file is not checked.

    Raises:
        InvalidInput: the path is not absolute, or of another machine.
    """
    text = text.strip()
    for quote in ("'", '"'):
        if len(text) > 1 and text[0] == text[-1] == quote:
            text = text[1:-1]
    if text[:7].lower() == "file://":
        url = urlsplit(text)
        if url.netloc not in {"", "localhost"}:
            raise _no_path(text, f"The URL is of another machine, {url.netloc}.")
        text = url2pathname(unquote(url.path) if os.name == "nt" else url.path)
    if "\0" in text:
        raise _no_path(text, "The path contains a null character.")
    path = os.path.expanduser(text)  # noqa: PTH111 - an unknown user leaves the text as it is
    if path and not os.path.isabs(path):  # noqa: PTH117 - as above
        raise _no_path(text, "The path is not absolute.")
    return path


def _no_path(text: str, cause: str) -> InvalidInput:
    remedy = "Use an absolute path, for example /data/candles.json."
    return InvalidInput(f"{text!r} is not the path of a file", cause=cause, remedy=remedy)


def find_sources(paths: Iterable[str | Path], *, work: Work | None = None) -> Sources:
    """Return the regular files among `paths` and below them, folders in order of name.

    The name of a folder is the first part of the names. Symbolic links are followed, except loops.
    Unfinished downloads in folders are omitted. No file is opened, since a pipe could block;
    everything else is reported in `refused`.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    walk = _Walk(default_work(work))
    for path in paths:
        absolute = Path(os.path.normpath(Path(path).absolute()))
        walk.add(str(absolute), absolute.name)
    return walk.found()


def find_sources_below(folder: Path, *, work: Work | None = None) -> Sources:
    """Return the regular files below a folder as `find_sources`, with names relative to it.

    Raises:
        NotFound: the folder does not exist.
        InvalidInput: the path is not a folder.
        Cancelled: the token of `work` was cancelled.
    """
    check_folder(folder)
    walk = _Walk(default_work(work))
    walk.add(os.path.normpath(folder.absolute()), "")
    return walk.found()


def check_folder(folder: Path) -> None:
    """Check that a path is a folder.

    Raises:
        NotFound: it does not exist.
        InvalidInput: it is not a folder.
    """
    if folder.is_dir():
        return
    if folder.exists():
        raise InvalidInput(
            f"{folder.name} is not a folder",
            cause="Only folders can be compared with a prefix.",
            remedy="Use the path of a folder, or upload or download the file by itself.",
            subject=str(folder),
        )
    raise NotFound(
        f"The folder {folder} does not exist",
        remedy="Correct the path. A drive that is not mounted also looks like a missing folder.",
        subject=str(folder),
    )


class _Walk:
    """Traversal of folders with an explicit stack, for trees of any depth."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._paths: list[str] = []
        self._names: list[str] = []
        self._sizes: list[int] = []
        self._modified: list[float] = []
        self._refused: list[tuple[str, str, Refusal]] = []
        self._folders: list[tuple[str, str, frozenset[tuple[int, int]]]] = []

    def found(self) -> Sources:
        return Sources(
            tuple(self._paths),
            tuple(self._names),
            tuple(self._sizes),
            tuple(self._modified),
            tuple(self._refused),
        )

    def add(self, path: str, name: str) -> None:
        """Add a file, or a folder with its content."""
        self._take(path, name, frozenset())
        while self._folders:
            self._work.check()
            self._open(*self._folders.pop())
            self._work.report(Progress(len(self._paths), note=path, unit="files"))

    def _take(self, path: str, name: str, above: frozenset[tuple[int, int]]) -> None:
        try:
            seen = os.stat(path)  # noqa: PTH116 - thousands of files: a Path each would cost more
        except OSError as error:
            self._refused.append((path, name, _why(path, error)))
            return
        if stat.S_ISDIR(seen.st_mode):
            here = (seen.st_dev, seen.st_ino)
            if here in above:
                self._refused.append((path, name, _LOOP))
            else:
                self._folders.append((path, name, above | {here}))
        elif above and is_partial(path):
            pass  # a later download continues it
        elif refusal := _unfit(path, name, seen.st_mode):
            self._refused.append((path, name, refusal))
        else:
            self._paths.append(path)
            self._names.append(name)
            self._sizes.append(seen.st_size)
            self._modified.append(seen.st_mtime)

    def _open(self, path: str, name: str, above: frozenset[tuple[int, int]]) -> None:
        try:
            with os.scandir(path) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError as error:
            self._refused.append((path, name, _why(path, error)))
            return
        waiting = len(self._folders)
        for each in names:
            self._take(os.path.join(path, each), f"{name}/{each}" if name else each, above)  # noqa: PTH118 - as above
        self._folders[waiting:] = reversed(self._folders[waiting:])


def _unfit(path: str, name: str, mode: int) -> Refusal | None:
    for is_kind, text in _KINDS:
        if is_kind(mode):
            return Refusal(ErrorKind.INVALID_INPUT, text)
    try:
        name.encode()
    except UnicodeEncodeError:
        return _NOT_UTF8
    return None if os.access(path, os.R_OK) else _UNREADABLE


def _why(path: str, error: OSError) -> Refusal:
    """Return why a path cannot be opened: it does not exist, or is not readable."""
    missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    kind = ErrorKind.NOT_FOUND if missing else ErrorKind.LOCAL_IO
    if os.path.islink(path):  # noqa: PTH114 - as above
        return Refusal(kind, f"it is a broken link ({error.strerror})")
    return Refusal(kind, "it does not exist" if missing else (error.strerror or str(error)))
