"""Signatures of many requests about objects of one bucket (AWS Signature Version 4, headers).

botocore resolves endpoint, credentials and parameters for each request. They are equal for all
objects of a bucket, so only the path, the headers and the signature are computed here (S3 API
reference, "Authenticating Requests: Using the Authorization Header").
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.http_connection import Server
from core.version import __version__

#: Characters that S3 leaves unencoded in a path, beside letters, digits, `-`, `.` and `_`.
_SAFE = "/~"
#: Keys that are their own encoding, as most are.
_PLAIN = re.compile(r"[A-Za-z0-9._~/-]+")
_ALGORITHM = "AWS4-HMAC-SHA256"
#: Interval in seconds after which the access keys are requested again: temporary ones may expire.
_KEYS_SECONDS = 60.0
_PORTS = {"http": 80, "https": 443}
_SAMPLE = "sample-key"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class _Form(NamedTuple):
    """A request without its method, path and signature.

    Attributes:
        canonical: the end of the canonical request, after the path.
        before: the text between the path and the signature.
        after: the text after the signature.
    """

    canonical: str
    before: str
    after: str


class RequestSigner:
    """Signs requests about objects of a bucket with the current access keys."""

    def __init__(self, clients: ClientFactory, client: Any, sample: str) -> None:
        """Use the form of a URL that botocore has signed for the key `_SAMPLE`."""
        parts = urlsplit(sample)
        values = dict(parse_qsl(parts.query))
        self._clients, self._client, self._sample = clients, client, sample
        self._path = parts.path.removesuffix(_SAMPLE)
        self._host = parts.netloc
        self._region = values["X-Amz-Credential"].split("/")[2]
        self._second, self._keys_at = 0, float("-inf")
        self._day = ""
        self._forms: dict[tuple[tuple[str, str], ...], _Form] = {}

    @classmethod
    def of(cls, clients: ClientFactory, bucket: str) -> RequestSigner | None:
        """Return the signer of a bucket; None if its URLs have another form than expected.

        Raises:
            StorageError: the bucket cannot be found, or there are no access keys.
        """
        client = clients.for_bucket(bucket)
        with translated("s3:GetObject", f"s3://{bucket}"):
            # Host and path depend on the bucket, the region and the profile: botocore knows them.
            sample = client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": _SAMPLE}
            )
        parts = urlsplit(sample)
        values = dict(parse_qsl(parts.query))
        expected = (
            parts.path.endswith(f"/{_SAMPLE}")
            and values.get("X-Amz-Algorithm") == _ALGORITHM
            and values.get("X-Amz-SignedHeaders") == "host"
            and values.get("X-Amz-Credential", "").endswith("/s3/aws4_request")
        )
        return cls(clients, client, sample) if expected else None

    def server(self) -> Server | None:
        """Return the server of the bucket, or None if a proxy has to be used.

        Raises:
            OSError: its address cannot be determined.
        """
        parts = urlsplit(self._sample)
        session = self._client._endpoint.http_session  # noqa: SLF001 - botocore's settings, no other way
        if session._proxy_config.proxy_url_for(self._sample):  # noqa: SLF001 - as above
            return None
        context = _context(session._verify) if parts.scheme == "https" else None  # noqa: SLF001 - as above
        assert parts.hostname is not None
        return Server.of(parts.hostname, parts.port or _PORTS[parts.scheme], context)

    def signed(self, method: str, key: str, headers: Mapping[str, str], body: bytes = b"",
               digest: str = EMPTY_SHA256) -> bytes:  # fmt: skip
        """Return a complete request, signed now.

        Args:
            method: the HTTP method.
            key: the object.
            headers: further headers, with names in lower case; all are signed.
            body: its bytes.
            digest: their hexadecimal SHA-256, which the server compares with the body.

        Raises:
            StorageError: the access keys cannot be refreshed.
        """
        self._update()
        path = self._path + (key if _PLAIN.fullmatch(key) else quote(key, safe=_SAFE))
        form = self._form(headers, digest, len(body))
        canonical = f"{method}\n{path}{form.canonical}"
        text = self._head + hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.digest(self._signing_key, text.encode(), "sha256").hex()
        return f"{method} {path}{form.before}{signature}{form.after}".encode() + body

    def signed_query(self, query: str) -> bytes:
        """Return a request about the bucket with parameters in the URL, signed now.

        Args:
            query: the parameters in the order of their names, with encoded values.

        Raises:
            StorageError: the access keys cannot be refreshed.
        """
        self._update()
        path = self._path.rstrip("/") or "/"
        form = self._form({}, EMPTY_SHA256, 0)
        # The form begins with the line feed before the parameters, which others do not have.
        canonical = f"GET\n{path}\n{query}{form.canonical[1:]}"
        text = self._head + hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.digest(self._signing_key, text.encode(), "sha256").hex()
        return f"GET {path}?{query}{form.before}{signature}{form.after}".encode()

    def _form(self, headers: Mapping[str, str], digest: str, length: int) -> _Form:
        """Return what a request has in common with others: all of it for requests without a body."""
        if length:
            return self._new_form(headers, digest, length)
        alike = tuple(headers.items())
        found = self._forms.get(alike)
        if found is None:
            found = self._forms[alike] = self._new_form(headers, digest, length)
        return found

    def _new_form(self, headers: Mapping[str, str], digest: str, length: int) -> _Form:
        lines = sorted({**headers, **self._common, "x-amz-content-sha256": digest}.items())
        names = ";".join([name for name, _ in lines])
        canonical = "".join([f"{name}:{value}\n" for name, value in lines])
        sent = "".join([f"{name}: {value}\r\n" for name, value in lines])
        return _Form(
            f"\n\n{canonical}\n{names}\n{digest}",
            f" HTTP/1.1\r\n{sent}Authorization: {_ALGORITHM} "
            f"Credential={self._credential}, SignedHeaders={names}, Signature=",
            # Without the encoding a proxy may compress the object.
            f"\r\nAccept-Encoding: identity\r\nUser-Agent: strongroom/{__version__}\r\n"
            f"Content-Length: {length}\r\n\r\n",
        )

    def _update(self) -> None:
        """Use the present second, and the present access keys once a minute."""
        now = time.time()
        if int(now) == self._second:
            return
        self._second = int(now)
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        renew = time.monotonic() - self._keys_at > _KEYS_SECONDS
        if renew or moment[:8] != self._day:
            self._use_keys(moment[:8])
        self._forms.clear()
        self._common = {"host": self._host, "x-amz-date": moment, **self._token}
        self._head = f"{_ALGORITHM}\n{moment}\n{self._scope}\n"

    def _use_keys(self, day: str) -> None:
        keys = self._clients.frozen_keys()
        self._keys_at, self._day = time.monotonic(), day
        token = keys.session_token
        self._token = {"x-amz-security-token": token.reveal()} if token else {}
        self._scope = f"{day}/{self._region}/s3/aws4_request"
        self._credential = f"{keys.access_key_id}/{self._scope}"
        found = f"AWS4{keys.secret_access_key.reveal()}".encode()
        for field in self._scope.split("/"):
            found = hmac.digest(found, field.encode(), "sha256")
        self._signing_key = found


def _context(verify: Any) -> ssl.SSLContext:
    """Return TLS settings with botocore's certificates: a path, or True for its own list."""
    from botocore.httpsession import get_cert_path

    context = ssl.create_default_context(cafile=get_cert_path(verify or True))
    context.set_alpn_protocols(["http/1.1"])
    return context
