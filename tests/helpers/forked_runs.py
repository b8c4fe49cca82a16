"""Commands and scripts in processes forked from one that has imported the program already.

A separate start would import it again: half a second of processor time for each of hundreds.
"""

from __future__ import annotations

import queue
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.forks import Forks


class ForkedRun:
    """What tests use of a `subprocess.Popen`, for a forked process whose output is read at its end.

    Args:
        forks: The process that is forked.
        action: What it runs, as `Forks.start` describes.
        arguments: The arguments of the action.
        environment: All environment variables.
        stdin: The bytes of the standard input.
    """

    def __init__(
        self, forks: Forks, action: str, *arguments: str,
        environment: Mapping[str, str], stdin: bytes = b"",
    ) -> None:  # fmt: skip
        self._folder = TemporaryDirectory(prefix="strongroom-run-")
        given, *written = (Path(self._folder.name, name) for name in ("in", "out", "err"))
        given.write_bytes(stdin)
        self._outputs = written
        self._arguments = arguments
        self._forked = forks.start(
            action, *arguments, environment=environment,
            stdin=given, stdout=written[0], stderr=written[1],
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """The process id, which is that of its group, too."""
        return self._forked.pid

    def finished(self, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Wait for the end, and return the exit status and the output.

        Raises:
            subprocess.TimeoutExpired: it did not end, and was killed.
        """
        try:
            status = self._forked.wait(seconds)
        except queue.Empty:
            self._forked.kill()
            raise subprocess.TimeoutExpired(list(self._arguments), seconds) from None
        output, errors = (path.read_text(encoding="utf-8") for path in self._outputs)
        self._folder.cleanup()
        return subprocess.CompletedProcess(list(self._arguments), status, output, errors)

    def killed(self) -> subprocess.CompletedProcess[str]:
        """Kill the process and its group, and return the exit status and the output."""
        self._forked.kill()
        return self.finished()


def run_script(
    forks: Forks, script: str, *arguments: str, environment: Mapping[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run the text of a script to its end."""
    action = "helpers.forked_runs:execute"
    return ForkedRun(
        forks, action, script, *arguments, environment=environment, stdin=stdin
    ).finished()


def execute(script: str, *arguments: str) -> int:
    """Execute a script in this process as `python -c` does, and return 0."""
    sys.argv = ["-c", *arguments]
    exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})
    return 0
