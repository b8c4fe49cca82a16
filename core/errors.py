"""The family of errors that `core` raises: each says what happened, why, and what to do."""

from __future__ import annotations

import errno
from enum import Enum


class ErrorKind(Enum):
    """What went wrong, in the terms a caller decides by; the value is the exit code of the CLI."""

    BUG = 1
    USAGE = 2
    CREDENTIALS_MISSING = 10
    CREDENTIALS_EXPIRED = 11
    CREDENTIALS_INVALID = 12
    ACCESS_DENIED = 13
    WRONG_REGION = 14
    CLOCK_SKEW = 15
    READ_ONLY = 16
    NOT_FOUND = 20
    NO_SUCH_BUCKET = 21
    ALREADY_EXISTS = 22
    CONFLICT = 23
    INVALID_INPUT = 24
    NOT_SUPPORTED = 25
    ARCHIVED = 26
    SCHEDULED_FOR_DELETION = 27
    THROTTLED = 30
    OFFLINE = 31
    NOT_S3 = 32
    SERVICE = 33
    LIMIT = 34
    CORRUPT = 40
    SOURCE_CHANGED = 41
    LOCAL_IO = 42
    DATABASE = 43
    ENGINE = 44
    KEYRING = 45
    CANCELLED = 130


#: Kinds after which the same call may succeed without anything having been changed.
TRANSIENT_KINDS = frozenset(
    {ErrorKind.THROTTLED, ErrorKind.OFFLINE, ErrorKind.SERVICE, ErrorKind.ENGINE}
)


