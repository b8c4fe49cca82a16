"""Client of the engine: starts processes, calls operations, cancels, and restarts."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.engine.frames import Kind, Reader, Writer
from core.engine.host import Call
from core.errors import Cancelled, EngineError, StorageError, explain_os_error
from core.limits import LimitValues, TransferLimits
from core.local.environment import split_environment
from core.model.connection import Connection
from core.units import time_style
from core.work import CancelToken, Work

#: Maximum number of processes: another one is only started while the others are busy.
# An upload, a download and a scan run at the same time, and a watched folder mostly waits; more
# would only compete.
MAX_ENGINES = 4
#: Niceness of engine processes, so that the window has priority.
NICENESS = 10
#: Seconds after which the engine of a cancelled operation is killed.
CANCEL_SECONDS = 1.5
_CLOSE_SECONDS = 1.5
#: The numbers of calls.
_numbers = itertools.count(1)


class EngineClient:
    """Client that calls operations in engine processes, one at a time in each; thread-safe."""

    def __init__(
        self, *, operations_module: str = "core.engine.operations", niceness: int = NICENESS
    ) -> None:
        self._module, self._niceness = operations_module, niceness
        self._free = threading.Semaphore(MAX_ENGINES)
        self._lock = threading.Lock()
        self._idle: list[_Engine] = []
        self._busy: list[_Engine] = []
        self._closed = False

    def call(
        self, operation: str, arguments: dict[str, Any], *, connection: Connection, work: Work
    ) -> Any:
        """Run an operation and return its result; waits while all engines are busy.

        A change of `work.limits` applies to the running operation.

        Raises:
            StorageError: the error of the operation.
            EngineError: the engine process ended during the task; another call starts a new one.
            Cancelled: the token of `work` was cancelled, or the client was closed.
        """
        with self._one_of(work) as engine:
            _plain, secret = split_environment()
            limits = work.limits.values if work.limits is not None else LimitValues()
            number = next(_numbers)
            call = Call(operation, arguments, connection, secret, time_style(), limits, number)
            return engine.call(call, work)

    def pids(self) -> list[int]:
        """Return the process ids of the running engines."""
        with self._lock:
            return [engine.pid for engine in self._idle + self._busy if engine.alive]

    def close(self) -> None:
        """End all engines; running calls are cancelled."""
        with self._lock:
            self._closed = True
            engines = self._idle + self._busy
            self._idle = []
        # All pipes are closed first, so that the engines end concurrently and not one after
        # another.
        for engine in engines:
            engine.disconnect()
        for engine in engines:
            engine.end()

    @contextlib.contextmanager
    def _one_of(self, work: Work) -> Iterator[_Engine]:
        # In short steps, so that a call that waits for an engine can be cancelled.
        while not self._free.acquire(timeout=0.2):
            work.check()
        try:
            engine = self._checked_out()
            try:
                yield engine
            finally:
                self._given_back(engine)
        finally:
            self._free.release()

    def _checked_out(self) -> _Engine:
        with self._lock:
            if self._closed:
                raise Cancelled("The engine was closed")
            # Within the lock, so that `close` knows every engine that was started.
            engine = self._still_idle() or _Engine(self._module, self._niceness)
            self._busy.append(engine)
            return engine

    def _still_idle(self) -> _Engine | None:
        while self._idle:
            engine = self._idle.pop()
            if engine.alive:
                return engine
            engine.end()
        return None

    def _given_back(self, engine: _Engine) -> None:
        with self._lock:
            self._busy.remove(engine)
            # An engine that was killed to cancel its call is not used again.
            reusable = engine.alive and not self._closed
            if reusable:
                self._idle.append(engine)
        # Outside the lock, because waiting for the process may take seconds.
        if not reusable:
            engine.end()


class _Engine:
    """An engine process and its two pipes."""

    def __init__(self, module: str, niceness: int) -> None:
        self._process = _started(module, niceness)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._writer = Writer(self._process.stdin, secrets=True)
        self._reader = Reader(self._process.stdout)
        self._disconnected = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is running and was not requested to end."""
        return not self._disconnected and self._process.poll() is None

    def call(self, call: Call, work: Work) -> Any:
        """Send a call, and process the messages until its end."""
        work.check()
        stop = _Stop(self._process, self._writer, work.token, call.number)
        try:
            with work.token.on_cancel(stop.request):
                self._send(call, work)
                with _sent_limits(self._writer, work.limits):
                    return self._followed(work)
        finally:
            stop.finish()

    def disconnect(self) -> None:
        """Close the pipe to the engine, which then ends."""
        self._disconnected = True
        # The engine detects the end of the pipe and ends by itself; a kill would skip its clean-up.
        with contextlib.suppress(OSError):  # closing flushes the pipe
            self._writer.close()

    def end(self) -> None:
        """Make sure that the process has ended, and close its pipes."""
        self.disconnect()
        try:
            # The pipes are closed after the process has ended: output into a closed pipe would be
            # an error.
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.close()

    def _send(self, call: Call, work: Work) -> None:
        try:
            self._writer.send(Kind.CALL, call)
        except (OSError, ValueError):
            raise self._ended(work) from None

    def _followed(self, work: Work) -> Any:
        answered = False
        try:
            while (message := self._reader.receive()) is not None:
                kind, payload = message
                answered = kind in {Kind.DONE, Kind.FAILED}
                if kind is Kind.DONE:
                    return payload
                if kind is Kind.FAILED:
                    raise payload
                (work.report if kind is Kind.PROGRESS else work.batch)(payload)
            raise self._ended(work)
        finally:
            if not answered:  # an exception during an answer must not leave unread frames
                self.disconnect()

    def _ended(self, work: Work) -> StorageError:
        """Return the error for a missing answer: cancelled, or crashed."""
        if work.token.cancelled or self._disconnected:
            return Cancelled("Cancelled")
        # The pipe ends a moment before the process does.
        try:
            code = self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:  # it has closed the pipe, and waits for something
            self._process.kill()
            code = self._process.wait()
        # A negative exit code is the number of the signal that ended the process.
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return EngineError(
            "The engine process ended during the task",
            cause=f"Process {self.pid} ended with {how}.",
            remedy="Try again with a new engine process. Completed parts of the task are not "
            "repeated.",
            details=f"engine {self.pid}: {how}",
        )


