"""The one composition root: a connection becomes all services, each built on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

from core.aws.clients import ClientFactory
from core.model.connection import Connection, Identity, Profile
from core.work import Work

if TYPE_CHECKING:
    from core.objects.bucket import Bucket
    from core.storage.aws_secrets_manager import SecretsManager
    from core.storage.crypto_data_manager import CryptoDataManager
    from core.storage.s3_storage_service import S3StorageService


class Workspace:
    """All services of one connection. Building one is cheap: nothing is on the network yet.

    Built once per process and connection; the services share its clients and end with `close`.
    """

    def __init__(self, connection: Connection, *, clients: ClientFactory | None = None) -> None:
        self._clients = clients or ClientFactory(connection)

    @classmethod
    def open(cls, connection: Connection) -> Self:
        """Return the workspace of a connection; the first call on it connects."""
        return cls(connection)

    @property
    def connection(self) -> Connection:
        """The profile with its keys."""
        return self._clients.connection

    @property
    def profile(self) -> Profile:
        """The profile, without keys."""
        return self.connection.profile

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

    def identity(self, *, work: Work | None = None) -> Identity:
        """Return who AWS says we are; asked anew each time, since sessions end.

        Raises:
            StorageError: the credentials are missing, invalid or expired, or STS is out of reach.
        """
        from core.aws.identity import identity

        return identity(self._clients, work=work)

    def close(self) -> None:
        """Close the connections; running calls end, later ones are refused as cancelled."""
        self._clients.close()

    def __repr__(self) -> str:
        return f"<Workspace {self.profile.name!r}>"
