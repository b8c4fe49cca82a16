"""Errors that `core` raises: each states what happened, why, and what to do about it."""

from __future__ import annotations

import errno
from enum import Enum
from pathlib import Path

from core.hints import NO_HINTS, Hint


class ErrorKind(Enum):
    """Kind of a failure, for callers that decide by it; its value is the exit code of the CLI."""

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


#: Kinds of failures after which no request of the same profile would succeed.
CONNECTION_KINDS = frozenset(
    {
        ErrorKind.CREDENTIALS_MISSING,
        ErrorKind.CREDENTIALS_EXPIRED,
        ErrorKind.CREDENTIALS_INVALID,
        ErrorKind.CLOCK_SKEW,
        ErrorKind.OFFLINE,
    }
)
#: Kinds of failures after which the same call may succeed unchanged.
TRANSIENT_KINDS = frozenset(
    {ErrorKind.THROTTLED, ErrorKind.OFFLINE, ErrorKind.SERVICE, ErrorKind.ENGINE}
)

NOTHING_CHANGED = "Nothing was changed."


class StorageError(Exception):
    """A failure described for people, and the base class of all errors of `core`.

    Attributes: `summary` (what happened), `cause` (why), `effect` (what the failed action has left,
    see `core.effects`), `remedy` (what to do), `subject` (the object, secret or file concerned),
    `action` (the IAM action, if one was refused), `details` (codes for a bug report) and `hints`
    with `hint_value` (what the remedy proposes, see `core.hints`). None of the texts contains a
    secret; the code that sets `details` redacts it.
    """

    kind = ErrorKind.SERVICE
    #: The remedy of an error that is created without one.
    usual_remedy = ""
    #: The partial result of an operation that failed halfway, with what was changed; or None.
    partial: object = None

    def __init__(  # noqa: PLR0913 - one error is one record; every field is keyword-only
        self,
        summary: str,
        *,
        cause: str = "",
        effect: str = "",
        remedy: str = "",
        subject: str = "",
        action: str = "",
        details: str = "",
        kind: ErrorKind | None = None,
        hints: Hint = NO_HINTS,
        hint_value: str = "",
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.cause, self.effect = cause, effect
        self.remedy = remedy or self.usual_remedy
        self.subject, self.action, self.details = subject, action, details
        self.hints, self.hint_value = hints, hint_value
        if kind is not None:
            self.kind = kind

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without a change by the user."""
        return self.kind in TRANSIENT_KINDS

    @property
    def reason(self) -> str:
        """What happened and why, as sentences in one line."""
        return f"{self.summary.rstrip('.')}. {self.cause}" if self.cause else self.summary

    def __str__(self) -> str:
        parts = (self.summary, self.cause, self.effect, self.remedy)
        return "\n".join(part for part in parts if part)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle all fields for the engine's pipe: keyword-only fields are not in `args`."""
        return (_rebuilt, (type(self), dict(self.__dict__)))


def _rebuilt(cls: type[StorageError], state: dict[str, str]) -> StorageError:
    error = cls(state["summary"])
    error.__dict__.update(state)
    return error


class CredentialsMissing(StorageError):
    """The chosen credential source contains no keys."""

    kind = ErrorKind.CREDENTIALS_MISSING


class CredentialsExpired(StorageError):
    """The temporary credentials have expired."""

    kind = ErrorKind.CREDENTIALS_EXPIRED


class CredentialsInvalid(StorageError):
    """The keys are unknown, deactivated, deleted, or their secret does not match."""

    kind = ErrorKind.CREDENTIALS_INVALID


class AccessDenied(StorageError):
    """The keys are valid, but the permission is missing; `action` names it."""

    kind = ErrorKind.ACCESS_DENIED


class ReadOnlyProfile(StorageError):
    """The profile is read-only and was not unlocked; no request was sent."""

    kind = ErrorKind.READ_ONLY


class WrongRegion(StorageError):
    """The bucket is in another region, which could not be determined."""

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
    """Something with that name already exists."""

    kind = ErrorKind.ALREADY_EXISTS


class Conflict(StorageError):
    """Another client changed the resource first; nothing was overwritten."""

    kind = ErrorKind.CONFLICT


class InvalidInput(StorageError):
    """A value was refused, usually before a request was sent."""

    kind = ErrorKind.INVALID_INPUT


class NotSupported(StorageError):
    """The server, or this build, does not offer the feature."""

    kind = ErrorKind.NOT_SUPPORTED


class Archived(StorageError):
    """The object is in an archive storage class and must be restored first."""

    kind = ErrorKind.ARCHIVED


class ScheduledForDeletion(StorageError):
    """The secret is scheduled for deletion and must be restored before it can be used."""

    kind = ErrorKind.SCHEDULED_FOR_DELETION


class Throttled(StorageError):
    """The service throttled the requests."""

    kind = ErrorKind.THROTTLED


class Offline(StorageError):
    """The endpoint cannot be reached."""

    kind = ErrorKind.OFFLINE


class NotAnS3Answer(StorageError):
    """The answer is not one of S3: a captive portal, a proxy, or a wrong endpoint responded."""

    kind = ErrorKind.NOT_S3


class ServiceError(StorageError):
    """The service failed on its side."""

    kind = ErrorKind.SERVICE


class LimitExceeded(StorageError):
    """A quota or size limit would be exceeded."""

    kind = ErrorKind.LIMIT


class Corrupt(StorageError):
    """Bytes differ from their recorded hash, or stored data cannot be decoded."""

    kind = ErrorKind.CORRUPT
    usual_remedy = "Use another copy: an older version of the object, or another backup."
    #: The id of the damaged backup, if it is known.
    backup_id = ""


class SourceChanged(StorageError):
    """A local file changed while it was being read."""

    kind = ErrorKind.SOURCE_CHANGED


class LocalIOError(StorageError):
    """A local file could not be read or written."""

    kind = ErrorKind.LOCAL_IO


class DatabaseError(StorageError):
    """A database reported an error; the target is unchanged."""

    kind = ErrorKind.DATABASE


class DatabaseOffline(Offline):
    """A database server cannot be reached; S3 and Secrets Manager are not concerned."""


class DatabaseLoginRefused(CredentialsInvalid):
    """A database server refuses a user's password."""


class DatabaseBusy(Throttled):
    """A database server does not accept more connections."""


#: Errors of database servers that have the kind of an error of AWS, and the same exit code.
DATABASE_SERVER_ERRORS = (DatabaseOffline, DatabaseLoginRefused, DatabaseBusy)


class EngineError(StorageError):
    """The engine process ended during a task; the task can be run again."""

    kind = ErrorKind.ENGINE


class KeyringError(StorageError):
    """The keyring of the operating system is missing, locked, denied access, or is unsafe."""

    kind = ErrorKind.KEYRING


class Cancelled(StorageError):
    """The user cancelled the task. This is not a failure, and no error is shown for it."""

    kind = ErrorKind.CANCELLED


#: Cause and remedy of operating system errors, by errno; `{path}` is the file.
_OS_CAUSES: dict[tuple[int, ...], tuple[str, str]] = {
    (errno.ENOENT,): (
        "{path} does not exist.",
        "Check the path; the file may have been moved or deleted.",
    ),
    (errno.EACCES, errno.EPERM): (
        "You do not have permission to use {path}.",
        "Change the permissions of the file and its folder, or choose another place.",
    ),
    (errno.EROFS,): (
        "{path} is on a file system that is mounted read-only.",
        "Choose a folder on another file system.",
    ),
    (errno.ENOSPC,): ("The disk of {path} is full.", "Free some space, then try again."),
    (errno.EDQUOT,): (
        "The disk quota of this user is used up.",
        "Delete some of your files, or request a larger quota, then try again.",
    ),
    (errno.EFBIG,): (
        "The file system of {path} does not support files of this size.",
        "Choose another file system (FAT32 is limited to 4 GiB per file).",
    ),
    (errno.EISDIR,): ("{path} is a folder.", "Choose a file."),
    (errno.ENOTDIR,): ("A part of the path {path} is a file, not a folder.", "Correct the path."),
    (errno.EEXIST, errno.ENOTEMPTY): ("{path} already exists.", "Choose another name."),
    (errno.EMFILE, errno.ENFILE): (
        "Too many files are open.",
        "Close other programs or raise the limit (ulimit -n), then try again.",
    ),
    (errno.ENAMETOOLONG,): (
        "The name of {path} is longer than its file system allows.",
        "Choose a shorter name, or a folder with a shorter path.",
    ),
    (errno.ELOOP,): (
        "The symbolic links of {path} form a loop.",
        "Correct the links, or use the path of the file itself.",
    ),
    (errno.EBUSY, errno.ETXTBSY): (
        "{path} is in use by another program.",
        "Close that program, then try again.",
    ),
    (errno.EIO,): (
        "The device of {path} reports a read or write error.",
        "Check the disk or the network drive, and back up its files.",
    ),
    (errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN): (
        "The drive of {path} is no longer connected.",
        "Reconnect it, then try again.",
    ),
    (errno.EILSEQ, errno.EINVAL): (
        "The file system does not accept the name or the size of {path}.",
        "Choose another name or another folder.",
    ),
    (errno.EPIPE, errno.ECONNRESET): (
        "The other end of a pipe or connection was closed.",
        "Run the command again, and keep the reading program open until it ends.",
    ),
    (errno.ENOMEM,): ("There is not enough memory.", "Close other programs, then try again."),
}
_OS_CAUSE_OF = {number: texts for numbers, texts in _OS_CAUSES.items() for number in numbers}


def explain_os_error(error: OSError, path: object = "") -> tuple[str, str]:
    """Return the cause and the remedy of an operating system error, as texts for the user.

    Args:
        error: the error.
        path: the file as the user knows it; by default the file that the error names.
    """
    name = str(path or error.filename or "the file")
    number, folder = error.errno or 0, Path(name).parent
    if number in {errno.ENOENT, errno.EEXIST} and not folder.is_dir():
        if not folder.exists():
            return f"The folder {folder} does not exist.", "Correct the path, or create the folder."
        number = errno.ENOTDIR
    other = f"{{path}}: {error.strerror or type(error).__name__}.", "Check the path and the disk."
    cause, remedy = _OS_CAUSE_OF.get(number, other)
    return cause.replace("{path}", name), remedy


def local_io_error(error: OSError, summary: str, path: object = "") -> LocalIOError:
    """Return a `LocalIOError` whose remedy matches the cause of an operating system error.

    Args:
        error: the error of the operating system.
        summary: what failed, for example `notes.txt cannot be read`.
        path: the file as the user knows it.
    """
    cause, remedy = explain_os_error(error, path)
    subject = str(path or error.filename or "")
    return LocalIOError(summary, cause=cause, remedy=remedy, subject=subject)