class _Stop:
    """Stops one call: first with a cancel, then by ending the engine process."""

    def __init__(
        self, process: subprocess.Popen[bytes], writer: Writer, token: CancelToken, number: int
    ) -> None:
        self._process, self._writer, self._token = process, writer, token
        self._number = number
        self._lock = threading.Lock()
        self._finished = False
        self._timer = threading.Timer(CANCEL_SECONDS, self._kill)
        self._timer.daemon = True

    def request(self) -> None:
        """Cancel the operation, and start the time limit for it."""
        with self._lock:
            if not self._finished:
                self._timer.start()
        # Outside the lock: a full pipe may block this call, and the timer must be able to kill.
        with contextlib.suppress(OSError, ValueError):  # it has ended, which the reader reports
            self._writer.send(Kind.CANCEL, (self._number, self._token.paused))

    def finish(self) -> None:
        """Stop the time limit, because the call has ended."""
        with self._lock:
            self._finished = True
            started = self._timer.is_alive()
        if started:
            self._timer.cancel()
            self._timer.join()

    def _kill(self) -> None:
        with self._lock:
            if not self._finished:
                self._process.kill()


@contextlib.contextmanager
def _sent_limits(writer: Writer, limits: TransferLimits | None) -> Iterator[None]:
    """Send each change of the limits that is made in the block."""
    if limits is None:
        yield
        return
    # Two changes at the same time must arrive in their order.
    lock = threading.Lock()

    def send() -> None:
        # It has ended, which the reader reports.
        with lock, contextlib.suppress(OSError, ValueError):
            writer.send(Kind.LIMITS, limits.values)

    with limits.on_change(send):
        send()  # they may have been changed since the call was sent
        yield


def _started(module: str, niceness: int) -> subprocess.Popen[bytes]:
    """Start an engine with the module search path of this process.

    Secrets in the environment are sent with each call instead, so that no other program can read
    them. `-P` prevents a `core` folder in the working directory from being imported.
    """
    # An empty entry of `sys.path` means the working directory, which `-P` would exclude.
    folders = [folder or str(Path.cwd()) for folder in sys.path]
    plain, _secret = split_environment()
    try:
        return subprocess.Popen(  # noqa: S603 - our own program; nothing of it comes from a user
            [sys.executable, "-P", "-m", "core.engine", module, str(niceness)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**plain, "PYTHONPATH": os.pathsep.join(folders)},
        )
    except OSError as error:
        cause, remedy = explain_os_error(error)
        raise EngineError(
            "The engine process could not be started", cause=cause, remedy=remedy
        ) from error
