"""Process that sends small files with obstore (`python -m core.objects.small_sender`).

obstore runs threads that Python code cannot stop. One of them may take the interpreter lock at any
moment, and if that happens during the shutdown of the interpreter, the process aborts. So obstore
is only imported here, and this process exits with `os._exit`, without a shutdown.

It reads lines of JSON: first the connection to the bucket, then batches of files and new access
keys, then an end marker. It writes a line for each file. If the input ends without the marker, the
remaining files are discarded.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import StorageError
from core.local.hardening import harden
from core.objects.hashing import SHA256, Stamp, unreadable

if TYPE_CHECKING:
    from obstore.store import S3Store

IN_FLIGHT = 32
#: After this many consecutive failures the remaining files are returned unsent.
_GIVE_UP = 8
#: Few, because the regular upload repeats every file that fails here.
_RETRIES, _RETRY_SECONDS = 2, 10
_REQUEST_SECONDS = 60


class Sender:
    """Coroutines that send files from a queue until it ends or too many fail."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._keys: dict[str, Any] = settings["keys"]
        self._store = self._opened(settings)
        self._mode: Any = "create" if settings["only_new"] else "overwrite"
        self._queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._failures = 0

    async def run(self) -> None:
        """Send the incoming files until the end marker."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop,), daemon=True).start()
        await asyncio.gather(*(self._work() for _ in range(IN_FLIGHT)))

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "keys" in message:
                self._keys = message["keys"]
            loop.call_soon_threadsafe(self._add, message.get("files", ()))
            if message.get("end"):
                # One end marker for each coroutine, each of which takes one from the queue.
                loop.call_soon_threadsafe(self._add, [None] * IN_FLIGHT)
                return
        # The input ended without a marker: the parent was killed.
        os._exit(0)

    def _add(self, files: Iterable[dict[str, Any] | None]) -> None:
        for file in files:
            self._queue.put_nowait(file)

    async def _work(self) -> None:
        while (file := await self._queue.get()) is not None:
            given_up = self._failures >= _GIVE_UP
            answer = {"failed": "given up"} if given_up else await self._send(file)
            good = "sha256" in answer
            self._failures = 0 if good else self._failures + 1
            sys.stdout.write(json.dumps({"number": file["number"], **answer}) + "\n")
            sys.stdout.flush()

    async def _send(self, file: dict[str, Any]) -> dict[str, Any]:
        """Send one file; it is confirmed if the returned ETag is the MD5 of the sent bytes."""
        from obstore import put_async
        from obstore.exceptions import BaseError

        try:
            data, digest = _read(Path(file["path"]))
            answer = await put_async(
                self._store,
                file["key"],
                data,
                attributes={"Content-Type": file["type"], SHA256: digest},
                mode=self._mode,
                # The ETag of a multipart upload is not the MD5 with which the bytes are compared.
                use_multipart=False,
            )
        except StorageError:  # the regular upload tries again, and reports the error
            return {"failed": "file"}
        except BaseError:
            return {"failed": "server"}
        etag, version = (answer.get("e_tag") or "").strip('"'), answer.get("version")
        if etag == hashlib.md5(data, usedforsecurity=False).hexdigest():
            return {"sha256": digest, "etag": etag, "version": version, "size": len(data)}
        return {"differs": {"ETag": etag, "VersionId": version}}

    def _opened(self, settings: dict[str, Any]) -> S3Store:
        from obstore.store import S3Store

        endpoint: str = settings["endpoint"]
        return S3Store(
            settings["bucket"],
            endpoint=endpoint,
            region=settings["region"],
            # Path style works with every endpoint and with dots in bucket names.
            virtual_hosted_style_request=False,
            credential_provider=self._current_keys,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "timeout": f"{_REQUEST_SECONDS}s",
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
            },
        )

    def _current_keys(self) -> Any:
        """Return the newest access keys; obstore calls this when its keys have expired."""
        expires = self._keys["expires_at"]
        at = datetime.fromisoformat(expires) if expires else None
        return {**self._keys, "expires_at": at}


def _read(path: Path) -> tuple[bytes, str]:
    """Return the content of a file and its hash; the file must not change while it is read."""
    stamp = Stamp.of(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    stamp.check(path)
    return data, hashlib.sha256(data).hexdigest()


def main() -> None:
    """Send the files from standard input, and exit without shutting the interpreter down."""
    harden()
    try:
        asyncio.run(Sender(json.loads(sys.stdin.buffer.readline())).run())
    except BrokenPipeError:
        os._exit(0)  # the remaining files are discarded
    except Exception as error:  # noqa: BLE001 - the interpreter must not shut down after any error
        sys.stderr.write(f"small_sender: {type(error).__name__}\n")
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
