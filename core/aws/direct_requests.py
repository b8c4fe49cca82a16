"""Requests that are signed here and sent without botocore's serializer and parser.

botocore needs some milliseconds for each request: parameters, endpoint rules, events and the
parsing of the answer. A large object needs hundreds of requests of one kind, whose answers consist
of a few headers, and a large bucket hundreds of pages, which are parsed elsewhere. These requests
use botocore's connections, so that proxies, certificates and time limits are the same.

Only complete successes are returned. After anything else the caller repeats the request with
botocore, which retries it and reports the exact error.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

from core.aws.clients import REQUEST_OBSERVERS, ClientFactory
from core.aws.faults import translated
from core.errors import StorageError
from core.work import INTERACTIVE_SECONDS, Work

#: The longest wait for the next bytes of an answer, in seconds.
_READ_SECONDS = 30.0
#: After this many consecutive failures the requests are left to botocore.
_GIVE_UP = 3


class DirectAnswer:
    """The successful answer to a direct request; header names may have any case."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._raw = response.raw

    def read_into(self, view: memoryview) -> int:
        """Read bytes of the body into a buffer and return their number; 0 at the end.

        Raises:
            OSError: the connection broke.
        """
        # urllib3's own methods return new `bytes` for each block, which costs a copy.
        return int(self._raw._fp.readinto(view))  # noqa: SLF001 - as above

    def read(self) -> bytes:
        """Return the complete body.

        Raises:
            OSError: the connection broke.
            urllib3.exceptions.HTTPError: the body is shorter than declared.
        """
        return bytes(self._raw.read())

    def release(self) -> None:
        """Return the connection for the next request, after the rest of the body."""
        with suppress(Exception):  # otherwise it is closed by the caller
            self._raw.drain_conn()

    def close(self) -> None:
        """Close the connection, whose answer was not read to its end."""
        with suppress(Exception):  # it is closed in any case
            self._raw.close()


class DirectRequests:
    """Sender of direct requests about one object or one bucket; threads may share it."""

    def __init__(self, clients: ClientFactory, bucket: str, key: str = "") -> None:
        """Prepare requests about an object or, without a key, about the bucket.

        Nothing is sent unless the region of the bucket is unknown.

        Raises:
            StorageError: the bucket or the access keys cannot be determined.
        """
        from botocore.config import Config

        self._clients = clients
        self._unsigned = Config(s3={"payload_signing_enabled": False})
        self._client = clients.for_bucket(bucket)
        operation, target = ("get_object", {"Key": key}) if key else ("list_objects_v2", {})
        with translated("s3:GetObject" if key else "s3:ListObjectsV2", f"s3://{bucket}/{key}"):
            # The form of the address depends on bucket, region and profile: botocore knows it.
            signed = self._client.generate_presigned_url(
                operation, Params={"Bucket": bucket, **target}
            )
        self._url = str(signed.partition("?")[0])
        self._lock = threading.Lock()
        self._failures = 0
        self._noted: set[str] = set()

    @property
    def usable(self) -> bool:
        """Whether requests should be sent: not after several failures in a row."""
        return self._failures < _GIVE_UP

    @property
    def is_plain(self) -> bool:
        """Whether the requests are not encrypted, so that the system can send files itself."""
        return self._url.startswith("http://")

    @contextmanager
    def sent(
        self,
        operation: str,
        method: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Any,
        work: Work,
    ) -> Iterator[DirectAnswer | None]:
        """Send a request and yield its answer, or None if it was not successful.

        Args:
            operation: AWS's name of the operation, for those who observe requests.
            method: the HTTP method.
            query: parameters of the URL.
            headers: headers, all of which are signed.
            body: bytes, or an iterator of blocks, for which `headers` has the `Content-Length`. A
                block is bytes, or an object with a length that sends itself with `send_to(socket)`.
            work: its cancel ends the request at once.

        Raises:
            Cancelled: the work was cancelled.
            StorageError: the access keys cannot be determined.
        """
        from core.aws.sockets import ended_by  # imports botocore

        work.check()
        self._note(operation)
        request = self._signed(method, query, headers, body, work)
        answer: DirectAnswer | None = None
        with ended_by(work.token):
            try:
                answer = self._answer(request)
                yield answer
            except StorageError:
                raise
            except Exception:
                # An error after the sockets were shut down is a cancel.
                work.check()
                raise
            finally:
                if answer is not None:
                    answer.close()
        work.check()

    def failed(self) -> None:
        """Count a request whose answer was not usable."""
        with self._lock:
            self._failures += 1

    def succeeded(self) -> None:
        """Count a success, which ends a series of failures."""
        with self._lock:
            self._failures = 0

    def _answer(self, request: Any) -> DirectAnswer | None:
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        try:
            response = self._client._endpoint.http_session.send(request)  # noqa: SLF001 - no other way
        except (BotoCoreError, HTTPError, OSError):
            return None
        answer = DirectAnswer(response)
        if response.status_code in {200, 206}:
            return answer
        answer.close()
        return None

    def _signed(
        self,
        method: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Any,
        work: Work,
    ) -> Any:
        """Return a prepared request, signed with the current access keys."""
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSPreparedRequest, AWSRequest, HeadersDict
        from botocore.credentials import Credentials

        keys = self._clients.frozen_keys()
        token = keys.session_token.reveal() if keys.session_token else None
        credentials = Credentials(keys.access_key_id, keys.secret_access_key.reveal(), token)
        # The signature is about the query as it is sent, in which AWS expects encoded slashes.
        encoded = urlencode(query, safe="-_.~", quote_via=quote)
        url = f"{self._url}?{encoded}" if query else self._url
        unsigned = AWSRequest(method=method, url=url, headers=dict(headers))
        # The bytes are protected by their checksum, which is a signed header; a hash of the body
        # in the signature would have to be computed for each request.
        unsigned.context["client_config"] = self._unsigned
        S3SigV4Auth(credentials, "s3", self._client.meta.region_name).add_auth(unsigned)
        left = INTERACTIVE_SECONDS if work.budget is None else work.budget.left
        limit = {"read_timeout": max(1.0, min(_READ_SECONDS, float(left)))}
        signed = HeadersDict(unsigned.headers.items())
        return AWSPreparedRequest(method, url, signed, body, stream_output=True, context=limit)

    def _note(self, operation: str) -> None:
        """Report the request to the observers; the use of an action only once."""
        for observer in tuple(REQUEST_OBSERVERS):
            observer("s3", operation)
        if operation not in self._noted:
            self._noted.add(operation)
            self._clients.note_use("s3", operation)
