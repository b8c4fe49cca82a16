"""Processes forked from one that has imported the program already: a start of Python takes a second.

`Forks` starts that process and sends it one JSON line for each fork. It answers with two lines: the
number of the request and the process id, later the number and the exit status. Each forked process
leads its own session, has its own environment and files, and is otherwise the real program.
"""

import faulthandler
import gc
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

from helpers.seaweed import ending_with_parent

_END_SECONDS = 30


@dataclass
class Forked:
    """A forked process. `wait` returns its exit status, negative for a signal."""

    pid: int
    _ended: "queue.SimpleQueue[int]" = field(repr=False)
    _status: int | None = None

    def wait(self, seconds: float = 120) -> int:
        """Wait for the end.

        Raises:
            queue.Empty: the process still runs.
        """
        if self._status is None:
            self._status = self._ended.get(timeout=seconds)
        return self._status

    def kill(self) -> int:
        """Kill the process and its group, and return its exit status."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return self.wait(_END_SECONDS)


class Forks:
    """Starts forked processes; a context manager. It is safe to use from several threads.

    Args:
        prepare: a function (`module:name`) that the first process calls before it forks, for
            example to shorten waits.
    """

    def __init__(self, prepare: str = "") -> None:
        self._process = subprocess.Popen(
            [*ending_with_parent(), sys.executable, "-P", "-m", "helpers.forks", prepare],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        self._numbers = count()
        self._sending = threading.Lock()
        self._answers: dict[int, queue.SimpleQueue[int]] = {}
        self._reader = threading.Thread(target=self._read, name="forks")

    def __enter__(self) -> "Forks":
        self._reader.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_END_SECONDS)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(
        self, action: str, *arguments: str, environment: Mapping[str, str],
        stdin: str | Path = os.devnull, stdout: str | Path = os.devnull,
        stderr: str | Path = os.devnull, stop: bool = False,
    ) -> Forked:  # fmt: skip
        """Fork a process that calls a function (`module:name`) with some arguments.

        Args:
            action: a function that returns an exit status, or `command` for the command line.
            arguments: texts that the function gets.
            environment: all environment variables of the process.
            stdin: the file that is its standard input.
            stdout: the file that its standard output is written to.
            stderr: the file that its errors are written to.
            stop: the process waits for SIGCONT before the call, so that a tracer can attach to it.
        """
        assert self._process.stdin is not None
        answers: queue.SimpleQueue[int] = queue.SimpleQueue()
        request: dict[str, Any] = {
            "action": action, "arguments": arguments, "environment": dict(environment),
            "files": [str(stdin), str(stdout), str(stderr)], "stop": stop,
        }  # fmt: skip
        with self._sending:
            request["number"] = number = next(self._numbers)
            self._answers[number] = answers
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return Forked(answers.get(timeout=_END_SECONDS), answers)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            number, value = map(int, line.split())
            self._answers[number].put(value)


def command(*arguments: str) -> int:
    """Run the program as its entry point does."""
    from gui.__main__ import main

    sys.argv[1:] = arguments
    return main()


def _main() -> None:
    faulthandler.enable()
    if sys.argv[1:] and sys.argv[1]:
        _function(sys.argv[1])()  # before modules import constants from others by name
    _warm_up()
    gc.freeze()  # the collector would write to, and so copy, every page that is shared
    requests, answers = os.fdopen(os.dup(0), "rb", 0), os.dup(1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the supervisors are not waited for
    while line := requests.readline():
        if not os.fork():
            requests.close()
            _supervise(json.loads(line), answers)


def _warm_up() -> None:
    """Import every command, and let botocore read the descriptions of its services."""
    import gui.__main__
    from core.aws.clients import ClientFactory
    from core.cli.program import program_of
    from core.model.connection import AccessKeys, Connection, KeySource, Profile
    from core.redaction import Secret

    assert gui.__main__
    program_of()
    profile = Profile("forks", KeySource.SESSION, endpoint_url="http://127.0.0.1:9", bucket="b")
    clients = ClientFactory(
        Connection(profile, AccessKeys("AKIAIOSFODNN7EXAMPLE", Secret("x" * 40)))
    )
    clients.s3()
    clients.close()


def _supervise(request: Mapping[str, Any], answers: int) -> NoReturn:
    """Fork the process itself and report its end: the first process only reads requests."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if not child:
        os.close(answers)
        _act(request)
    # Lines this short are written at once, so that those of two supervisors are not mixed.
    os.write(answers, b"%d %d\n" % (request["number"], child))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(answers, b"%d %d\n" % (request["number"], status))
    os._exit(0)


def _act(request: Mapping[str, Any]) -> NoReturn:
    """Become the requested process, and end with the status of its function."""
    status = 1
    try:
        os.setsid()  # a killed process may leave a helper, which is found by its group
        for number, (path, flags) in enumerate(
            zip(
                request["files"],
                (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT | os.O_TRUNC] * 2),
                strict=True,
            )
        ):
            opened = os.open(path, flags, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        os.environ.clear()
        os.environ.update(request["environment"])
        if request["stop"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        status = _function(request["action"])(*request["arguments"])
        sys.stdout.flush()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - a forked process must not return
        sys.stderr.write(f"Traceback: {error!r}\n")
    finally:
        sys.stderr.flush()
        os._exit(status)


def _function(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if not attribute:
        return command
    return getattr(importlib.import_module(module), attribute)


if __name__ == "__main__":
    _main()
