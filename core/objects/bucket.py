"""A bucket together with the clients that reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.aws.clients import ClientFactory


@dataclass(frozen=True, slots=True)
class Bucket:
    """What every function of this floor is handed first."""

    clients: ClientFactory
    name: str

    @property
    def client(self) -> Any:
        """An S3 client in the bucket's own region, for calls that may be repeated."""
        return self.clients.for_bucket(self.name)

    @property
    def client_once(self) -> Any:
        """The same for calls that must not be repeated by themselves."""
        return self.clients.for_bucket(self.name, once=True)

    def subject(self, key: str = "") -> str:
        """Return the `s3://` address of a key, or of the bucket, for messages."""
        return f"s3://{self.name}/{key}" if key else f"s3://{self.name}"
