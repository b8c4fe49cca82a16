"""Common state of the permission checks: test object, test secret, and their removal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import AccessDenied, ReadOnlyProfile, StorageError
from core.health.check_secrets import Place, SecretRecord, delete_check_secret, new_name
from core.objects.bucket import Bucket
from core.objects.check_objects import CHECK_PREFIX, CheckRecord, recorded
from core.work import Work, finishing

Needed = Literal["contract", "extra"]


@dataclass(frozen=True, slots=True)
class PermissionResult:
    """Result for one action: allowed, denied, or None if not tested; `detail` is the reason."""

    action: str
    ok: bool | None
    needed: Needed
    detail: str = ""


@dataclass(slots=True)
class Probe:
    """State of the checks of one run, with everything that has to be undone."""

    clients: ClientFactory
    work: Work
    bucket: str
    secret_name: str
    key: str = field(default_factory=lambda: f"{CHECK_PREFIX}{uuid4().hex}.txt")
    absent: str = field(default_factory=new_name)
    listed_key: str = ""
    written: bool = False
    version_ids: list[str] = field(default_factory=list)
    versioned: bool = False
    versions_refused: StorageError | None = None
    secret_made: bool = False
    deletable: bool = False
    #: Whether a write failed with an unknown outcome.
    unsure: bool = False
    record: CheckRecord = field(default_factory=CheckRecord)
    secret_record: SecretRecord | None = None

    def recorded(self) -> contextlib.AbstractContextManager[CheckRecord]:
        """Record the test object inside the block, so that it is removed even after a kill."""
        return recorded(Bucket(self.clients, self.bucket), self.key, self.work)

    def s3(self, operation: str, **arguments: Any) -> Any:
        """Call S3 on the bucket; `operation` is botocore's method name."""
        with translated(f"s3:{_camel(operation)}", f"s3://{self.bucket}", self.work):
            client = self.clients.for_bucket(self.bucket, work=self.work)
            return getattr(client, operation)(Bucket=self.bucket, **arguments)

    def secrets(self, operation: str, **arguments: Any) -> Any:
        """Call Secrets Manager; `operation` is botocore's method name."""
        subject = str(arguments.get("SecretId", arguments.get("Name", "")))
        with translated(f"secretsmanager:{_camel(operation)}", subject, self.work):
            return getattr(self.clients.secrets(), operation)(**arguments)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Record that a write without an answer may have been successful."""
        try:
            yield
        # Refused before anything was written, so there is nothing to remove.
        except (AccessDenied, ReadOnlyProfile):
            raise
        except StorageError:
            self.unsure = True
            raise

    def remember_version(self, answer: dict[str, Any]) -> None:
        """Record a version of the test object in a versioned bucket."""
        version = str(answer.get("VersionId", "") or "")
        # `null` is the version of a bucket without versioning, which a normal delete removes.
        if version and version != "null":
            self.version_ids.append(version)

    def drop_versions(self) -> None:
        """Remove the recorded versions of the test object, including delete markers."""
        while self.version_ids:
            self.s3("delete_object", Key=self.key, VersionId=self.version_ids[-1])
            # Only after the request: if it fails, the version is tried again later.
            self.version_ids.pop()

    def _find_versions(self) -> None:
        """Find the versions of a write that was repeated or whose answer was lost."""
        # Listing versions needs another permission and is only useful with possible leftovers.
        if not (self.versioned or self.version_ids or self.unsure):
            return
        with contextlib.suppress(StorageError):
            found = self.s3("list_object_versions", Prefix=self.key)
            for entry in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
                if entry["VersionId"] not in self.version_ids:
                    self.remember_version(entry)

    def try_to_drop_versions(self) -> StorageError | None:
        """Remove the recorded versions, or return the reason why this is not possible."""
        try:
            self.drop_versions()
        except StorageError as error:
            return error
        return None

    def make_test_secret(self, **arguments: Any) -> None:
        """Create the test secret, recorded before: what a kill leaves is deleted later."""
        self.secret_record = SecretRecord(Place.of(self.clients), self.absent)
        self.secret_record.begin()
        with self.writing():
            self.secrets("create_secret", Name=self.absent, **arguments)
        self.secret_made = True

    def undo(self) -> None:
        """Remove all test objects that may be removed, for a short time even after a cancel."""
        with finishing(self.work) as self.work:
            self._remove_object()
            self._delete_secret()

    def _remove_object(self) -> None:
        if self.written or self.unsure:
            with contextlib.suppress(StorageError):
                self.remember_version(self.s3("delete_object", Key=self.key))
                self.record.removed = True
        # A permission that is known to be missing is not tried again.
        if self.versions_refused is None:
            self._find_versions()
            self.try_to_drop_versions()

    def _delete_secret(self) -> None:
        # After a lost answer the secret may exist, so its deletion is tried as well.
        gone = not (self.secret_made or self.unsure)
        if not gone:
            with contextlib.suppress(StorageError):
                delete_check_secret(self.clients, self.absent, self.work)
                gone = True
        if self.secret_record is not None:
            self.secret_record.end(gone=gone)


class NotChecked(Exception):  # noqa: N818 - not an error: a check that is skipped has a reason
    """A check was skipped because it would make a change that cannot be undone."""


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """An action, what requires it, and its test; `run` returns a text or raises an error."""

    action: str
    needed: Needed
    run: Callable[[Probe], str]


def _camel(operation: str) -> str:
    special = {"list_objects_v2": "ListObjectsV2"}
    return special.get(operation) or "".join(part.title() for part in operation.split("_"))
