"""Factory of all AWS clients: cached, thread-safe, signed with SigV4, in the bucket's region."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.aws.actions import action_of, is_changing, operations_sent
from core.aws.botocore_modules import import_botocore
from core.aws.current_work import current_work
from core.aws.endpoints import client_config, endpoint_for
from core.errors import Cancelled, InvalidInput, ReadOnlyProfile
from core.hints import Hint
from core.model.connection import AccessKeys, Connection
from core.redaction import Secret
from core.work import CancelToken, Work

if TYPE_CHECKING:
    from core.aws.attempts import Watcher
    from core.aws.expiry import Expiry
    from core.aws.session import AskMfa

_log = logging.getLogger(__name__)

#: Called with (service, operation) in the calling thread before each request is sent.
REQUEST_OBSERVERS: list[Callable[[str, str], None]] = []
#: Called likewise with (profile, service, operation), to record the actions of a profile.
USE_OBSERVERS: list[Callable[[str, str, str], None]] = []


class ClientFactory:
    """Creates and caches the clients of one connection. The constructor sends no requests.

    Threads may share a client (botocore's are thread-safe), but creating one is not thread-safe and
    is done under a lock. `once=True` returns a client that never retries a request.
    """

    def __init__(self, connection: Connection, *, ask_mfa: AskMfa | None = None) -> None:
        self._connection = connection
        self._ask_mfa = ask_mfa
        self._lock = threading.RLock()
        self._finding = threading.Lock()
        self._session: Any = None
        self._credentials: Any = None
        self._clients: dict[tuple[str, str, bool], Any] = {}
        self._regions: dict[str, str] = {}
        self._served: set[str] = set()
        self._closed = False
        self._watcher: Watcher | None = None

    @property
    def connection(self) -> Connection:
        """The connection that the clients belong to."""
        return self._connection

    @property
    def endpoint_url(self) -> str | None:
        """The custom URL of S3, or None for AWS."""
        return endpoint_for(self._connection.profile, "s3")

    @property
    def region(self) -> str:
        """The profile's region."""
        return self._connection.profile.region

    def s3(self, *, region: str | None = None, once: bool = False) -> Any:
        """Return an S3 client for a region, by default the profile's."""
        return self._client("s3", region or self.region, once=once)

    def secrets(self, *, once: bool = False) -> Any:
        """Return a Secrets Manager client."""
        return self._client("secretsmanager", self.region, once=once)

    def iam(self, *, once: bool = False) -> Any:
        """Return an IAM client."""
        return self._client("iam", self.region, once=once)

    def sts(self) -> Any:
        """Return an STS client."""
        return self._client("sts", self.region, once=False)

    def s3_account(self) -> Any:
        """Return a client for the account-wide S3 settings, which only AWS has."""
        return self._client("s3control", self.region, once=False)

    def cloudwatch(self) -> Any:
        """Return a CloudWatch client."""
        return self._client("cloudwatch", self.region, once=False)

    def athena(self, region: str) -> Any:
        """Return an Athena client for a region."""
        return self._client("athena", region, once=False)

    def for_bucket(self, bucket: str, *, once: bool = False, work: Work | None = None) -> Any:
        """Return an S3 client for the region of a bucket, which is determined once and cached.

        Raises:
            NoSuchBucket: the bucket does not exist.
            StorageError: the endpoint cannot be reached, or there are no credentials.
        """
        if bucket in self._served and bucket not in self._regions:
            return self.s3(once=once)
        return self.s3(region=self.bucket_region(bucket, work=work), once=once)

    def client_to_try(self, bucket: str) -> Any:
        """Return a client for a first request, whose success makes HeadBucket unnecessary, or None.

        At a custom URL the requests for all regions have the same address, so only a server that
        compares the region in the signature refuses it. Report a success with `note_served`.

        Raises:
            StorageError: there are no credentials.
        """
        known = bucket in self._regions or bucket in self._served
        return None if known or self.endpoint_url is None else self.s3()

    def note_served(self, bucket: str) -> None:
        """Use clients of the profile's region for a bucket, since the server has answered one."""
        self._served.add(bucket)

    def bucket_region(self, bucket: str, *, work: Work | None = None) -> str:
        """Return the region of a bucket; the first call sends HeadBucket and logs a difference."""
        token = (work or current_work()).token
        # In short steps, so that a caller that is cancelled does not wait for the request of
        # another.
        while not self._finding.acquire(timeout=0.2):
            token.check()
        try:
            if bucket not in self._regions:
                token.check()
                self._regions[bucket] = self._find(bucket, token)
            return self._regions[bucket]
        finally:
            self._finding.release()

    def followed(self, bucket: str) -> str | None:
        """Return the bucket's region if it is known and differs from the profile's, else None."""
        region = self._regions.get(bucket)
        return region if region != self.region else None

    def frozen_keys(self) -> AccessKeys:
        """Return the current keys, refreshed if necessary, for signatures.

        Raises:
            StorageError: the credential source has no keys, or they cannot be refreshed.
        """
        from core.aws.faults import translated

        with translated("sts:AssumeRole", self._connection.profile.name):
            frozen = self._resolved().get_frozen_credentials()
        token = Secret(frozen.token) if frozen.token else None
        return AccessKeys(frozen.access_key, Secret(frozen.secret_key), token)

    def credentials_expire(self) -> datetime | None:
        """Return when temporary credentials expire; None if they are permanent or it is unknown."""
        return self.credentials_expiry().at

    def credentials_expiry(self) -> Expiry:
        """Return whether the credentials are temporary, and when they expire if it is known.

        Raises:
            StorageError: the credential source has no keys, or they cannot be refreshed.
        """
        from core.aws.expiry import expiry_of
        from core.aws.faults import translated

        with translated("sts:AssumeRole", self._connection.profile.name):
            return expiry_of(self._connection, self._resolved())

    def credentials_method(self) -> str:
        """Return botocore's name of the credential source, for example `sso` or `iam-role`."""
        from core.aws.faults import translated

        with translated("sts:AssumeRole", self._connection.profile.name):
            return str(getattr(self._resolved(), "method", ""))

    def renew(self, connection: Connection) -> None:
        """Use a new session for new clients; running requests finish on the clients they have.

        Args:
            connection: the same profile, with the keys of the new session if they are stored with
                it.
        """
        with self._lock:
            present = self._connection
            # With another number, the engine opens a new session, too, if no key has changed here.
            self._connection = replace(
                connection, unlocked=present.unlocked, session=present.session + 1
            )
            # The old clients are not closed: requests that use them may still be running.
            self._session = self._credentials = None
            self._clients = {}

    def set_unlocked(self, *, unlocked: bool) -> None:
        """Allow or refuse changes with a read-only profile from now on."""
        self._connection = replace(self._connection, unlocked=unlocked)

    def watch(self, watcher: Watcher | None) -> None:
        """Report each request to a callback, in the calling thread; None stops it."""
        self._watcher = watcher

    def require_writable(self, action: str) -> None:
        """Raise an error if the profile is read-only; the message names the action.

        Raises:
            ReadOnlyProfile: the profile is read-only and was not unlocked.
        """
        if self._connection.read_only:
            name = self._connection.profile.name
            raise ReadOnlyProfile(
                f"The profile {name} is read-only",
                cause=f"{action} would change data, and a production profile is read-only until "
                "it is unlocked.",
                effect="Nothing was sent.",
                remedy="Unlock the profile, then try again.",
                hints=Hint.UNLOCK,
                subject=name,
                action=action,
            )

    def close(self) -> None:
        """Close all connections; requests that are still running are cancelled."""
        with self._lock:
            self._closed = True
            clients, self._clients = list(self._clients.values()), {}
        # Outside the lock: closing sockets must not block threads that request a client.
        for client in clients:
            client.close()

    def __repr__(self) -> str:
        return f"<ClientFactory {self._connection.profile.name!r}>"

    def _client(self, service: str, region: str, *, once: bool) -> Any:
        from core.aws.faults import translated  # not before a database is connected

        slot = (service, region, once)
        with self._lock:
            if self._closed:
                raise Cancelled("The connection was closed")
            if slot not in self._clients:
                with translated(f"{service}:Connect", self._connection.profile.name):
                    self._clients[slot] = self._made(service, region, once=once)
            return self._clients[slot]

    def _made(self, service: str, region: str, *, once: bool) -> Any:
        import_botocore()
        from core.aws.head_requests import explain_refused_heads
        from core.aws.retries import install
        from core.aws.session import addressing_style

        self._resolved()
        endpoint = endpoint_for(self._connection.profile, service)
        # Otherwise botocore signs links in some regions with an older version
        # (`core.objects.presign`).
        signature = "s3v4" if service == "s3" else None
        style = addressing_style(self._session)
        try:
            _check_scheme(endpoint)
            client = self._session.create_client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                config=client_config(endpoint, signature=signature, addressing=style),
            )
        except ValueError as error:
            raise _unusable(self._connection.profile.name, region, endpoint, error) from None
        # Before the parameters are built: presigning a URL emits this event, too, but sends
        # nothing.
        client.meta.events.register_first("before-parameter-build", self._guard)
        client.meta.events.register("before-send", self._observe)
        install(client, once=once)
        if service == "s3":
            explain_refused_heads(client)
        # Registered first: the handler that decides about a retry waits.
        name = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register_first(f"needs-retry.{name}", self._on_attempt)
        return client

    def note_use(self, service: str, operation: str) -> None:
        """Report a request that another library sends with these keys to `USE_OBSERVERS`.

        Raises:
            ReadOnlyProfile: the request would change data and the profile is read-only.
        """
        unversioned = operation.removesuffix("Version").replace("VersionTagging", "Tagging")
        if is_changing(service, unversioned):
            self.require_writable(action_of(f"{service.replace('-', '')}:{operation}"))
        for observer in tuple(USE_OBSERVERS):
            observer(self._connection.profile.name, service, operation)

    def _guard(self, event_name: str = "", **_details: Any) -> None:
        """Refuse changes with a read-only profile, both requests and presigned URLs."""
        _, service, operation = event_name.split(".", 2)
        if is_changing(service, operation):
            self.require_writable(action_of(f"{service.replace('-', '')}:{operation}"))

    def _on_attempt(
        self,
        event_name: str = "",
        response: Any = None,
        caught_exception: Exception | None = None,
        request_dict: Any = None,
        **_details: Any,
    ) -> None:
        """Report the outcome of an attempt; event names are `needs-retry.service.Operation`."""
        if self._watcher is not None:
            from core.aws.attempts import endpoint_of, outcome

            _, service, operation = event_name.split(".", 2)
            host = endpoint_of(request_dict["url"])
            called = f"{service.replace('-', '')}:{operation}"
            self._watcher(outcome(host, called, response, caught_exception))

    def _observe(self, event_name: str = "", request: Any = None, **_details: Any) -> None:
        """Call the observers; event names are `before-send.service.Operation`."""
        if self._watcher is not None:
            from core.aws.attempts import Attempt, endpoint_of

            self._watcher(Attempt(endpoint_of(request.url)))
        if REQUEST_OBSERVERS or USE_OBSERVERS:
            _, service, operation = event_name.split(".", 2)
            for observer in tuple(REQUEST_OBSERVERS):
                observer(service, operation)
            for each in operations_sent(operation, request.url, request.headers):
                self.note_use(service, each)

    def _resolved(self) -> Any:
        """Return botocore's credentials; the first call creates the session."""
        import_botocore()
        from core.aws.retries import install_checks
        from core.aws.session import credentials_for, session_for

        with self._lock:
            if self._credentials is None:
                session = session_for(self._connection, ask_mfa=self._ask_mfa)
                install_checks(session)
                self._credentials = credentials_for(self._connection, session)
                self._session = session
            return self._credentials

    def _find(self, bucket: str, token: CancelToken) -> str:
        from core.aws.faults import translated
        from core.aws.head_requests import find_region

        if bucket.startswith("arn:"):
            # The ARN of an access point contains its region.
            return bucket.split(":", 4)[3]
        # The first request has the time limit of an interactive call, even in a bulk operation: an
        # unreachable server is reported before the retry budget is used up.
        first_contact = Work(token)
        with translated("s3:HeadBucket", f"s3://{bucket}", first_contact):
            region = find_region(self.s3(), bucket, self.region)
        if region != self.region:
            _log.info(
                "Bucket is in a different region: %s is in %s, not %s; followed it there.",
                bucket,
                region,
                self.region,
            )
        return region


def _check_scheme(endpoint: str | None) -> None:
    """Raise ValueError for a URL such as `ftp://host`, with which botocore creates a client."""
    if endpoint is not None and not endpoint.lower().startswith(("http://", "https://")):
        raise ValueError(endpoint)


def _unusable(profile: str, region: str, endpoint: str | None, error: Exception) -> InvalidInput:
    """Return the error for a region or endpoint with which botocore cannot create a client."""
    if endpoint is None or type(error).__name__ == "InvalidRegionError":
        return InvalidInput(
            f"Invalid region: {region!r}",
            cause="A region consists of letters, digits and hyphens, for example us-east-1.",
            remedy="Correct the region in the profile or in AWS_REGION.",
            hints=Hint.REGION,
            subject=profile,
        )
    return InvalidInput(
        f"Invalid endpoint: {endpoint}",
        cause="It is not a URL that begins with http:// or https://.",
        remedy="Correct the endpoint in the profile or in AWS_ENDPOINT_URL.",
        hints=Hint.ENDPOINT,
        subject=profile,
    )
