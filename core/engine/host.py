"""The engine process: runs one operation at a time, and ends with its parent process."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import IO, Any

from core.aws.usage import record_use
from core.engine.frames import Kind, Reader, Writer
from core.errors import ErrorKind, InvalidInput, StorageError
from core.limits import LimitValues, TransferLimits
from core.local.hardening import harden
from core.model.connection import Connection
from core.redaction import Secret, clamp_logging
from core.signals import leave_to_parent
from core.units import TimeStyle, use_time_style
from core.work import CancelToken, Coalescer, Work, unexpected_error

_log = logging.getLogger(__name__)

#: Time limit for the clean-up of a running operation after the parent has ended, in seconds.
_ORPHAN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the operation, its arguments, and the connection.

    `environment` contains the secret variables of the caller; `time_style` is the caller's format
    of times; `limits` are those at the start, which later messages change; `number` identifies the
    call, since a cancel may arrive after its end.
    """

    operation: str
    arguments: dict[str, Any]
    connection: Connection
    environment: dict[str, Secret] = field(default_factory=dict)
    time_style: TimeStyle = TimeStyle.UTC
    limits: LimitValues = field(default_factory=LimitValues)
    number: int = 0


def main(argv: list[str]) -> int:
    """Run the calls from standard input until it ends."""
    module, niceness = argv
    harden()
    leave_to_parent()
    if hasattr(os, "nice"):
        os.nice(int(niceness))
    logging.basicConfig(level=logging.WARNING, format="engine: %(levelname)s %(message)s")
    clamp_logging()
    record_use()
    pipe_in, pipe_out = _private_pipes()
    Host(Reader(pipe_in), Writer(pipe_out), module).serve()
    return 0


def _private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Reserve the pipes for the protocol: output of `print` must not damage a frame."""
    pipe_in, pipe_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # Output of C libraries, which do not use `sys.stdout`, also goes to standard error.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return pipe_in, pipe_out


class Host:
    """Host of operations: messages are read in a thread, operations run in the main thread."""

    def __init__(self, reader: Reader, writer: Writer, module: str) -> None:
        self._reader, self._writer = reader, writer
        self._operations = {op.name: op for op in import_module(module).OPERATIONS if op.bulk}
        self._calls: queue.SimpleQueue[tuple[Call, CancelToken] | None] = queue.SimpleQueue()
        self._token = CancelToken()
        self._limits = TransferLimits()
        self._workspace: Any = None

    def serve(self) -> None:
        """Run calls until the parent closes the pipe."""
        threading.Thread(target=self._listen, name="engine-reader", daemon=True).start()
        while (item := self._calls.get()) is not None:
            self._answer(*item)

    def _listen(self) -> None:
        number = 0
        while (message := self._reader.receive()) is not None:
            kind, payload = message
            # A new token before the call is queued: a cancel that follows at once finds it.
            if kind is Kind.CALL:
                self._token, number = CancelToken(), payload.number
                self._limits.change(payload.limits)
                self._calls.put((payload, self._token))
            elif kind is Kind.LIMITS:
                self._limits.change(payload)
            elif payload[0] == number:  # else the cancel of a call that has ended
                (self._token.pause if payload[1] else self._token.cancel)()
        # The pipe has ended: the parent was closed or killed.
        self._calls.put(None)
        self._token.cancel()
        # An operation that does not notice must not outlive the parent. PR_SET_PDEATHSIG would
        # not do: it also fires when only the *thread* ends that started this process.
        threading.Timer(_ORPHAN_SECONDS, os._exit, args=(0,)).start()

    def _answer(self, call: Call, token: CancelToken) -> None:
        try:
            result = self._run(call, token)
            self._writer.send(Kind.DONE, result)
        except StorageError as error:
            self._fail(error)
        except BrokenPipeError:
            return  # the parent has ended; the reader thread ends this process
        except Exception as error:  # noqa: BLE001 - the engine continues; the caller gets the error
            shown = unexpected_error(error, "the engine")
            if shown.kind is ErrorKind.BUG:
                _log.exception("The operation %s failed because of a bug", call.operation)
            self._fail(shown)

    def _run(self, call: Call, token: CancelToken) -> Any:
        reports = Coalescer(lambda progress: self._writer.send(Kind.PROGRESS, progress))
        work = Work(
            token,
            reports.take,
            lambda batch: self._writer.send(Kind.BATCH, batch),
            # One object for all calls: the host runs one operation at a time.
            limits=self._limits,
        )
        token.check()
        use_time_style(call.time_style)
        # Later changes of the environment are not shown in /proc, unlike those it was started with.
        os.environ.update({name: value.reveal() for name, value in call.environment.items()})
        function = self._function(call.operation)
        workspace = self._workspace_of(call.connection)
        operation = self._operations[call.operation]
        # Checked again in this process: the window's check is for its buttons.
        if operation.changes and operation.refused_at_start:
            workspace.clients.require_writable(operation.title)
        result = function(workspace, work, **call.arguments)
        # The last progress may have been withheld by the limit of reports per second.
        reports.flush()
        return result

    def _fail(self, error: StorageError) -> None:
        try:
            self._writer.send(Kind.FAILED, error)
        except BrokenPipeError:
            _log.debug("the caller has ended")

    def _function(self, name: str) -> Callable[..., Any]:
        if name not in self._operations:
            raise InvalidInput(
                f"There is no operation {name!r}",
                cause="The engine knows: " + ", ".join(sorted(self._operations)),
                remedy="Start the window and the engine from the same version.",
                subject=name,
            )
        module, _, function = self._operations[name].run.partition(":")
        found: Callable[..., Any] = getattr(import_module(module), function)
        return found

    def _workspace_of(self, connection: Connection) -> Any:
        """Return the workspace of a connection, which is cached with its connection pools."""
        if self._workspace is None or self._workspace.connection != connection:
            from core.workspace import Workspace

            if self._workspace is not None:
                self._workspace.close()
            self._workspace = Workspace.open(connection)
        return self._workspace
