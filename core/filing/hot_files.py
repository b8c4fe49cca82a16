"""One file of a watched folder: whether it is temporary, how it is stored, and where it is moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from core.errors import AlreadyExists, ErrorKind, InvalidInput, StorageError
from core.filing.contents import Contents
from core.filing.storing import Filing, file_as
from core.layout.kinds import kind
from core.layout.timestamps import parse_timestamp
from core.local.atomic import fsync_folder, translate_os_errors
from core.local.partial_files import free_path, rename_into_place
from core.model.objects import Verdict
from core.objects.hashing import Stamp

#: Beginnings and ends of the names of files that programs are still writing.
_TEMPORARY = ("~$", ".")
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".swp", "~")


class HotState(Enum):
    """The outcome of one file; the value is the displayed text."""

    FILED = "filed"
    #: An earlier run had stored it, and was ended before it moved the file.
    ALREADY_STORED = "already stored"
    REFUSED = "refused"
    #: The upload failed; the file remains and is tried again.
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class HotFile:
    """The outcome of one file.

    Attributes:
        name: its name below the watched folder.
        state: the outcome.
        key: the object, or empty if the file has no key.
        size: its size in bytes.
        verdict: what the stored bytes were compared with.
        moved: its new name below the watched folder, or empty if it was not moved.
        reason: why it was refused or postponed, as sentences.
        kind: the kind of that error.
    """

    name: str
    state: HotState
    key: str = ""
    size: int = 0
    verdict: Verdict = Verdict.SIZE_ONLY
    moved: str = ""
    reason: str = ""
    kind: ErrorKind | None = None


@dataclass(frozen=True, slots=True)
class HotReport:
    """The outcome of a watch: the stored keys, the number of files by state, and failures."""

    keys: tuple[str, ...] = ()
    counts: tuple[tuple[HotState, int], ...] = ()
    failed: tuple[HotFile, ...] = ()


def is_temporary(name: str) -> bool:
    """Return whether a name is one that programs give to files until they are complete."""
    return name.startswith(_TEMPORARY) or name.lower().endswith(_UNFINISHED)


def filing_of(contents: Contents, *, use_file_time: bool) -> tuple[Filing, datetime]:
    """Return key and metadata of a file by what was found in it, and the time of its data.

    Raises:
        InvalidInput: the kind, a name or the time is unknown, or the file does not match the kind.
    """
    name = Path(contents.path).name
    if not contents.kind:
        raise InvalidInput(
            f"The kind of {name} is unknown",
            cause=contents.trouble or "Its content matches no kind of the data contract.",
            remedy="Upload it yourself, under a key that you choose, or correct the file.",
        )
    title = kind(contents.kind).title
    missing = [each for each in kind(contents.kind).names if not contents.value(each)]
    if missing:
        raise InvalidInput(
            f"{name} does not have all values of its key",
            cause=f"It was recognised as {title}, but it contains no {', '.join(missing)}.",
            remedy="Add the values to the file, or name its folders like the key.",
        )
    moment = parse_timestamp(contents.moment) or (contents.modified if use_file_time else None)
    if moment is None:
        raise InvalidInput(
            f"{name} has no time",
            cause=f"It was recognised as {title}, but it contains no time of its data.",
            remedy="Add a timestamp to the file, or use the modification time of the file for it.",
        )
    filing = file_as(contents, contents.kind, names_of(contents), moment)
    if filing.refused:
        raise InvalidInput(
            f"{name} cannot be stored as {title}", cause=filing.refused, remedy="Correct the file."
        )
    return filing, moment


def names_of(contents: Contents) -> dict[str, str]:
    """Return the values of the key that were found in a file."""
    return {name: contents.value(name) for name in kind(contents.kind).names}


def sentences_of(error: StorageError) -> str:
    """Return summary, cause and remedy of an error as lines."""
    parts = (f"{error.summary.rstrip('.')}.", error.cause, error.remedy)
    return "\n".join(part for part in parts if part)


def move_aside(path: Path, target: Path, stamp: Stamp) -> Path:
    """Move a file to a free name like the target, and return its new path.

    Raises:
        SourceChanged: the file is no longer the one that was processed; it was not moved.
        LocalIOError: the file cannot be moved.
    """
    stamp.check(path)
    with translate_os_errors(path, "moved"):
        target.parent.mkdir(parents=True, exist_ok=True)
        while True:
            target = free_path(target)
            try:
                rename_into_place(path, target, overwrite=False)
            except AlreadyExists:  # another program has just created it
                continue
            break
        fsync_folder(target.parent)
        fsync_folder(path.parent)
    return target
