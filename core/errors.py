"""The family of errors that `core` raises: each says what happened, why, and what to do."""

from __future__ import annotations

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
        self.remedy = remedy
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

    kind = ErrorKind.ACCESS_DENIED


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
