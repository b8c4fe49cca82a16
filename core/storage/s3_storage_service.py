"""The contract's S3 service: files, bytes, listings and links of one bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.aws.clients import ClientFactory
from core.errors import NotFound
from core.model.connection import (
    DEFAULT_BUCKET,
    DEFAULT_SECRET_NAME,
    Connection,
    KeySource,
    Profile,
)
from core.model.objects import Written
from core.objects import deleting, reading, writing
from core.objects.bucket import Bucket
from core.objects.level import modified_of, page_of
from core.objects.presign import presign
from core.storage.access import OfOneProcess, clients_for
from core.storage.script_arguments import bytes_of, check_count, file_of
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.storage.aws_secrets_manager import SecretsManager


class S3StorageService(OfOneProcess):
    """Operations of scripts on the bucket. Failures raise errors and never return False.

    The keys come from the secret `secret_name`, which is read with the credentials of the caller.
    With `clients` or `bucket_name` the caller's credentials are used for the bucket directly.
    """

    def __init__(  # noqa: PLR0913 - the contract's two, and keyword-only ways to share clients
        self,
        secret_name: str = DEFAULT_SECRET_NAME,
        region_name: str = "us-east-1",
        *,
        bucket_name: str | None = None,
        connection: Connection | None = None,
        clients: ClientFactory | None = None,
        endpoint_url: str | None = None,
        profile: str | Profile | None = None,
    ) -> None:
        given = clients_for(
            region_name,
            connection=connection,
            clients=clients,
            endpoint_url=endpoint_url,
            profile=profile,
        )
        # Scripts name neither and use the bucket and the keys of the secret, as before.
        if bucket_name is None and clients is None:
            self._bucket = _bucket_of_secret(given, secret_name, region_name)
        else:
            self._bucket = Bucket(given, bucket_name or given.connection.profile.bucket)
        self._given = given
        self._region = given.connection.profile.region or region_name
        self._secrets: SecretsManager | None = None

    @property
    def s3_client(self) -> Any:
        """The boto3 client of the bucket, for operations that this class does not have.

        Its errors are botocore's, not those of `core.errors`.
        """
        return self._bucket.client

    @property
    def secrets_manager(self) -> SecretsManager:
        """The secrets in the account of the caller's credentials."""
        # Imported on first use: most scripts only use the bucket.
        if self._secrets is None:
            from core.storage.aws_secrets_manager import SecretsManager

            self._secrets = SecretsManager(clients=self._given)
        return self._secrets

    @property
    def region_name(self) -> str:
        """The region of Secrets Manager; the bucket may be in another one."""
        return self._region

    @property
    def bucket_name(self) -> str:
        """The bucket's name."""
        return self._bucket.name

    @property
    def bucket(self) -> Bucket:
        """The bucket with its clients, for the functions of `core.objects`."""
        return self._bucket

    def upload_file(
        self,
        local_file_path: str | Path,
        s3_key: str,
        metadata: dict[str, str] | None = None,
        content_type: str | None = None,
        *,
        work: Work | None = None,
    ) -> Written:
        """Upload a local file, and verify the stored object.

        Raises:
            StorageError: see `core.objects.writing.upload`; then nothing is stored.
        """
        return writing.upload(
            self._bucket,
            s3_key,
            file_of(local_file_path),
            metadata=metadata,
            content_type=content_type,
            work=work,
        )

    def upload_data(
        self,
        data: str | bytes,
        s3_key: str,
        metadata: dict[str, str] | None = None,
        content_type: str = "application/json",
        *,
        work: Work | None = None,
    ) -> Written:
        """Store text (as UTF-8) or bytes.

        Raises:
            InvalidInput: the data is neither, or not valid Unicode.
            StorageError: see `core.objects.writing.put`; then nothing is stored.
        """
        return writing.put(
            self._bucket,
            s3_key,
            bytes_of(data),
            metadata=metadata,
            content_type=content_type,
            work=work,
        )

    def download_file(
        self, s3_key: str, local_file_path: str | Path, *, work: Work | None = None
    ) -> reading.Downloaded:
        """Download an object to a file, which is only replaced after the object is verified.

        Raises:
            NotFound: the object does not exist.
            StorageError: see `core.objects.reading.download`; the file is unchanged.
        """
        return reading.download(
            self._bucket, s3_key, file_of(local_file_path), overwrite=True, work=work
        )

    def get_object_data(self, s3_key: str, *, work: Work | None = None) -> bytes:
        """Return an object's bytes.

        Raises:
            NotFound: the object does not exist.
        """
        return reading.read(self._bucket, s3_key, work=work)

    def delete_object(self, s3_key: str, *, work: Work | None = None) -> deleting.Deleted:
        """Delete an object; an object that does not exist counts as deleted."""
        return deleting.delete(self._bucket, s3_key, work=work)

    def object_exists(self, s3_key: str, *, work: Work | None = None) -> bool:
        """Return whether an object exists; a denied request raises an error.

        Raises:
            AccessDenied: the request was denied.
        """
        try:
            reading.head(self._bucket, s3_key, work=work)
        except NotFound as error:
            if type(error) is not NotFound:
                raise  # a missing bucket says nothing about the object
            return False
        return True

    def list_objects(
        self, prefix: str = "", max_keys: int = 1000, *, work: Work | None = None
    ) -> list[dict[str, Any]]:
        """Return up to `max_keys` objects in the order of their keys, also more than 1,000.

        Each is `{"key", "size" (bytes), "last_modified" (aware datetime), "etag"}`.

        Raises:
            InvalidInput: `max_keys` is negative.
        """
        check_count("max_keys", max_keys)
        work = default_work(work)
        found: list[dict[str, Any]] = []
        token: str | None = None
        while len(found) < max_keys:
            work.check()
            # 1,000 is the maximum of ListObjectsV2 for one page.
            size = min(1000, max_keys - len(found))
            columns, token = page_of(self._bucket, prefix, token=token, size=size, work=work)
            found += [
                {"key": key, "size": bytes_, "last_modified": modified_of(text), "etag": etag}
                for key, bytes_, text, etag in zip(
                    columns.keys, columns.sizes, columns.modified, columns.etags, strict=True
                )
            ]
            if token is None:
                break
        return found

    def generate_presigned_url(
        self,
        s3_key: str,
        expiration: int = 3600,
        http_method: str = "GET",
        *,
        work: Work | None = None,
    ) -> str:
        """Return a link for GET, PUT, HEAD or DELETE; S3 allows 7 days at most.

        Anyone with the URL can use it until it expires, so it must not be logged.
        `core.objects.presign.presign` also returns when it actually expires.
        """
        link = presign(self._bucket, s3_key, method=http_method, expires=expiration, work=work)
        return link.url.reveal()


def _bucket_of_secret(given: ClientFactory, secret_name: str, region_name: str) -> Bucket:
    """Return the bucket of the secret, with clients that use the keys of the secret."""
    from core.storage.aws_secrets_manager import SecretsManager
    from core.storage.s3_keys import storage_keys

    found = storage_keys(SecretsManager(clients=given), secret_name)
    profile = Profile(
        name=f"secret {secret_name}",
        # The keys exist only in memory, so no other source may be consulted.
        source=KeySource.SESSION,
        region=found.region or region_name,
        endpoint_url=given.endpoint_url,
        bucket=found.bucket or DEFAULT_BUCKET,
    )
    return Bucket(ClientFactory(Connection(profile, found.keys)), profile.bucket)
