"""Interface of backups to their storage: put, read, list, delete.

botocore and what needs it are imported by `prepare` or the first request, so that a database server
works while that takes its tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from core.errors import ServiceError
from core.model.objects import Verdict
from core.units import format_counted
from core.work import Work

if TYPE_CHECKING:
    from core.model.connection import Profile
    from core.objects.bucket import Bucket
    from core.storage.aws_secrets_manager import SecretsManager

_CONTENT_TYPES = {"json": "application/json", "zst": "application/zstd"}


@dataclass(frozen=True, slots=True)
class Stored:
    """One object of a listing; `size` in bytes, `modified` as the server wrote it (ISO 8601)."""

    key: str
    size: int
    modified: str
    storage_class: str = "STANDARD"


class Store(Protocol):
    """Storage of backups."""

    @property
    def place(self) -> str:
        """A text that identifies the store on this machine."""

    def prepare(self) -> None:
        """Import what the first request needs, while its data is not complete; nothing is sent."""

    def put(
        self, key: str, data: bytes, metadata: dict[str, str], *, work: Work, only_new: bool = True
    ) -> Verdict:
        """Write an object, and return the verdict of its verification.

        Raises:
            AlreadyExists: `only_new`, and the key exists; that object is not changed.
        """

    def read(self, key: str, *, work: Work) -> bytes:
        """Return an object's bytes."""

    def list(self, prefix: str, *, work: Work) -> Iterator[Stored]:
        """Yield all objects below a prefix, in undefined order."""

    def delete(self, keys: Iterable[str], *, work: Work) -> None:
        """Remove objects.

        Raises:
            StorageError: When any of them could not be removed.
        """


def place_of(profile: Profile) -> str:
    """Return the text that identifies the bucket of a profile: its endpoint and its name."""
    return f"{profile.endpoint_url or 'AWS'}/{profile.bucket}"


class BucketStore:
    """A bucket as a store."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @property
    def place(self) -> str:
        """The bucket and its endpoint."""
        profile = self._bucket.clients.connection.profile
        return place_of(replace(profile, bucket=self._bucket.name))

    @cached_property
    def secrets(self) -> SecretsManager:
        """Secrets Manager of the same connection, which may contain the keys of backups."""
        from core.storage.aws_secrets_manager import SecretsManager

        return SecretsManager(clients=self._bucket.clients)

    def prepare(self) -> None:
        """Import botocore, and what needs it."""
        from core.aws.botocore_modules import import_botocore

        import_botocore()
        import_module("core.objects.writing")

    def put(
        self, key: str, data: bytes, metadata: dict[str, str], *, work: Work, only_new: bool = True
    ) -> Verdict:
        """Write an object, by default only if the key does not exist."""
        from core.objects.writing import put

        kind = _CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        return put(
            self._bucket,
            key,
            data,
            metadata=metadata,
            content_type=kind,
            only_new=only_new,
            work=work,
        ).verdict

    def read(self, key: str, *, work: Work) -> bytes:
        """Return an object's bytes."""
        from core.objects.reading import read

        return read(self._bucket, key, work=work)

    def list(self, prefix: str, *, work: Work) -> Iterator[Stored]:
        """Yield all objects below a prefix."""
        from core.objects.listing import list_pages

        for page in list_pages(self._bucket, prefix, work=work):
            yield from map(Stored, page.keys, page.sizes, page.modified, page.classes)

    def delete(self, keys: Iterable[str], *, work: Work) -> None:
        """Remove objects, and raise an error if any remains."""
        from core.objects.deleting import delete_many

        failed = delete_many(self._bucket, list(keys), work=work).failed
        if failed:
            raise ServiceError(
                f"{format_counted(len(failed), 'object')} could not be removed",
                cause=f"{failed[0].key}: {failed[0].code} {failed[0].message}".strip(),
                remedy="Check the permission s3:DeleteObject and the bucket's object lock.",
                subject=self._bucket.subject(failed[0].key),
            )
