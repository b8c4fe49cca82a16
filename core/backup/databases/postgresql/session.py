"""Connections to PostgreSQL: queries with pg8000, and the COPY protocol in large blocks.

pg8000 passes each row of a COPY through several Python calls. Here the socket is read in blocks
of a megabyte, from which `copy_messages` takes the rows.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

from core.backup.databases.base import Rows
from core.backup.databases.postgresql.address import ServerAddress
from core.backup.databases.postgresql.connection import connect, with_tls
from core.backup.databases.postgresql.copy_messages import (
    HEAD_BYTES,
    CopyEnd,
    error_fields,
    has_end,
    long_row,
    rows_of_messages,
)
from core.backup.databases.postgresql.failures import server_error
from core.backup.databases.server import (
    ServerConnection,
    closing_on_cancel,
    connection_lost,
    network_error,
)
from core.errors import DatabaseError, DatabaseOffline, StorageError
from core.redaction import Secret
from core.work import Work

_BLOCK = 1 << 20
#: Blocks of rows have at least this many bytes; the pause is between two reads of one block.
_LEAST_BLOCK, _PAUSE_SECONDS = 1 << 19, 0.001
_LENGTH = struct.Struct(">I")
#: How long another session's lock on a table is waited for.
LOCK_TIMEOUT = "10s"
#: Session settings under which values are written as text without loss, on every server.
_SETTINGS = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmloption": "content",
    "search_path": "pg_catalog",  # so that the server writes every other name with its schema
    "synchronize_seqscans": "off",  # rows are read in the order in which they are stored
    "row_security": "off",  # an error instead of a backup without the hidden rows
    "enable_tidscan": "on",  # otherwise each range of pages is found by reading the entire table
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": LOCK_TIMEOUT,
    # Settings of the database or the user that would change values or definitions.
    "array_nulls": "on",  # otherwise NULL in an array is loaded as the text NULL
    "lc_monetary": "C",  # otherwise an amount depends on the language of the server
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",  # `names.checked_fragment` reads strings like this
    "transform_null_equals": "off",
    "transaction_timeout": "0",  # since version 17
    "idle_session_timeout": "0",  # since version 14
}


class Session(ServerConnection):
    """An open connection. It is not thread-safe, except that a cancel of `work` closes it."""

    def __init__(self, link: socket.socket, driver: Any, address: ServerAddress) -> None:
        super().__init__(link)
        self._driver = driver
        self.address = address
        #: The fields of the last error message of a query, after which the server may end.
        self._last_error: dict[str, str] = {}
        remember_errors(driver, self._last_error)

    @classmethod
    def open(cls, address: ServerAddress, password: Secret | None, work: Work) -> Self:
        """Connect and log in; a cancel ends the attempt.

        Raises:
            CredentialsInvalid: The server refuses the password.
            DatabaseError: The server reports another error.
            Offline: The server cannot be reached.
        """
        from pg8000.core import CoreConnection

        work.check()
        link = connect(address, work)
        try:
            with closing_on_cancel(link, work), _translated(address):
                link = with_tls(link, address)
                driver = CoreConnection(
                    address.user,
                    database=address.database,
                    # pg8000 fails with None if the server requests a password.
                    password=password.reveal().encode() if password else b"",
                    ssl_context=False,  # TLS is already established
                    application_name="strongroom",
                    sock=link,
                )
            session = cls(link, driver, address)
            with session.cancellable(work):
                session.apply_settings()
        except BaseException:
            link.close()
            raise
        link.settimeout(None)  # a long query is ended by a cancel, not by a time limit
        return session

    def apply_settings(self) -> None:
        """Apply the settings under which values are exact."""
        # In one query, without those that this version of the server does not have.
        self.query(
            "SELECT set_config(s.name, v.value, false) FROM pg_settings s "
            "JOIN json_each_text($1::json) v ON v.key = s.name",
            (json.dumps(_SETTINGS),),
        )
        if self.version_number >= 140000:
            # A connection that was cut ends its query within seconds.
            self.query("SELECT set_config('client_connection_check_interval', '2s', false)")

    @property
    def version(self) -> str:
        """The version of the server, for example `15.6`."""
        return str(self._driver.parameter_statuses.get("server_version", "")).split(" ")[0]

    @property
    def version_number(self) -> int:
        """The version as a number, for example 150006."""
        major, _, rest = self.version.partition(".")
        minor = "".join(digit for digit in rest.partition(".")[0] if digit.isdigit())
        return int(major or 0) * 10_000 + int(minor or 0)

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return isinstance(self._link, ssl.SSLSocket)

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[list[Any]]:
        """Run one statement with parameters `$1` … and return its rows.

        The extended protocol is used, in which a text with several statements is an error.

        Raises:
            StorageError: The server reports an error, or the connection ended.
        """
        self._last_error.clear()
        with self._explained(self._last_error), _translated(self.address):
            return self._driver.execute_unnamed(statement, tuple(values)).rows or []

    @contextmanager
    def _explained(self, error: dict[str, str]) -> Iterator[None]:
        """Raise the error that the server has sent before it ended the connection in the block."""
        try:
            yield
        except DatabaseOffline:
            if error:
                raise server_error(error, self.address) from None
            raise

    def value(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row; None if there is none."""
        rows = self.query(statement, values)
        return rows[0][0] if rows else None

    def copy_out(self, statement: str, work: Work) -> Generator[Rows, None, None]:
        """Yield the rows of `COPY … TO STDOUT` in pieces of complete rows, about 1 MB each.

        A row longer than 1 MB is yielded in pieces as it arrives, since values may have hundreds of
        megabytes. All of them except the last have the count 0.

        A generator that is closed early closes the connection: the rest of the rows would have to
        be read otherwise.
        """
        complete = False
        try:
            with self.cancellable(work):
                self._send(b"Q", statement.encode() + b"\0")
                end = yield from self._copied_rows(work)
            complete = True  # also after an error of the server, for example of a damaged table
        finally:
            if not complete:
                self.cut()
        if end.error:
            raise server_error(end.error, self.address)

    def _copied_rows(self, work: Work) -> Generator[Rows, None, CopyEnd]:
        buffer, filled, end = bytearray(_BLOCK), 0, CopyEnd()
        while not end.ready:
            filled = self._receive_block(buffer, filled, work)
            count, rows, used = rows_of_messages(buffer, filled, end)
            if rows:
                yield count, rows
                work.check()
            if used:  # otherwise a long row would be copied once for each packet
                rest = bytes(memoryview(buffer)[used:filled])
                buffer[: len(rest)] = rest
                filled = len(rest)
            if (length := long_row(buffer, filled)) > _BLOCK:
                yield from self._long_row(buffer, filled, length, work)
                filled = 0
            elif filled > len(buffer) // 2:
                buffer.extend(bytes(len(buffer)))  # a message that is longer than the buffer
        return end

    def _long_row(self, buffer: bytearray, filled: int, length: int, work: Work) -> Iterator[Rows]:
        """Yield a row of `length` bytes, whose head and first bytes are in the buffer."""
        yield 0, bytes(memoryview(buffer)[HEAD_BYTES:filled])
        rest = length + HEAD_BYTES - filled
        while rest:
            work.check()
            size = min(rest, len(buffer))
            with memoryview(buffer)[:size] as view:
                self._fill(view)
                rest -= size
                yield 0 if rest else 1, bytes(view)

    def _receive_block(self, buffer: bytearray, filled: int, work: Work) -> int:
        """Receive messages of a COPY; return how many bytes of the buffer are filled."""
        try:
            searched = filled
            filled += self._receive_into(memoryview(buffer)[filled:])
            while filled < _LEAST_BLOCK and not has_end(buffer, filled, searched):
                if not self.encrypted:  # TLS passes one packet at a time, however many there are
                    # The server sends 8 KiB at a time. A short pause collects its packets: waking
                    # up for each of them takes more time than the rows.
                    work.token.wait(_PAUSE_SECONDS)
                searched = filled
                filled += self._receive_into(memoryview(buffer)[filled:])
        except DatabaseOffline:
            end = CopyEnd()
            rows_of_messages(buffer, filled, end)
            with self._explained(end.error):
                raise
        return filled

    def copy_in(self, statement: str, pieces: Iterable[Rows], work: Work) -> int:
        """Load pieces by `COPY … FROM STDIN`; return the row count that the server reports.

        If the pieces end with an error, the server is informed and stores nothing of them.
        """
        with self.cancellable(work):
            self._send(b"Q", statement.encode() + b"\0")
            first = self._message()
            while first[0] in (b"N", b"S"):  # a notice or a changed setting before the answer
                first = self._message()
            if first[0] == b"G":
                try:
                    for _, data in pieces:
                        work.check()
                        self._send(b"d", data)
                except BaseException:
                    self._send(b"f", b"the rows ended with an error\0")
                    with suppress(StorageError):
                        self._command_tag(first)
                    raise
                self._send(b"c", b"")
            return self._rows_of(self._command_tag(first))

    def _rows_of(self, tag: bytes) -> int:
        command, _, count = tag.rstrip(b"\0").partition(b" ")
        if command != b"COPY" or not count.isdigit():
            raise DatabaseError(
                f"The server {self.address.place} did not confirm the loaded rows",
                remedy="Check whether a proxy is between this computer and the server.",
                subject=str(self.address),
            )
        return int(count)

    def _command_tag(self, message: tuple[bytes, bytes]) -> bytes:
        """Read until the server is ready; return the tag of the command, for example `COPY 5`."""
        tag, error = b"", dict[str, str]()
        while message[0] != b"Z":
            if message[0] == b"C":
                tag = message[1]
            elif message[0] == b"E":
                error.update(error_fields(message[1]))
            with self._explained(error):
                message = self._message()
        if error:
            raise server_error(error, self.address)
        return tag

    def _message(self) -> tuple[bytes, bytes]:
        head = self._receive(5)
        return head[:1], self._receive(_LENGTH.unpack_from(head, 1)[0] - 4)

    def _receive(self, size: int) -> bytes:
        data = bytearray(size)
        self._fill(memoryview(data))
        return bytes(data)

    def _fill(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            done += self._receive_into(view[done:])

    def _receive_into(self, view: memoryview) -> int:
        with _translated(self.address):
            received = self._link.recv_into(view)
        if not received:
            raise connection_lost(self.address, "The server closed the connection.")
        return received

    def _send(self, kind: bytes, data: bytes) -> None:
        with _translated(self.address):
            self._link.sendall(kind + _LENGTH.pack(len(data) + 4))
            self._link.sendall(data)

    def close(self) -> None:
        """Close the connection; repeated calls are allowed."""
        from pg8000.core import InterfaceError

        with suppress(InterfaceError, OSError):  # it has already ended
            self._driver.close()
        with suppress(OSError):
            self._link.close()


def remember_errors(driver: Any, last: dict[str, str]) -> None:
    """Let a connection of pg8000 copy the fields of each error message.

    If the server ends the connection after it, pg8000 raises an error of the network instead.
    """
    handle = driver.message_types[b"E"]

    def remember(data: bytes, context: Any) -> None:
        last.update(error_fields(data))
        handle(data, context)

    driver.message_types[b"E"] = remember


@contextmanager
def _translated(address: ServerAddress) -> Iterator[None]:
    """Translate the errors of the socket and of pg8000."""
    from pg8000.exceptions import DatabaseError as ServerError
    from pg8000.exceptions import Error

    try:
        yield
    except StorageError:
        raise
    except ServerError as error:
        answer = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        raise server_error({str(k): str(v) for k, v in answer.items()}, address) from None
    except UnicodeDecodeError:
        raise DatabaseError(
            f"The database {address} contains names that are not valid UTF-8",
            cause="Its encoding is SQL_ASCII, which allows any bytes.",
            remedy="Rename the object, or choose other tables.",
            subject=str(address),
        ) from None
    except (Error, OSError, EOFError, struct.error, AttributeError) as error:
        # pg8000 raises AttributeError for a connection that another thread has closed.
        raise network_error(address, error) from None
