"""The program as a separate process, against one of the S3 servers."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.forked_runs import ForkedRun
from helpers.forks import Forks
from helpers.s3_servers import S3Server


@dataclass(frozen=True)
class Program:
    """Runs commands on a bucket of a server, with a separate home folder."""

    server: S3Server
    bucket: str
    home: Path
    forks: Forks

    def start(self, *arguments: str) -> ForkedRun:
        """Start a command; it leads a new process group, so that all of it can be killed."""
        return ForkedRun(
            self.forks, "command", *arguments, "--bucket", self.bucket,
            environment=self.server.environment(self.home),
        )  # fmt: skip

    def run(self, *arguments: str, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; one that hangs is killed and fails the test."""
        return self.start(*arguments).finished(seconds)

    def together(self, *lines: Sequence[str]) -> "list[subprocess.CompletedProcess[str]]":
        """Run several commands at the same time, each to its end."""
        started = [self.start(*arguments) for arguments in lines]
        return [process.finished() for process in started]


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
