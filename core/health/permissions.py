"""The permission check of "Test connection" in the window and of `strongroom check`."""

from __future__ import annotations

from core.aws.clients import ClientFactory
from core.errors import (
    AccessDenied,
    ErrorKind,
    NoSuchBucket,
    NotSupported,
    ReadOnlyProfile,
    StorageError,
)
from core.health.check_secrets import remove_left_check_secrets
from core.health.permission_checks import CHECKS
from core.health.permission_probe import NotChecked, PermissionCheck, PermissionResult, Probe
from core.work import Progress, Work, default_work

__all__ = ["CHECKS", "PermissionResult", "check_permissions"]

#: Detail of unsupported services: many servers only support S3.
NOT_SUPPORTED = "not supported by this server"
#: Kinds of errors that are not about a single permission and end the check.
_FATAL = frozenset(
    {
        ErrorKind.CREDENTIALS_MISSING,
        ErrorKind.CREDENTIALS_EXPIRED,
        ErrorKind.CREDENTIALS_INVALID,
        ErrorKind.CLOCK_SKEW,
        ErrorKind.OFFLINE,
        ErrorKind.NOT_S3,
        ErrorKind.CANCELLED,
        ErrorKind.KEYRING,
    }
)


def check_permissions(
    clients: ClientFactory, *, extras: bool = True, work: Work | None = None
) -> tuple[PermissionResult, ...]:
    """Test every permission with the keys of the connection; test objects are removed.

    Only if a bucket is versioned and versions must not be deleted, two hidden versions of the test
    object remain (one is a delete marker), which the result of `s3:DeleteObject` states. Leftovers
    of a killed check are removed first. Each result is also reported through `work.batch` at once.

    Args:
        clients: the clients of the connection; its profile has bucket and secret.
        extras: whether to test the permissions beyond those of the contract.
        work: cancel token, progress.

    Raises:
        StorageError: the keys are invalid or the network failed.
    """
    work = default_work(work)
    profile = clients.connection.profile
    probe = Probe(clients, work, profile.bucket, profile.secret_name)
    checks = [check for check in CHECKS if extras or check.needed == "contract"]
    results: list[PermissionResult] = []
    remove_left_check_secrets(clients, work)
    with probe.recorded() as probe.record:
        try:
            for number, check in enumerate(checks):
                work.check()
                work.report(Progress(number, len(checks), "checks", check.action))
                results.append(_check_one(check, probe))
                work.batch(results[-1])
        finally:
            probe.undo()
            # A write that was refused has left nothing, and its record can be deleted.
            probe.record.removed |= not (probe.record.stored or probe.unsure)
    work.report(Progress(len(checks), len(checks), "checks"))
    return tuple(results)


_READ_ONLY = "not tested: the profile is read-only; unlock it to test permissions for changes"


def _check_one(check: PermissionCheck, probe: Probe) -> PermissionResult:
    ok: bool | None = None
    try:
        ok, detail = True, check.run(probe)
    except NotChecked as reason:
        detail = f"not tested: {reason}"
    except ReadOnlyProfile:
        detail = _READ_ONLY
    except AccessDenied as error:
        ok, detail = False, error.cause
    except NotSupported:
        detail = NOT_SUPPORTED
    except StorageError as error:
        # S3-compatible servers answer requests of other services with web pages or S3 errors.
        other_service = not check.action.startswith("s3:")
        if error.kind is ErrorKind.NOT_S3 and other_service:
            return PermissionResult(check.action, None, check.needed, NOT_SUPPORTED)
        if error.kind in _FATAL:
            raise
        # Any other error says nothing about the permission.
        ok = False if isinstance(error, NoSuchBucket) else None
        detail = f"{error.summary}. {error.cause}".strip()
    return PermissionResult(check.action, ok, check.needed, detail)
