"""Guards around every test; `tests/conventions/test_guards.py` proves that each one works."""

import gc
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core import redaction
from core.aws import clients, limits
from core.local.state.database import Database

#: Name prefixes of Strongroom's threads, which must have ended at the end of a test.
OUR_THREADS = (
    "interactive-", "bulk-", "listing-", "engine-", "ThreadPoolExecutor", "upload-", "change-log", "settings",
)  # fmt: skip
#: Public values of the secrets of tests: buckets, regions, hosts and users.
PUBLIC_NAMES = frozenset(
    {"tentimecrypto", "us-east-1", "eu-central-1", "eu-west-1", "localhost", "127.0.0.1"}
)
_LOCAL = {"127.0.0.1", "::1", "localhost", ""}


class FarAddress(AssertionError):  # noqa: N818 - named by what was wanted
    """A test wanted to leave this machine."""


def _refuse_far(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in _LOCAL:
            message = f"a test wanted to connect to {address[0]}"
            raise FarAddress(message)


def refuse_far_sockets() -> None:
    """Refuse connections to anything but this machine, for the life of the process."""
    if not getattr(sys, "_strongroom_far_refused", False):
        sys.addaudithook(_refuse_far)
        sys._strongroom_far_refused = True


def collect_between_tests_only() -> None:
    """Turn automatic collection off: it runs in any thread, and would destroy QObjects there.

    What an earlier test left in a cycle then crashes a later one, or leaves it with warnings.
    """
    gc.disable()


def collect_if_due() -> None:
    """Collect the oldest generation that is due, as Python would, but in the main thread."""
    counts, limits = gc.get_count(), gc.get_threshold()
    for generation in (2, 1, 0):
        if counts[generation] > limits[generation] > 0:
            gc.collect(generation)
            return


@contextmanager
def no_network_on(thread: threading.Thread) -> Iterator[list[str]]:
    """Collect the AWS calls that are made on `thread`."""
    calls: list[str] = []

    def observe(service: str, operation: str) -> None:
        if threading.current_thread() is thread:
            calls.append(f"{service}:{operation}")

    clients.REQUEST_OBSERVERS.append(observe)
    try:
        yield calls
    finally:
        clients.REQUEST_OBSERVERS.remove(observe)


@contextmanager
def no_state_written_by_the_window(
    monkeypatch: Any, thread: threading.Thread
) -> Iterator[list[str]]:
    """Collect the functions of `gui` that write the state database on `thread`.

    Another process can lock it for seconds. The window writes when it closes only.
    """
    found: list[str] = []

    def watched(real: Any) -> Any:
        def call(self: Database, *arguments: Any, **options: Any) -> Any:
            if threading.current_thread() is thread and (writer := _writer_in_gui()):
                found.append(writer)
            return real(self, *arguments, **options)

        return call

    for name in ("execute", "execute_many", "transaction"):
        monkeypatch.setattr(Database, name, watched(getattr(Database, name)))
    yield found


def _writer_in_gui() -> str:
    """Return the function of `gui` that has called core; empty if something else has."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(
        ("core.", "contextlib")
    ):
        frame = frame.f_back
    name = frame.f_globals.get("__name__", "") if frame is not None else ""
    closing = name == "gui.main_window.window_state"
    return f"{name}.{frame.f_code.co_name}" if name.startswith("gui.") and not closing else ""


def threads_left(before: set[threading.Thread], seconds: float = 3.0) -> list[str]:
    """Return the names of our threads that a test left behind, after a short grace."""
    deadline = time.monotonic() + seconds
    while True:
        left = [
            thread.name
            for thread in threading.enumerate()
            if thread not in before and thread.name.startswith(OUR_THREADS) and thread.is_alive()
        ]
        if not left or time.monotonic() > deadline:
            return left
        threading.Event().wait(0.02)


def windows_left() -> list[str]:
    """Return the windows that a test left on the screen, and close them for the next tests."""
    if "PySide6.QtWidgets" not in sys.modules:
        return []
    from PySide6.QtWidgets import QApplication

    if QApplication.instance() is None:
        return []
    left = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    for window in left:
        window.hide()
    return [repr(window) for window in left]


def secrets_in(records: list[logging.LogRecord]) -> list[str]:
    """Return the messages that hold the text of a `Secret`."""
    plain = logging.Formatter()
    with redaction._known_lock:
        known = [value for value in redaction._known if len(value) >= 12]
    texts = [plain.format(record) for record in records]
    return [text[:200] for text in texts if any(value in text for value in known)]


class SecretsOfTests:
    """Forgets what the log filter masks since the last test, but not the secrets of fixtures.

    A generated value may be an ordinary word, such as the name of an engine, and would be masked in
    every later test of the process.
    """

    def __init__(self) -> None:
        self._of_last_test: set[str] = set()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the secrets that the block, which is the body of a test, creates."""
        before = set(redaction._known)
        try:
            yield
        finally:
            self._of_last_test = redaction._known - before

    def forget(self) -> None:
        """Forget the secrets of the last test."""
        with redaction._known_lock:
            redaction._known.difference_update(self._of_last_test)
        self._of_last_test = set()


def public_names_masked() -> list[str]:
    """Return the public names that the log filter masks since this test, and forget them.

    A message of a later test, or of the user's next command, would show `***` instead of a bucket.
    """
    with redaction._known_lock:
        masked = sorted(redaction._known & PUBLIC_NAMES)
        redaction._known.difference_update(masked)
    return masked


class Refused(AssertionError):  # noqa: N818 - named by what happened
    """A request was about to be sent that AWS would refuse, though the test server may not."""


def strictness(params: dict[str, Any], model: Any, **_event: Any) -> None:
    """Refuse requests that are too long, too many or too large for AWS."""
    name = model.name
    key = params.get("Key")
    if isinstance(key, str) and not 0 < len(key.encode()) <= limits.KEY_BYTES:
        _refuse(name, f"a key of {len(key.encode())} bytes")
    if name == "DeleteObjects" and len(params["Delete"]["Objects"]) > limits.DELETE_KEYS:
        _refuse(name, f"{len(params['Delete']['Objects'])} keys")
    text = params.get("SecretString")
    if isinstance(text, str) and len(text.encode()) > limits.SECRET_BYTES:
        _refuse(name, "a secret that is too large")
    if name == "UploadPart" and not 1 <= params["PartNumber"] <= limits.PART_COUNT:
        _refuse(name, f"part number {params['PartNumber']}")
    metadata = params.get("Metadata") or {}
    if sum(len(k) + len(v) for k, v in metadata.items()) > limits.METADATA_BYTES:
        _refuse(name, "more than 2 KB of metadata")


def _refuse(name: str, what: str) -> None:
    message = f"{name} was about to be sent with {what}: AWS refuses that"
    raise Refused(message)


def check_signing(client: Any) -> None:
    """Refuse Signature Version 2, and links that live longer than S3 allows."""
    if client.meta.config.signature_version != "s3v4":
        _refuse("a client", f"signature version {client.meta.config.signature_version}")
    sign = client.generate_presigned_url

    def signed(*args: Any, **more: Any) -> str:
        if more.get("ExpiresIn", 3600) > limits.PRESIGN_SECONDS:
            _refuse("a link", f"a life of {more['ExpiresIn']} seconds")
        return str(sign(*args, **more))

    client.generate_presigned_url = signed


@contextmanager
def strict_clients(monkeypatch: Any) -> Iterator[None]:
    """Have every client that the program makes refuse what AWS refuses."""
    made = clients.ClientFactory._made

    def stricter(self: Any, service: str, region: str, *, once: bool) -> Any:
        client = made(self, service, region, once=once)
        client.meta.events.register("before-parameter-build", strictness)
        if service == "s3":
            check_signing(client)
        return client

    monkeypatch.setattr(clients.ClientFactory, "_made", stricter)
    yield
