"""Connections to databases with time limits, which a cancel closes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from core.errors import StorageError
from core.rotation.databases.login import Address, not_reached
from core.work import Work

#: Time limits in seconds: for all attempts to connect, and for each answer.
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 15.0


@contextmanager
def connected(address: Address, work: Work) -> Iterator[socket.socket]:
    """Connect and yield the socket; a cancel closes the connection at once.

    Raises:
        Offline: the host is unknown, or no server listens there.
        Cancelled: a cancel was requested.
    """
    work.check()
    with translate_driver_errors(
        address, lambda error: not_reached(address, _error_text(error)), work
    ):
        link = _connect(address, work)
    # A second handle: TLS takes over the first one, and closing either closes the connection.
    with link, link.dup() as handle, work.token.on_cancel(lambda: _cut(handle)):
        link.settimeout(ANSWER_SECONDS)
        yield link


@contextmanager
def translate_driver_errors(
    address: Address, fault: Callable[[Exception], StorageError], work: Work
) -> Iterator[None]:
    """Translate the errors of a driver, which may be of any class after invalid answers.

    Raises:
        StorageError: the error that `fault` returns.
        Cancelled: a cancel was requested, so the connection was cut.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        work.check()
        raise not_reached(address, _error_text(error)) from None
    except Exception as error:  # noqa: BLE001 - the one place where the drivers' errors end
        work.check()
        raise fault(error) from None


def _connect(address: Address, work: Work) -> socket.socket:
    # One limit for all addresses: a name may have several, of which the first may not answer.
    end = time.monotonic() + CONNECT_SECONDS
    last: OSError = OSError("the name has no address")
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _name, place in found:
        link = socket.socket(family, kind, protocol)
        try:
            # At least a moment for each address, even when earlier ones have used the time.
            link.settimeout(max(end - time.monotonic(), 0.1))
            with work.token.on_cancel(lambda link=link: _cut(link)):  # type: ignore[misc] # bound now
                link.connect(place)
        except OSError as error:
            link.close()
            work.check()
            last = error
        else:
            return link
    raise last


def _cut(link: socket.socket) -> None:
    with suppress(OSError):  # it has already ended
        link.shutdown(socket.SHUT_RDWR)


def _error_text(error: BaseException) -> str:
    """Return the message of the operating system, for example `Connection refused`."""
    if isinstance(error, TimeoutError):
        return "The database did not answer in time."
    return f"{getattr(error, 'strerror', '') or type(error).__name__}."
