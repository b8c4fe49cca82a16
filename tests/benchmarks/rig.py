"""The responder: a small C program that answers S3 requests faster than any client sends them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("s3rig.c")
_START_SECONDS = 30.0


@contextmanager
def rig(*, latency: float = 0.0) -> Iterator[str]:
    """Build and start the responder; yield its URL; end it by its process id.

    It stores objects in every bucket, with the bytes of those up to 64 KiB; larger ones are
    returned as zeros, so a benchmark that verifies them sends zeros (see the head of `s3rig.c`).

    Args:
        latency: seconds that pass before each answer.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        message = "benchmarks need a C compiler; on Debian: apt-get install gcc libc6-dev"
        raise SystemExit(message)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "s3rig"
        subprocess.run([compiler, "-O2", "-w", "-o", program, SOURCE, "-lpthread"], check=True)
        port = _free_port()
        microseconds = str(round(latency * 1_000_000))
        process = subprocess.Popen([program, str(port), "1", microseconds])
        try:
            _wait(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)  # noqa: TID251 - nothing to cancel here
    message = "the responder did not start"
    raise SystemExit(message)
