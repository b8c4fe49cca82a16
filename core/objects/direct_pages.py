"""Pages of a long listing, requested without botocore on many connections in one thread.

A request through botocore takes 1.4 ms of processor time, and needs a thread for each one that
waits; here it takes 0.1 ms. Pages that do not arrive completely are left to botocore, which follows
redirects, retries, and reports the exact error.
"""

from __future__ import annotations

import logging
import selectors
import time
from dataclasses import dataclass
from urllib.parse import quote

from core.aws.answers import BadAnswerError
from core.aws.chunked_connection import ChunkedConnection
from core.aws.clients import REQUEST_OBSERVERS
from core.aws.http_connection import HttpAnswer, Server
from core.aws.limits import LIST_KEYS
from core.aws.request_signer import RequestSigner
from core.objects.bucket import Bucket
from core.objects.key_ranges import PageRequest
from core.objects.pages import Page, read_page

_log = logging.getLogger(__name__)

#: After this many consecutive failures the requests are left to botocore.
_GIVE_UP = 3
#: Time in seconds without any bytes after which a page is left to botocore.
_SILENT_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class _Busy:
    """A connection and the request that it sends."""

    http: ChunkedConnection
    number: int
    events: int
    request: PageRequest
    sent: bytes
    at: float
    repeated: bool = False


class DirectPages:
    """Connections for the pages of one bucket; used by one thread."""

    def __init__(
        self,
        bucket: Bucket,
        signer: RequestSigner,
        server: Server,
        selector: selectors.BaseSelector,
    ) -> None:
        self._bucket, self._signer, self._selector = bucket, signer, selector
        self._server: Server | None = server
        self._busy: dict[int, _Busy] = {}
        self._free: list[_Busy] = []
        self._failures = self._opened = 0
        bucket.clients.note_use("s3", "ListObjectsV2")

    @classmethod
    def of(cls, bucket: Bucket, selector: selectors.BaseSelector) -> DirectPages | None:
        """Return connections for a bucket; None if its pages have to be requested with botocore.

        Raises:
            StorageError: the access keys cannot be determined.
        """
        signer = RequestSigner.of(bucket.clients, bucket.name)
        try:
            server = signer.server() if signer is not None else None
        except OSError as error:  # botocore reports it
            _log.info("pages are requested with botocore: %s", error)
            return None
        return cls(bucket, signer, server, selector) if signer and server else None

    @property
    def in_flight(self) -> int:
        """The number of requests that were sent and not answered."""
        return len(self._busy)

    def send(self, request: PageRequest) -> bool:
        """Send a request; False if it has to be sent with botocore.

        Raises:
            StorageError: the access keys cannot be refreshed.
        """
        if self._failures >= _GIVE_UP:
            return False
        sent = self._signer.signed_query(_query(request))
        for observer in tuple(REQUEST_OBSERVERS):
            observer("s3", "ListObjectsV2")
        while self._free:
            busy = self._free.pop()
            busy.request, busy.sent, busy.repeated = request, sent, False
            # A connection that the server has closed in the meantime is not used again.
            if self._begin(busy):
                return True
        return self._connect(request, sent, repeated=False)

    def advance(self, number: int) -> tuple[PageRequest, Page | None] | None:
        """Continue with a connection whose socket is ready.

        Returns:
            The request and its page, or no page if it has to be requested with botocore; None if
            the answer is not complete.
        """
        busy = self._busy.get(number)
        if busy is None:
            return None
        try:
            answer = busy.http.advance()
        except OSError:
            return self._broken(busy)
        busy.at = time.monotonic()
        self._watch(busy)
        return None if answer is None else self._answered(busy, answer)

    def silent(self) -> list[tuple[PageRequest, Page | None]]:
        """Return the requests whose answers do not arrive, and close their connections."""
        late = time.monotonic() - _SILENT_SECONDS
        found = [busy for busy in self._busy.values() if busy.at < late]
        for busy in found:
            self._failures += 1
            self._close(busy)
        return [(busy.request, None) for busy in found]

    def close(self) -> None:
        """Close all connections."""
        for busy in [*self._busy.values(), *self._free]:
            busy.http.close()
        self._busy.clear()
        self._free.clear()

    def _connect(self, request: PageRequest, sent: bytes, *, repeated: bool) -> bool:
        while self._server is not None:
            # All addresses in turn: S3 has several, each of which serves a part of the requests.
            address = self._server.addresses[self._opened % len(self._server.addresses)]
            self._opened += 1
            try:
                http = ChunkedConnection(self._server, address)
            except OSError:
                self._server = self._server.without(address)
                continue
            busy = _Busy(http, http.fileno(), 0, request, sent, 0.0, repeated)
            if self._begin(busy):
                return True
        return False

    def _begin(self, busy: _Busy) -> bool:
        busy.at = time.monotonic()
        try:
            busy.http.send(busy.sent)
        except OSError:
            busy.http.close()
            return False
        busy.events = busy.http.events
        self._selector.register(busy.number, busy.events, self)
        self._busy[busy.number] = busy
        return True

    def _watch(self, busy: _Busy) -> None:
        if busy.events != busy.http.events:
            busy.events = busy.http.events
            self._selector.modify(busy.number, busy.events, self)

    def _answered(self, busy: _Busy, answer: HttpAnswer) -> tuple[PageRequest, Page | None]:
        request = busy.request
        if answer.closes:
            self._close(busy)
        else:
            self._release(busy)
        page = _page_of(request, answer)
        self._failures = 0 if page is not None else self._failures + 1
        return request, page

    def _broken(self, busy: _Busy) -> tuple[PageRequest, Page | None] | None:
        """Repeat the request on another connection, or return it."""
        http = busy.http
        self._close(busy)
        if not http.connected and self._server is not None:
            self._server = self._server.without(http.address)
            repeat = True
        else:
            # A server may close a connection that waits for the next request.
            repeat = bool(http.answered) and http.silent and not busy.repeated
        if repeat and self._connect(busy.request, busy.sent, repeated=http.connected):
            return None
        self._failures += 1
        return busy.request, None

    def _release(self, busy: _Busy) -> None:
        self._selector.unregister(busy.number)
        del self._busy[busy.number]
        self._free.append(busy)

    def _close(self, busy: _Busy) -> None:
        self._selector.unregister(busy.number)
        del self._busy[busy.number]
        busy.http.close()


def _page_of(request: PageRequest, answer: HttpAnswer) -> Page | None:
    """Return the page of an answer, or None if it is not one."""
    if answer.status != 200:
        return None
    try:
        page = read_page(answer.body)
    except BadAnswerError:
        return None
    # A server that ignores the token would be listed without end: botocore's way reports it.
    return None if page.token is not None and page.token == request.token else page


def _query(request: PageRequest) -> str:
    """Return the parameters in the order of their names, as the signature expects them."""
    found = []
    if request.token is not None:
        found.append(f"continuation-token={_encoded(request.token)}")
    if request.delimiter:
        found.append(f"delimiter={_encoded(request.delimiter)}")
    found.append(f"encoding-type=url&list-type=2&max-keys={LIST_KEYS}")
    found.append(f"prefix={_encoded(request.prefix)}")
    if request.after and request.token is None:
        found.append(f"start-after={_encoded(request.after)}")
    return "&".join(found)


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
