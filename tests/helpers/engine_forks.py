"""Engines forked from a process that has imported the operations already, for tests of the window.

Most of these tests start an engine, and half a second of each start is the import of its modules.
The forked process is the same program with the same pipes; that the engine starts by itself is
tested in `tests/core/engine` and by the stories in `tests/e2e` that start the program.
"""

import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import IO

import pytest
from helpers.forks import Forked, Forks

from core.local.environment import split_environment

_ACTION = "helpers.engine_forks:serve"


class ForkedEngine:
    """What `core.engine.client` uses of a `subprocess.Popen`, for a forked engine."""

    def __init__(self, forks: Forks, module: str, niceness: int, log: Path) -> None:
        self._lock = threading.Lock()
        plain, _secret = split_environment()
        with tempfile.TemporaryDirectory(prefix="strongroom-engine-") as folder:
            pipes = [Path(folder, name) for name in ("stdin", "stdout")]
            for pipe in pipes:
                os.mkfifo(pipe, 0o600)
            self._forked: Forked = forks.start(
                _ACTION, module, str(niceness), environment=plain,
                stdin=pipes[0], stdout=pipes[1], stderr=log,
            )  # fmt: skip
            # Each call waits for the other end, which the forked process opens in the same order.
            self.stdin: IO[bytes] = pipes[0].open("wb")
            self.stdout: IO[bytes] = pipes[1].open("rb")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._forked.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while the process runs."""
        with self._lock, suppress(queue.Empty):
            return self._forked.wait(0.001)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit status.

        Raises:
            subprocess.TimeoutExpired: the process still runs.
        """
        # In steps, because several threads may wait for one process.
        end = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(_ACTION, timeout or 0)
        return status

    def kill(self) -> None:
        """Kill the process."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def fork_engines(patch: pytest.MonkeyPatch, forks: Forks, folder: Path) -> None:
    """Start engines by forks, and write what they print to files of a folder."""
    numbers = count()

    def start(module: str, niceness: int) -> ForkedEngine:
        return ForkedEngine(forks, module, niceness, folder / f"engine-{next(numbers)}.log")

    patch.setattr("core.engine.client._started", start)


def prepare() -> None:
    """Import the modules of all operations before the first engine is forked."""
    from core.engine.operations import OPERATIONS

    import_module("core.engine.host")
    import_module("core.workspace")
    for operation in OPERATIONS:
        import_module(operation.run.partition(":")[0])


def serve(module: str, niceness: str) -> int:
    """Be an engine."""
    from core.engine.host import main

    return main([module, niceness])
