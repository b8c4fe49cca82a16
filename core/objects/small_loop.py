"""Loop that transfers many small files at the same time, in one thread.

botocore transfers 270 small files a second, this loop about 10,000. Files that it cannot transfer
are returned: the regular upload or download then transfers them, or reports the exact error.
"""

from __future__ import annotations

import logging
import selectors
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from core.aws.http_connection import HttpAnswer, HttpConnection, Server
from core.aws.limits import MIB
from core.aws.request_signer import RequestSigner
from core.objects.bucket import Bucket
from core.work import Work

_log = logging.getLogger(__name__)

#: Maximum size of a small file in bytes.
SMALL_BYTES = MIB
#: Minimum number of files: the regular transfer, which reports exact errors, ends fewer as fast.
FEWEST = 24
#: Connections at the beginning, at most before the first success, and at most.
_FIRST, _UNPROVEN, _MOST = 8, 64, 256
#: More connections are opened if no answer arrived for this time in seconds: on a fast network a
#: few keep the processor busy, on a slow one most of the time is spent waiting.
_IDLE_SECONDS = 0.001
#: Maximum number of bytes in requests and expected answers at a time, which are in memory.
_MOST_BYTES = 32 * MIB
#: After this many consecutive failures the remaining files are returned untransferred.
_GIVE_UP = 8
#: Time in seconds without any bytes after which a connection is closed.
_SILENT_SECONDS = 30.0
#: Longest wait in seconds for a socket, after which a cancel is detected; and while more
#: connections can be opened, after which their number is doubled: on the way to a distant server
#: each doubling would otherwise wait for an answer.
_STEP_SECONDS, _GROW_SECONDS = 0.05, 0.004
#: Seconds for which the answers to requests that were sent are waited for after a cancel: they
#: state which files are stored.
_FINISHING_SECONDS = 0.7
#: Refusals that are about one object, and no sign that the server fails.
_ABOUT_THE_OBJECT = frozenset({304, 404, 409, 412})

F = TypeVar("F")


@dataclass(slots=True)
class Exchange(Generic[F]):
    """A file on its way: the signed request, and what the answer is compared with.

    Attributes:
        file: the file.
        request: the complete request.
        size: bytes of the file.
        state: the caller's.
        repeatable: whether the request may be sent twice.
        repeated: whether it was.
    """

    file: F
    request: bytes
    size: int
    state: Any = None
    repeatable: bool = True
    repeated: bool = False


class _Busy(Generic[F]):
    """A connection and its file."""

    def __init__(self, http: HttpConnection, exchange: Exchange[F]) -> None:
        self.http, self.exchange = http, exchange
        # The descriptor stays the same, while TLS replaces the socket object.
        self.number = http.fileno()
        self.events = http.events
        self.at = time.monotonic()


