"""Sending of rows to a server that may answer, or end, before it has received all of them."""

from __future__ import annotations

import selectors
import ssl
from typing import Any


def send_all(driver: Any, data: bytes) -> None:
    """Send bytes during LOAD DATA LOCAL, unless the server answers before it has received them.

    A server that is shut down, or whose administrator ends the connection, reports that and
    receives nothing more. A send that waits for it would only end when the system gives the
    connection up, after minutes.

    Args:
        driver: A connection of PyMySQL.
        data: The bytes, with the header of their packet.

    Raises:
        MySQLError: The answer of the server, or the end of the connection.
        OSError: The connection failed.
    """
    link, rest = driver._sock, memoryview(data)  # noqa: SLF001 - no public name
    before = link.gettimeout()
    link.settimeout(0)
    try:
        while rest:
            try:
                rest = rest[link.send(rest) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if _answered(link):
                    break
    finally:
        link.settimeout(before)
    if rest:
        _raise_answer(driver)


def _answered(link: Any) -> bool:
    """Wait until more can be sent, and return whether the server has answered."""
    with selectors.DefaultSelector() as selector:  # `select.select` fails with many open files
        selector.register(link, selectors.EVENT_READ | selectors.EVENT_WRITE)
        return any(events & selectors.EVENT_READ for _, events in selector.select())


def _raise_answer(driver: Any) -> None:
    """Raise the error that the server has sent. Its number in the sequence cannot be foreseen."""
    from pymysql.constants import CR
    from pymysql.err import OperationalError
    from pymysql.protocol import MysqlPacket

    length = int.from_bytes(driver._read_bytes(4)[:3], "little")  # noqa: SLF001 - no public name
    packet = MysqlPacket(driver._read_bytes(length), "utf8mb4")  # noqa: SLF001 - no public name
    if packet.is_error_packet():
        packet.raise_for_error()
    raise OperationalError(CR.CR_SERVER_LOST, "The server does not receive the rows")