class StorageError(Exception):
    """A failure told in words: summary (what), cause (why), remedy (what to do), subject (to what).

    None of the texts ever holds a secret; `details` is redacted by whoever fills it.
    """

    kind = ErrorKind.SERVICE
    #: What to do where the error itself names nothing better.
    usual_remedy = ""

    def __init__(  # noqa: PLR0913 - one error is one record; every field is keyword-only
        self,
        summary: str,
        *,
        cause: str = "",
        remedy: str = "",
        subject: str = "",
        action: str = "",
        details: str = "",
        kind: ErrorKind | None = None,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.cause = cause
        self.remedy = remedy or self.usual_remedy
        self.subject = subject
        self.action = action
        self.details = details
        if kind is not None:
            self.kind = kind

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without a change by the user."""
        return self.kind in TRANSIENT_KINDS

    def __str__(self) -> str:
        return "\n".join(part for part in (self.summary, self.cause, self.remedy) if part)

    def __reduce__(self) -> tuple[object, ...]:
        """Cross the engine's pipe whole: keyword-only fields are not in `args`."""
        return (_rebuilt, (type(self), dict(self.__dict__)))


def _rebuilt(cls: type[StorageError], state: dict[str, str]) -> StorageError:
    error = cls(state["summary"])
    error.__dict__.update(state)
    return error


class CredentialsMissing(StorageError):
    """No keys could be found by the chosen source."""

    kind = ErrorKind.CREDENTIALS_MISSING


class CredentialsExpired(StorageError):
    """Temporary credentials have reached their end."""

    kind = ErrorKind.CREDENTIALS_EXPIRED


class CredentialsInvalid(StorageError):
    """The keys are unknown, deactivated, deleted, or their secret does not match."""

    kind = ErrorKind.CREDENTIALS_INVALID


class AccessDenied(StorageError):
    """The keys are good but the permission is missing; `action` names it."""

    kind = ErrorKind.ACCESS_DENIED


class ReadOnlyProfile(StorageError):
    """The profile is protected against changes and was not unlocked; nothing was sent."""

    kind = ErrorKind.READ_ONLY


class WrongRegion(StorageError):
    """The bucket lives in another region and could not be followed there."""

    kind = ErrorKind.WRONG_REGION


class ClockSkew(StorageError):
    """This machine's clock differs too much from the server's."""

    kind = ErrorKind.CLOCK_SKEW


class NotFound(StorageError):
    """The key, version, secret or upload does not exist."""

    kind = ErrorKind.NOT_FOUND


class NoSuchBucket(NotFound):
    """The bucket does not exist."""

    kind = ErrorKind.NO_SUCH_BUCKET


class AlreadyExists(StorageError):
    """Something of that name is there already."""

    kind = ErrorKind.ALREADY_EXISTS


class Conflict(StorageError):
    """Somebody else changed the thing meanwhile; nothing was overwritten."""

    kind = ErrorKind.CONFLICT


class InvalidInput(StorageError):
    """A value was refused before anything was sent."""

    kind = ErrorKind.INVALID_INPUT


class NotSupported(StorageError):
    """The server, or this build, does not offer the feature."""

    kind = ErrorKind.NOT_SUPPORTED


class Archived(StorageError):
    """The object sleeps in an archive class and must be restored first."""

    kind = ErrorKind.ARCHIVED


class ScheduledForDeletion(StorageError):
    """The secret waits for its deletion; restore it to use it."""

    kind = ErrorKind.SCHEDULED_FOR_DELETION


class Throttled(StorageError):
    """The service asks for fewer requests."""

    kind = ErrorKind.THROTTLED


class Offline(StorageError):
    """The endpoint cannot be reached."""

    kind = ErrorKind.OFFLINE


class NotAnS3Answer(StorageError):
    """Something answered, but not S3: a captive portal, a proxy, or a wrong endpoint."""

    kind = ErrorKind.NOT_S3


class ServiceError(StorageError):
    """The service failed on its side."""

    kind = ErrorKind.SERVICE


class LimitExceeded(StorageError):
    """A quota or size limit would be passed."""

    kind = ErrorKind.LIMIT


class Corrupt(StorageError):
    """Bytes differ from their recorded hash, or a stored form cannot be read."""

    kind = ErrorKind.CORRUPT
    usual_remedy = "Use another copy: an older version of the object, or another backup."


class SourceChanged(StorageError):
    """A local file changed while it was being read."""

    kind = ErrorKind.SOURCE_CHANGED


class LocalIOError(StorageError):
    """A local file could not be read or written."""

    kind = ErrorKind.LOCAL_IO


class DatabaseError(StorageError):
    """A database refused; the target is as it was."""

    kind = ErrorKind.DATABASE


class EngineError(StorageError):
    """The engine process ended in mid task; the task can be run again."""

    kind = ErrorKind.ENGINE


class KeyringError(StorageError):
    """The operating system's keyring is missing, locked, refused, or not safe to use."""

    kind = ErrorKind.KEYRING


class Cancelled(StorageError):
    """The user asked to stop. Not a failure: nothing is shown for it."""

    kind = ErrorKind.CANCELLED


#: Cause and remedy of what an operating system refuses, by errno; `{path}` names the file.
_OS_CAUSES: dict[tuple[int, ...], tuple[str, str]] = {
    (errno.ENOENT,): (
        "{path} does not exist.",
        "Check the path; the file may have been moved or deleted.",
    ),
    (errno.EACCES, errno.EPERM): (
        "This user has no permission for {path}.",
        "Change the permissions of the file and its folder, or choose another place.",
    ),
    (errno.EROFS,): (
        "{path} is on a file system that is mounted read-only.",
        "Choose a folder on another file system.",
    ),
    (errno.ENOSPC,): ("The disk of {path} is full.", "Free some space, then try again."),
    (errno.EDQUOT,): (
        "The disk quota of this user is used up.",
        "Delete files of your own, or have the quota raised, then try again.",
    ),
    (errno.EFBIG,): (
        "The file system of {path} does not take files that large.",
        "Choose a file system for large files (FAT32 takes 4 GiB).",
    ),
    (errno.EISDIR,): ("{path} is a folder.", "Name a file."),
    (errno.ENOTDIR,): ("A part of the path {path} is a file, not a folder.", "Correct the path."),
    (errno.EEXIST, errno.ENOTEMPTY): ("{path} already exists.", "Choose another name."),
    (errno.EMFILE, errno.ENFILE): (
        "Too many files are open.",
        "Close other programs or raise the limit (ulimit -n), then try again.",
    ),
    (errno.ENAMETOOLONG,): (
        "The name of {path} is longer than its file system takes.",
        "Choose a shorter name, or a folder with a shorter path.",
    ),
    (errno.ELOOP,): (
        "The symbolic links of {path} lead in a circle.",
        "Correct the links, or name the file itself.",
    ),
    (errno.EBUSY, errno.ETXTBSY): (
        "{path} is in use by another program.",
        "Close that program, then try again.",
    ),
    (errno.EIO,): (
        "The device of {path} reports a read or write error.",
        "Check the disk or the network drive, and copy what is on it.",
    ),
    (errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN): (
        "The drive of {path} is not connected any more.",
        "Connect it again, then try again.",
    ),
    (errno.EILSEQ, errno.EINVAL): (
        "The file system does not take the name or the size of {path}.",
        "Choose another name or another folder.",
    ),
    (errno.EPIPE, errno.ECONNRESET): (
        "The other end of a pipe or connection was closed.",
        "Run it again; the program that reads must not end earlier.",
    ),
    (errno.ENOMEM,): ("There is not enough memory.", "Close other programs, then try again."),
}
_OS_CAUSE_OF = {number: words for numbers, words in _OS_CAUSES.items() for number in numbers}


def explain_os_error(error: OSError, path: object = "") -> tuple[str, str]:
    """Return cause and remedy of an error of the operating system, by what it says went wrong.

    Args:
        error: the error.
        path: the file that the user knows; else the one that the error names.
    """
    name = str(path or error.filename or "the file")
    cause, remedy = _OS_CAUSE_OF.get(
        error.errno or 0,
        (f"{{path}}: {error.strerror or type(error).__name__}.", "Check the path and the disk."),
    )
    return cause.replace("{path}", name), remedy


def local_io_error(error: OSError, summary: str, path: object = "") -> LocalIOError:
    """Return the error for a local file that could not be used, with the remedy of its cause.

    Args:
        error: what the operating system said.
        summary: what could not be done, for example `notes.txt cannot be read`.
        path: the file that the user knows.
    """
    cause, remedy = explain_os_error(error, path)
    subject = str(path or error.filename or "")
    return LocalIOError(summary, cause=cause, remedy=remedy, subject=subject)
