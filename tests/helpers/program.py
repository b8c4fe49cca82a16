"""The program as a separate process, against one of the S3 servers."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.s3_servers import S3Server


@dataclass(frozen=True)
class Program:
    """Runs commands on a bucket of a server, with a separate home folder."""

    server: S3Server
    bucket: str
    home: Path

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command; it leads a new process group, so that all of it can be killed."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "core", *arguments, "--bucket", self.bucket],
            env=self.server.environment(self.home),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        process = self.start(*arguments)
        return finished(process, arguments, seconds)

    def together(self, *lines: Sequence[str]) -> "list[subprocess.CompletedProcess[str]]":
        """Run several commands at the same time, each to its end."""
        started = [(self.start(*arguments), arguments) for arguments in lines]
        return [finished(process, arguments, 120) for process, arguments in started]


def finished(
    process: "subprocess.Popen[str]", arguments: Sequence[str], seconds: float
) -> "subprocess.CompletedProcess[str]":
    """Wait for the end of a command; one that hangs is killed and fails the test."""
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)
