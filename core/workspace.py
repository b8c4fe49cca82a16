"""The one composition root: a connection becomes all services, each built on first use."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from core.aws.clients import ClientFactory
from core.model.connection import Connection, Profile
from core.work import Work

if TYPE_CHECKING:
    from datetime import datetime

    from core.doctor.doctor import Doctor
    from core.doctor.repairs import Repairer
    from core.links.ledger import Ledger
    from core.local.connections import Connections
    from core.model.identity import Identity
    from core.model.rotation import RotationTiming
    from core.objects.bucket import Bucket
    from core.rotation.service import Rotator
    from core.storage.aws_secrets_manager import SecretsManager
    from core.storage.crypto_data_manager import CryptoDataManager
    from core.storage.s3_storage_service import S3StorageService


class Workspace:
    """All services of one connection. Building one is cheap: nothing is on the network yet.

    Built once per process and connection; the services share its clients and end with `close`.
    With a production profile every call that changes something raises `ReadOnlyProfile` until
    the workspace is unlocked: requests, presigned links, and what the engine runs.
    """

    def __init__(self, connection: Connection, *, clients: ClientFactory | None = None) -> None:
        self._clients = clients or ClientFactory(connection)

    @classmethod
    def open(cls, connection: Connection, *, unlocked: bool = False) -> Self:
        """Return the workspace of a connection; the first call on it connects.

        Args:
            connection: the profile and its keys.
            unlocked: allow changes with a production profile, which is otherwise read-only.
        """
        return cls(replace(connection, unlocked=True) if unlocked else connection)

    @property
    def connection(self) -> Connection:
        """The profile with its keys."""
        return self._clients.connection

    @property
    def profile(self) -> Profile:
        """The profile, without keys."""
        return self.connection.profile

    @property
    def read_only(self) -> bool:
        """Whether every call that changes something is refused."""
        return self.connection.read_only

    def set_unlocked(self, *, unlocked: bool) -> None:
        """Allow or refuse changes with a production profile from now on."""
        self._clients.set_unlocked(unlocked=unlocked)

    @property
    def clients(self) -> ClientFactory:
        """The factory whose clients all services here share."""
        return self._clients

    @cached_property
    def bucket(self) -> Bucket:
        """The profile's bucket."""
        from core.objects.bucket import Bucket

        return Bucket(self._clients, self.profile.bucket)

    @cached_property
    def secrets(self) -> SecretsManager:
        """Secrets Manager."""
        from core.storage.aws_secrets_manager import SecretsManager

        return SecretsManager(clients=self._clients)

    @cached_property
    def s3(self) -> S3StorageService:
        """The contract's S3 service on the profile's bucket."""
        from core.storage.s3_storage_service import S3StorageService

        return S3StorageService(clients=self._clients, bucket_name=self.profile.bucket)

    @cached_property
    def data(self) -> CryptoDataManager:
        """The contract's data service on the profile's bucket."""
        from core.storage.crypto_data_manager import CryptoDataManager

        return CryptoDataManager(self.s3)

    def rotator(
        self, connections: Connections | None = None, *, timing: RotationTiming | None = None
    ) -> Rotator:
        """Return the service that rotates secrets.

        Args:
            connections: the stored profiles, which receive a new key; by default those of this
                machine.
            timing: how long its rotations wait.
        """
        from core.local.connections import Connections
        from core.rotation.local_keys import LocalKeys
        from core.rotation.service import Rotator

        local = LocalKeys(connections or Connections())
        return Rotator(self._clients, local=local, timing=timing)

    @cached_property
    def doctor(self) -> Doctor:
        """The diagnosis of interrupted rotations and unused keys."""
        from core.doctor.doctor import Doctor

        return Doctor(self._clients)

    def repairer(self, connections: Connections | None = None) -> Repairer:
        """Return the service that repairs what the doctor finds; see `rotator`."""
        from core.doctor.repairs import Repairer

        return Repairer(self._clients, self.rotator(connections))

    @staticmethod
    def ledger() -> Ledger:
        """Return the ledger of the links made on this machine; it needs no connection."""
        from core.links.ledger import Ledger

        return Ledger()

    def key_ends(self) -> datetime | None:
        """Return when a rotation that waits on this machine deactivates the key in use, if any.

        Links and forms that are signed now end then, too.

        Raises:
            LocalIOError: the journal of rotations cannot be read.
            StorageError: the credentials cannot be obtained.
        """
        from core.rotation.key_end import planned_key_end

        return planned_key_end(self._clients.frozen_keys().access_key_id)

    def identity(self, *, work: Work | None = None) -> Identity:
        """Return the identity of the caller, requested each time because sessions end.

        Raises:
            StorageError: the credentials are missing, invalid or expired, or STS cannot be reached.
        """
        from core.aws.identity import identity

        return identity(self._clients, work=work)

    def close(self) -> None:
        """Close the connections; running calls end, later ones are refused as cancelled."""
        self._clients.close()

    def __repr__(self) -> str:
        return f"<Workspace {self.profile.name!r}>"
