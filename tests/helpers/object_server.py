"""An object server in memory that makes the mistakes that a test selects."""

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from helpers.stub_server import XML, Reply, Request

from core.aws.clients import ClientFactory
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.objects.bucket import Bucket
from core.redaction import Secret

KEY_ID, SECRET = "AKIATEST", "moto-secret-key-0123456789"
_ID = {"x-amz-request-id": "1"}


@contextmanager
def bucket_at(url, name="b"):
    """A bucket at an endpoint, with its clients."""
    profile = Profile("test", KeySource.SESSION, endpoint_url=url, bucket=name)
    clients = ClientFactory(Connection(profile, AccessKeys(KEY_ID, Secret(SECRET))))
    try:
        yield Bucket(clients, name)
    finally:
        clients.close()


def error(status, code):
    body = f"<Error><Code>{code}</Code><Message>stub</Message></Error>"
    return Reply(status, {**XML, **_ID}, body.encode())


def _document(root, inside):
    return Reply(200, {**XML, **_ID}, f"<{root}>{inside}</{root}>".encode())


@dataclass
class Server:
    """Call it with a request.

    `damages` uploads arrive with one bit flipped; `opaque` ETags are no MD5; `conditions` is
    whether `If-None-Match` is honoured; `part_size` is reported for every multipart object.
    """

    damages: int = 0
    opaque: bool = False
    part_size: int = 0
    conditions: bool = True
    objects: dict = field(default_factory=dict)
    uploads: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)
    seen: list = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Request) -> Reply:
        url = urlsplit(asked.path)
        query = {k: v[0] for k, v in parse_qs(url.query, keep_blank_values=True).items()}
        with self.lock:
            return self._answer(asked, url.path, query)

    def _answer(self, asked, path, query):
        name = next((n for n in ("uploadId", "uploads") if n in query), "")
        self.seen.append(f"{asked.method} {name}".strip())
        if path.count("/") < 2:
            return self._listed(query)
        if "uploads" in query:
            name = f"u{len(self.seen)}"
            self.uploads[name] = {}
            self.keys[name] = path.split("/", 2)[2]
            return _document("InitiateMultipartUploadResult", f"<UploadId>{name}</UploadId>")
        if "uploadId" in query:
            return self._multipart(asked, path, query)
        return getattr(self, f"_{asked.method.lower()}")(asked, path)

    def _listed(self, query):
        """Answer a request for the bucket: its region, or its unfinished uploads."""
        if "uploads" not in query:
            return Reply(200, {**_ID, "x-amz-bucket-region": "us-east-1"})
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = "".join(
            f"<Upload><Key>{self.keys[name]}</Key><UploadId>{name}</UploadId>"
            f"<Initiated>{now}</Initiated></Upload>"
            for name in self.uploads
        )
        return _document("ListMultipartUploadsResult", rows)

    def _multipart(self, asked, path, query):
        upload = self.uploads.get(query["uploadId"])
        if upload is None:
            return error(404, "NoSuchUpload")
        if asked.method == "PUT":
            body = upload[int(query["partNumber"])] = self._received(asked)
            return Reply(200, {**_ID, "ETag": self._etag(body)})
        if asked.method == "GET":
            rows = "".join(f"<Part><PartNumber>{n}</PartNumber></Part>" for n in upload)
            return _document("ListPartsResult", rows)
        if asked.method == "POST" and self._refuses(asked, path):
            return error(412, "PreconditionFailed")
        del self.uploads[query["uploadId"]]
        if asked.method == "DELETE":
            return Reply(204, _ID)
        parts = [upload[n] for n in sorted(upload)]
        digests = b"".join(hashlib.md5(part).digest() for part in parts)
        etag = f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'
        self.objects[path] = (b"".join(parts), '"opaque"' if self.opaque else etag, {})
        etag = self.objects[path][1]
        return _document("CompleteMultipartUploadResult", f"<ETag>{etag}</ETag>")

    def _put(self, asked, path):
        if self._refuses(asked, path):
            return error(412, "PreconditionFailed")
        body = self._received(asked)
        meta = {k: v for k, v in asked.headers.items() if k.startswith("x-amz-meta-")}
        self.objects[path] = (body, self._etag(body), meta)
        return Reply(200, {**_ID, "ETag": self._etag(body)})

    def _get(self, asked, path):
        if path not in self.objects:
            return error(404, "NoSuchKey")
        body, etag, meta = self.objects[path]
        when = {"Last-Modified": "Wed, 25 Nov 2026 16:00:00 GMT"}
        if "partNumber=1" in asked.path and self.part_size:
            last = f"bytes 0-{self.part_size - 1}/{len(body)}"
            part = {**_ID, **when, "ETag": etag, "Content-Range": last}
            return Reply(206, part, body[: self.part_size])
        return Reply(200, {**_ID, **when, **meta, "ETag": etag}, body)

    _head = _get

    def _delete(self, asked, path):
        self.objects.pop(path, None)
        return Reply(204, _ID)

    def _refuses(self, asked, path):
        return self.conditions and "if-none-match" in asked.headers and path in self.objects

    def _received(self, asked):
        if not self.damages:
            return asked.body
        self.damages -= 1
        return asked.body[:-1] + bytes([asked.body[-1] ^ 1])

    def _etag(self, body):
        return '"opaque"' if self.opaque else f'"{hashlib.md5(body).hexdigest()}"'
