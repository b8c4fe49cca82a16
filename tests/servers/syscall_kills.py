"""Kill the queue at its n-th system call, run the rest, and compare the result with the sources."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.s3_servers import S3Server, make_bucket
from helpers.seaweed import ending_with_parent
from helpers.waiting import until
from servers.killing import group_lives

from core.local.state.database import state_database
from core.local.state.reports import damaged_files
from core.transfer.queue import TransferQueue
from core.transfer.queue_values import BatchState
from core.transfer.values import State

#: System calls that change files or send requests; the tracer kills before the n-th of a thread.
SYSCALLS = (
    "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat2", "link", "unlink",
    "mkdir", "openat", "connect", "sendto", "recvfrom", "fcntl", "flock", "close",
)  # fmt: skip
_SMALL, _LARGE = 12, 12_000_000


@dataclass
class Kills:
    """A server, a bucket, sources, and the process that forks."""

    server: S3Server
    folder: Path
    client: Any
    bucket: str
    process: "subprocess.Popen[str]"
    number: int = 0

    def kill(self, action: str, syscall: str, count: int) -> tuple[bool, str]:
        """Kill an action at a system call; return whether it came so far, and what is wrong."""
        self.number += 1
        home = self.folder / f"h{self.number}"
        home.mkdir()
        name = f"{action} at {syscall} {count}"
        if action == "save":
            status = self._traced("save", home, syscall, count)
        else:
            assert self._do("save", home) == 0
            status = self._traced("run", home, syscall, count)
        before = _done(home)
        again = self._do("run", home)
        try:
            if again:
                return True, f"{name}: the second run ended with {again}"
            wrong = self._wrong(home, before)
            return status == -signal.SIGKILL, f"{name}: {wrong}" if wrong else ""
        finally:
            state_database(home / "data").close()
            shutil.rmtree(home)

    def _do(self, action: str, home: Path, *, stop: bool = False) -> int:
        self._send(f"{action} {home} {self.bucket} {'stop' if stop else 'go'}")
        self._line()
        return int(self._line())

    def _traced(self, action: str, home: Path, syscall: str, count: int) -> int:
        self._send(f"{action} {home} {self.bucket} stop")
        pid = int(self._line())
        until(lambda: _state(pid) in {"T", "t"}, 10)
        inject = f"inject={syscall}:signal=SIGKILL:when={count}"
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", str(pid), "-e", f"trace={syscall}", "-e", inject,
             "-o", os.devnull],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        os.kill(pid, signal.SIGCONT)
        status = int(self._line())
        # The process that sends small files notices the end of its pipe.
        until(lambda: not group_lives(pid), 10)
        tracer.kill()
        tracer.communicate()
        return status

    def _wrong(self, home: Path, before: set[tuple[str, int]]) -> str:
        """Return what is wrong after the second run."""
        queue = TransferQueue(home / "data")
        if damaged_files(state_database(home / "data")):
            return "the state database was damaged"
        batches = queue.batches()
        if len(batches) != 2 or any(batch.state is not BatchState.ENDED for batch in batches):
            return f"the batches are {batches}"
        if not before <= _done(home):
            return "a completed file is no longer completed"
        for batch in batches:
            counts = batch.counts
            if counts.done + counts.skipped != counts.planned:
                return f"{batch.title}: {queue.files(batch.id).report()}"
        left = [path for path in home.rglob("*strongroom-part*") if path.is_file()]
        uploads = self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())
        if left or uploads:
            for each in uploads:
                self.client.abort_multipart_upload(
                    Bucket=self.bucket, Key=each["Key"], UploadId=each["UploadId"]
                )
            return f"left behind: {[*left, *(each['Key'] for each in uploads)]}"
        return self._other_bytes(home)

    def _other_bytes(self, home: Path) -> str:
        for path in (self.folder / "source").iterdir():
            body = self.client.get_object(Bucket=self.bucket, Key=f"{home.name}/{path.name}")[
                "Body"
            ]
            content = path.read_bytes()
            if body.read() != content:
                return f"other bytes are stored for {path.name}"
            if (home / "target" / path.name).read_bytes() != content:
                return f"other bytes were downloaded for {path.name}"
        return ""

    def _send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def kills(server: S3Server, folder: Path) -> Iterator[Kills]:
    """Yield the means to kill actions, with small sources and a large one."""
    source = folder / "source"
    source.mkdir()
    for number in range(_SMALL):
        (source / f"{number:02}.json").write_bytes(random.Random(number).randbytes(2_000))
    (source / "large.bin").write_bytes(random.Random("large").randbytes(_LARGE))
    client = server.client()
    process = subprocess.Popen(
        [*ending_with_parent(), sys.executable, "-m", "servers.queue_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**server.environment(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield Kills(server, folder, client, make_bucket(client, "queue"), process)
    finally:
        process.communicate()
        client.close()


def kill_some(kills: Kills, count: int, draw: random.Random) -> list[str]:
    """Kill so many actions at random system calls; return what went wrong."""
    found = []
    for number in range(count):
        action = "save" if number % 3 == 0 else "run"
        syscall = draw.choice(SYSCALLS)
        # Most actions have few calls of a kind, and a later call leaves them unkilled.
        found.append(kills.kill(action, syscall, int(draw.expovariate(1 / 12)) + 1)[1])
    return [wrong for wrong in found if wrong]


def _done(home: Path) -> set[tuple[str, int]]:
    queue = TransferQueue(home / "data")
    return {
        (batch.id, number)
        for batch in queue.batches()
        for number, result in queue.files(batch.id).results.items()
        if result.state is State.DONE
    }


def _state(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""
