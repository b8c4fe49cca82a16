"""A bucket with the clients that access it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from core.aws.clients import ClientFactory


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and its clients: the first argument of the functions in this package."""

    clients: ClientFactory
    name: str

    @property
    def client(self) -> Any:
        """An S3 client in the bucket's region, for calls that may be retried."""
        return self.clients.for_bucket(self.name)

    @property
    def client_once(self) -> Any:
        """An S3 client in the bucket's region that never retries a request."""
        return self.clients.for_bucket(self.name, once=True)

    def subject(self, key: str = "") -> str:
        """Return the `s3://` address of a key, or of the bucket, for messages."""
        return f"s3://{self.name}/{key}" if key else f"s3://{self.name}"


class HasBucket(Protocol):
    """The part of a workspace that operations on objects need: its bucket."""

    @property
    def bucket(self) -> Bucket:
        """The bucket that the operation reads or changes."""
