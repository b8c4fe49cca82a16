"""The common part of the processes that transfer small files with obstore.

obstore runs threads that Python code cannot stop. One of them may take the interpreter lock at any
moment, and if that happens during the shutdown of the interpreter, the process aborts. So obstore
is only imported in these processes, which exit with `os._exit`, without a shutdown.

A process reads lines of JSON: first the connection to the bucket, then batches of files and new
access keys, then an end marker. It writes a line for each file. If the input ends without the
marker, the remaining files are discarded.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.local.hardening import harden

if TYPE_CHECKING:
    from obstore.store import S3Store

IN_FLIGHT = 32
#: After this many consecutive failures the remaining files are returned untransferred.
_GIVE_UP = 8
#: Few, because the regular transfer repeats every file that fails here.
_RETRIES, _RETRY_SECONDS = 2, 10
_REQUEST_SECONDS = 60


class SmallWorker(ABC):
    """Coroutines that transfer files from a queue until it ends or too many fail."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._keys: dict[str, Any] = settings["keys"]
        self.store = self._opened(settings)
        self._queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._failures = 0
        self._writing = threading.Lock()

    @abstractmethod
    async def transfer(self, file: dict[str, Any]) -> dict[str, Any] | None:
        """Transfer one file and return the answer; None if it is answered later."""

    async def finish(self) -> None:  # noqa: B027 - optional
        """End what is still open, after the last file."""

    async def run(self) -> None:
        """Transfer the incoming files until the end marker."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, args=(loop,), daemon=True).start()
        await asyncio.gather(*(self._work() for _ in range(IN_FLIGHT)))
        await self.finish()

    def answer(self, number: int, answer: dict[str, Any]) -> None:
        """Write the outcome of one file; `sha256` in it means that the file was verified."""
        line = json.dumps({"number": number, **answer}) + "\n"
        with self._writing:  # a subclass may answer from another thread
            sys.stdout.write(line)
            sys.stdout.flush()

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
            answer = {"failed": "given up"} if given_up else await self.transfer(file)
            good = answer is None or "sha256" in answer
            self._failures = 0 if good else self._failures + 1
            if answer is not None:
                self.answer(file["number"], answer)

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


def run_worker(kind: type[SmallWorker]) -> None:
    """Transfer the files from standard input, and exit without shutting the interpreter down."""
    harden()
    try:
        asyncio.run(kind(json.loads(sys.stdin.buffer.readline())).run())
    except BrokenPipeError:
        os._exit(0)  # the remaining files are discarded
    except Exception as error:  # noqa: BLE001 - the interpreter must not shut down after any error
        sys.stderr.write(f"{kind.__name__}: {type(error).__name__}\n")
        os._exit(1)
    os._exit(0)