class SmallLoop(ABC, Generic[F]):
    """Requests about many files, each with one answer."""

    def __init__(self, bucket: Bucket, files: Iterator[F], work: Work) -> None:
        self._bucket, self._files, self._work = bucket, files, work
        self._left: list[F] = []
        self._waiting: deque[Exchange[F]] = deque()
        self._selector = selectors.DefaultSelector()
        self._busy: dict[int, _Busy[F]] = {}
        self._bytes = self._opened = self._failures = 0
        self._most = _UNPROVEN
        self._grows, self._proven, self._ending = True, False, False
        self._good_at = self._checked_at = time.monotonic()
        self._server: Server | None = None

    @abstractmethod
    def prepared(self, file: F, signer: RequestSigner) -> Exchange[F] | None:
        """Return the request for a file; None returns the file to the regular transfer."""

    @abstractmethod
    def accepted(self, exchange: Exchange[F], answer: HttpAnswer) -> bool:
        """Verify a successful answer and report or store the file; False if it is not verified."""

    def progressed(self) -> None:
        """Continue what does not wait for the network; called many times a second."""

    def finished(self) -> None:
        """Complete what is still open, after the last answer."""

    def run(self) -> list[F]:
        """Transfer the files and return those that were not transferred."""
        signer = RequestSigner.of(self._bucket.clients, self._bucket.name)
        try:
            self._server = signer.server() if signer is not None else None
        except OSError as error:  # the regular transfer reports it
            _log.info("small files are transferred one by one: %s", error)
        if signer is None or self._server is None:
            return list(self._files)
        self._signer = signer
        try:
            self._transfer()
            self.finished()
        finally:
            for busy in self._busy.values():
                busy.http.close()
            self._selector.close()
        self._work.check()
        return [*self._left, *(each.file for each in self._waiting), *self._files]

    def _transfer(self) -> None:
        self._open(_FIRST)
        while self._busy:
            if self._work.token.cancelled:
                self._end_requests()
            self._work.check()
            for key, _ in self._wait():
                self._advance(key.data)
            self.progressed()
            if time.monotonic() - self._checked_at > 1.0:
                self._close_silent()

    def _end_requests(self) -> None:
        """Wait a moment for the answers to all requests, and send no other."""
        self._ending, end = True, time.monotonic() + _FINISHING_SECONDS
        while self._busy and time.monotonic() < end:
            for key, _ in self._selector.select(_STEP_SECONDS):
                self._advance(key.data)

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for a socket; after a long wait use more connections."""
        began = time.monotonic()
        ready = self._selector.select(_GROW_SECONDS if self._grows else _STEP_SECONDS)
        if time.monotonic() - began > _IDLE_SECONDS:
            self._grows = self._open(len(self._busy))
        return ready

    def _open(self, count: int) -> bool:
        """Open connections; return False if there are no files, or a limit is reached."""
        for _ in range(count):
            if len(self._busy) >= self._limit() or self._bytes >= _MOST_BYTES:
                return False
            exchange = self._next()
            if exchange is None:
                return False
            self._connect(exchange)
        return True

    def _limit(self) -> int:
        parallel = self._work.limits.parallel if self._work.limits is not None else None
        return min(self._most, parallel or self._most)

    def _next(self) -> Exchange[F] | None:
        """Return the next file to send; None if there is none, or the server fails."""
        budget = self._work.budget
        if self._ending or self._failures >= _GIVE_UP or (budget is not None and budget.exhausted):
            return None
        if self._waiting:
            return self._waiting.popleft()
        for file in self._files:
            exchange = self.prepared(file, self._signer)
            if exchange is not None:
                return exchange
            self._left.append(file)
        return None

    def _connect(self, exchange: Exchange[F]) -> None:
        """Open a connection for a file, which is returned if there is no address left."""
        while self._server is not None:
            # All addresses in turn: S3 has several, each of which serves a part of the requests.
            address = self._server.addresses[self._opened % len(self._server.addresses)]
            self._opened += 1
            try:
                http = HttpConnection(self._server, address)
            except OSError:
                self._server = self._server.without(address)
                continue
            busy = _Busy(http, exchange)
            self._busy[busy.number] = busy
            self._selector.register(busy.number, busy.events, busy)
            self._bytes += exchange.size
            self._send(busy)
            return
        self._fail(exchange, of_server=True)

    def _send(self, busy: _Busy[F]) -> None:
        if self._work.limits is not None:
            self._work.take(len(busy.exchange.request))
        busy.at = time.monotonic()
        try:
            busy.http.send(busy.exchange.request)
        except OSError:
            self._broken(busy)
        else:
            self._watch(busy)

    def _watch(self, busy: _Busy[F]) -> None:
        if busy.events != busy.http.events:
            busy.events = busy.http.events
            self._selector.modify(busy.number, busy.events, busy)

    def _advance(self, busy: _Busy[F]) -> None:
        if self._busy.get(busy.number) is not busy:
            return  # closed by an earlier event of the same wait
        try:
            answer = busy.http.advance()
        except OSError:
            self._broken(busy)
            return
        busy.at = time.monotonic()
        self._watch(busy)
        if answer is not None:
            self._answered(busy, answer)

    def _answered(self, busy: _Busy[F], answer: HttpAnswer) -> None:
        exchange = busy.exchange
        self._bytes -= exchange.size
        if self._work.limits is not None:
            self._work.take(len(answer.body))
        if answer.status == 200 and self.accepted(exchange, answer):
            self._succeed()
        else:
            of_server = answer.status >= 500 or answer.status == 429
            if of_server:
                # The server requires fewer requests; the number grows again with each success.
                self._most = max(_FIRST, len(self._busy) // 2)
            self._fail(exchange, of_server=of_server, counts=answer.status not in _ABOUT_THE_OBJECT)
        self._reuse(busy, answer)

    def _reuse(self, busy: _Busy[F], answer: HttpAnswer) -> None:
        """Send the next file on a connection, or on another one if it cannot be used again."""
        exchange = self._next() if len(self._busy) <= self._limit() else None
        # Other files, which are on their way, leave no memory for this one: they end first.
        if exchange is not None and self._bytes and self._bytes + exchange.size > _MOST_BYTES:
            self._waiting.appendleft(exchange)
            exchange = None
        if exchange is None or answer.closes:
            self._close(busy)
        if exchange is None:
            return
        if answer.closes:
            self._connect(exchange)
            return
        busy.exchange = exchange
        self._bytes += exchange.size
        self._send(busy)

    def _succeed(self) -> None:
        self._failures, self._good_at = 0, time.monotonic()
        if self._work.budget is not None:
            self._work.budget.succeeded()
        if not self._proven and self._most == _UNPROVEN:  # the server has refused no request
            self._most = _MOST
        self._proven = True
        if self._most < _MOST:
            self._most += 1

    def _fail(self, exchange: Exchange[F], *, of_server: bool, counts: bool = True) -> None:
        """Return a file to the regular transfer, which also reports the exact error."""
        self._left.append(exchange.file)
        self._failures += counts
        if of_server and self._work.budget is not None:
            # Since the last success: the budget ends an operation while no request succeeds.
            self._work.budget.failed(self._good_at)

    def _broken(self, busy: _Busy[F]) -> None:
        """Continue after a broken connection with a new one."""
        exchange, http = busy.exchange, busy.http
        self._close(busy)
        self._bytes -= exchange.size
        if self._ending:
            self._left.append(exchange.file)
            return
        if not http.connected and self._server is not None:
            # Nothing was sent: another address of the server may be reachable.
            self._server = self._server.without(http.address)
            self._connect(exchange)
            return
        # A server may close a connection that waits for the next request, which it then has not
        # processed.
        if http.answered and http.silent and exchange.repeatable and not exchange.repeated:
            exchange.repeated = True
            self._connect(exchange)
            return
        self._fail(exchange, of_server=True)
        following = self._next()
        if following is not None:
            self._connect(following)

    def _close(self, busy: _Busy[F]) -> None:
        self._selector.unregister(busy.number)
        del self._busy[busy.number]
        busy.http.close()

    def _close_silent(self) -> None:
        self._checked_at = now = time.monotonic()
        for busy in [each for each in self._busy.values() if now - each.at > _SILENT_SECONDS]:
            self._broken(busy)
