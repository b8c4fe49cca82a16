"""Control of the embedded AWS process: start, connection and stop."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic
from typing import IO, Any, Self

from core.demo.folders import make_folder, remove_folder
from core.errors import LocalIOError, StorageError
from core.local.environment import split_environment
from core.model.connection import (
    AccessKeys,
    Connection,
    KeySource,
    Profile,
    ProfileColour,
)
from core.redaction import Secret, redacted
from core.work import Work, default_work

PROFILE_NAME = "demo"
#: Seconds after which a start without an answer has failed; usually it takes two.
_START_SECONDS = 60.0
_STOP_SECONDS = 2.0
_LOG = "server.log"


class DemoServer:
    """A running embedded AWS. Its process ends with this process, even if this one is killed."""

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, message: dict[str, Any]
    ) -> None:
        self._process = process
        self._folder = folder
        self.endpoint_url = f"http://127.0.0.1:{message['port']}"
        self.database_path = Path(message["database"])
        self.admin = _keys(message["admin"])
        self.platform = _keys(message["platform"])

    @classmethod
    def start(cls, *, port: int = 0, work: Work | None = None) -> Self:
        """Start the server, and wait until it has its sample data and answers.

        Args:
            port: on the loopback; 0 takes any free one.
            work: cancel token.

        Raises:
            LocalIOError: it could not be started, or the port is taken.
            Cancelled: the user cancelled the start.
        """
        work = default_work(work)
        folder = make_folder()
        process: subprocess.Popen[bytes] | None = None
        try:
            process = _spawned(folder, port)
            return cls(process, folder, _first_line(process, folder, work))
        except (OSError, StorageError) as error:
            if process is not None:
                _end(process)
            remove_folder(folder)
            if isinstance(error, OSError):
                raise _failed(str(error)) from error
            raise

    @property
    def connection(self) -> Connection:
        """The administrator's connection to it: the profile `demo`, which is never stored."""
        return self._connection(PROFILE_NAME, self.admin)

    @property
    def platform_connection(self) -> Connection:
        """The platform's connection, with only the permissions of the contract."""
        return self._connection(f"{PROFILE_NAME}-platform", self.platform)

    def _connection(self, name: str, keys: AccessKeys) -> Connection:
        profile = Profile(
            name,
            KeySource.SESSION,
            endpoint_url=self.endpoint_url,
            access_key_id=keys.access_key_id,
            colour=ProfileColour.GREEN,
        )
        return Connection(profile, keys)

    @property
    def process_id(self) -> int:
        """The id of the child process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child process is running."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process and remove its folder; a second call does nothing."""
        _end(self._process)
        remove_folder(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<DemoServer {self.endpoint_url}>"


def _keys(values: list[str]) -> AccessKeys:
    return AccessKeys(values[0], Secret(values[1]))


def _spawned(folder: Path, port: int) -> subprocess.Popen[bytes]:
    # -P: do not import a `core` folder in the working directory
    arguments = ("-P", "-m", "core.demo.host", str(os.getpid()), str(folder), str(port))
    with (folder / _LOG).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
        )


def _environment() -> dict[str, str]:
    """Return the child's environment: without secrets, and with this package importable."""
    plain, _secret = split_environment()
    # Settings of the user for AWS or another moto would change what the demo answers.
    remaining = {k: v for k, v in plain.items() if not k.startswith(("AWS_", "MOTO_", "S3_"))}
    root = str(Path(__file__).parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**remaining, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def _first_line(process: subprocess.Popen[bytes], folder: Path, work: Work) -> dict[str, Any]:
    """Wait for the line of the child.

    A thread reads it, because reading a pipe has no time limit and cannot be cancelled.
    """
    assert process.stdout is not None
    lines: queue.Queue[bytes] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    line, deadline = None, monotonic() + _START_SECONDS
    while line is None:
        work.check()
        if monotonic() > deadline:
            raise _failed(f"It did not answer within {_START_SECONDS:.0f} seconds.")
        line = _next(lines)
    # An empty line is the end of the pipe: the child has ended.
    message = json.loads(line) if line else {"error": _last_lines(folder)}
    if "error" in message:
        raise _failed(str(message["error"]), port=int(message.get("port", 0)))
    return dict(message)


def _next(lines: queue.Queue[bytes]) -> bytes | None:
    try:
        return lines.get(timeout=0.05)
    except queue.Empty:
        return None


def _read(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    with stream:
        lines.put(stream.readline())


def _last_lines(folder: Path) -> str:
    """Return the end of the child's log, for the details of an error."""
    text = (folder / _LOG).read_text(encoding="utf-8", errors="replace").strip()
    return text.splitlines()[-1] if text else "It ended without a message."


def _failed(cause: str, *, port: int = 0) -> LocalIOError:
    remedy = (
        "Choose another port, or omit it to use any free one."
        if port
        else "Free some memory and disk space and try again, or connect to a real endpoint instead."
    )
    return LocalIOError(
        "The demo server could not be started",
        cause=redacted(f"Port {port}: {cause}" if port else cause).rstrip(".") + ".",
        remedy=remedy,
        subject="demo",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe, which ends the child process; kill it if it does not end."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
