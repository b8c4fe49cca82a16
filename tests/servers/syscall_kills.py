"""Kill an action at its n-th system call, repeat it, and compare the result with the sources."""

import os
import random
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.forks import Forked, Forks
from helpers.s3_servers import S3Server, make_bucket
from helpers.waiting import until
from servers.killing import group_lives
from servers.queue_actions import PART_BYTES

from core.local.state.database import state_database
from core.local.state.reports import damaged_files
from core.transfer.queue import TransferQueue
from core.transfer.queue_values import BatchState
from core.transfer.values import State

#: System calls that change files or send requests; the tracer kills before the n-th of a thread.
SYSCALLS = (
    "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat2", "link", "linkat", "unlink",
    "mkdir", "openat", "connect", "sendto", "recvfrom", "fcntl", "flock", "close",
)  # fmt: skip
#: The queue is saved, run (it uploads, then downloads), or the command `sync` runs both ways.
ACTIONS = ("save", "run", "sync")
_SMALL, _LARGE = 6, PART_BYTES + 500_000
#: How many kills are prepared and judged at the same time: they mostly wait for the disk.
_PARALLEL = 4
#: Seconds within which a process stops or ends, also on a busy machine.
_SECONDS = 60
_OTHER_OBJECTS = "other objects are stored"


@dataclass(frozen=True)
class Kill:
    """An action, and the system call before which it is killed."""

    action: str
    syscall: str
    count: int

    def __str__(self) -> str:
        return f"{self.action} at {self.syscall} {self.count}"


@dataclass
class Kills:
    """A server, a bucket, sources, and the process that forks."""

    server: S3Server
    folder: Path
    client: Any
    bucket: str
    forks: Forks

    def run(self, kill: Kill, number: int) -> tuple[bool, str]:
        """Kill an action; return whether it came so far, and what is wrong afterwards."""
        home = self.folder / f"h{number}"
        self._prepare(kill.action, home)
        status = self._traced(kill, home)
        before = set() if kill.action == "sync" else _done(home)
        again = self._do("sync" if kill.action == "sync" else "run", home)
        try:
            if again:
                errors = (home / "stderr").read_text()[-500:]
                return True, f"{kill}: the second run ended with {again}: {errors}"
            wrong = self._wrong(kill.action, home, before)
            if wrong.startswith(_OTHER_OBJECTS) and self._stored_late(home):
                assert self._do("clean", home) == 0
                wrong = self._wrong(kill.action, home, before)
            return status == -signal.SIGKILL, f"{kill}: {wrong}" if wrong else ""
        finally:
            state_database(home / "data").close()
            shutil.rmtree(home)

    def _prepare(self, action: str, home: Path) -> None:
        if action == "save":  # it also creates the state database
            home.mkdir()
            return
        # Creating a state database takes longer than all the rest of an action.
        shutil.copytree(self.folder / "created", home)
        if action == "run":
            assert self._do("save", home) == 0
            return
        (home / "target").mkdir()
        (home / "target" / "extra").write_bytes(b"e")
        self.client.put_object(Bucket=self.bucket, Key=f"{home.name}/extra", Body=b"e")

    def _do(self, action: str, home: Path) -> int:
        return self._start(action, home).wait()

    def _start(self, action: str, home: Path, *, stop: bool = False) -> Forked:
        return self.forks.start(
            f"servers.queue_actions:{action}", str(home), self.bucket, stop=stop,
            environment={**self.server.environment(home), "STRONGROOM_HOME": str(home)},
            stderr=home / "stderr",
        )  # fmt: skip

    def _traced(self, kill: Kill, home: Path) -> int:
        inject = f"inject={kill.syscall}:signal=SIGKILL:when={kill.count}"
        return self._strace(kill.action, home, f"trace={kill.syscall}", "-e", inject)

    def _strace(self, action: str, home: Path, *options: str, output: str = os.devnull) -> int:
        """Run an action under the tracer and return its exit status."""
        process = self._start(action, home, stop=True)
        until(lambda: _state(process.pid) in {"T", "t"}, _SECONDS)
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", str(process.pid), "-o", output, "-e", *options],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        os.kill(process.pid, signal.SIGCONT)
        status = process.wait()
        until(lambda: not group_lives(process.pid), _SECONDS)
        tracer.communicate(timeout=_SECONDS)  # it ends with the last process that it traces
        return status

    def counts(self, action: str) -> dict[str, int]:
        """Return how often the thread of an action that makes most calls of a kind makes them."""
        home, log = self.folder / "counted", self.folder / "calls"
        self._prepare(action, home)
        assert self._strace(action, home, f"trace={','.join(SYSCALLS)}", output=str(log)) == 0
        found = Counter(re.findall(r"^(\d+ +[a-z0-9]+)\(", log.read_text(), re.MULTILINE))
        state_database(home / "data").close()
        shutil.rmtree(home)
        most: dict[str, int] = {}
        for line, number in found.items():
            name = line.split()[1]
            most[name] = max(number, most.get(name, 0))
        return most

    def _wrong(self, action: str, home: Path, before: set[tuple[str, int]]) -> str:
        """Return what is wrong after the second run."""
        if damaged_files(state_database(home / "data")):
            return "the state database was damaged"
        wrong = "" if action == "sync" else _wrong_counts(home, before)
        return wrong or self._left_behind(home) or self._other_bytes(home)

    def _left_behind(self, home: Path) -> str:
        left = [str(path) for path in home.rglob("*strongroom-part*") if path.is_file()]
        uploads = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=f"{home.name}/")
        for each in uploads.get("Uploads", ()):
            left.append(each["Key"])
            where = {"Key": each["Key"], "UploadId": each["UploadId"]}
            self.client.abort_multipart_upload(Bucket=self.bucket, **where)
        return f"left behind: {left}" if left else ""

    def _stored_late(self, home: Path) -> bool:
        """Return whether the server stored a probe of the killed process after the second run.

        Its record remains for a minute, so that the next transfer removes it.
        """
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{home.name}/")
        return any(".strongroom-probe-" in row["Key"] for row in listed.get("Contents", ()))

    def _other_bytes(self, home: Path) -> str:
        """Compare the names and bytes of the sources with those of the objects and downloads."""
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{home.name}/")
        keys = {row["Key"].rpartition("/")[2] for row in listed.get("Contents", ())}
        sources = {path.name: path.read_bytes() for path in (self.folder / "source").iterdir()}
        files = {path.name: path.read_bytes() for path in (home / "target").iterdir()}
        if files != sources:
            return f"other files or bytes were downloaded: {sorted(files)}"
        if keys != set(sources):
            return f"{_OTHER_OBJECTS}: {sorted(keys)}"
        for name, content in sources.items():
            key = f"{home.name}/{name}"
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
            if body.read() != content:
                return f"other bytes are stored for {name}"
        return ""


@contextmanager
def kills(server: S3Server, folder: Path) -> Iterator[Kills]:
    """Yield the means to kill actions, with small sources and one that is sent in parts."""
    source = folder / "source"
    source.mkdir()
    for number in range(_SMALL):
        (source / f"{number:02}.json").write_bytes(random.Random(number).randbytes(2_000))
    (source / "large.bin").write_bytes(random.Random("large").randbytes(_LARGE))
    client = server.client(max_pool_connections=_PARALLEL)
    with Forks("servers.queue_actions:use_small_parts") as forks:
        killing = Kills(server, folder, client, make_bucket(client, "queue"), forks)
        created = folder / "created"
        created.mkdir()
        assert killing._do("create", created) == 0
        yield killing
    client.close()


def drawn(kills: Kills, count: int, draw: random.Random) -> list[Kill]:
    """Return so many kills of all actions in turn, at random system calls that they make."""
    calls = {action: sorted(kills.counts(action).items()) for action in ACTIONS}
    chosen = []
    for number in range(count):
        action = ACTIONS[number % len(ACTIONS)]
        syscall, most = draw.choice(calls[action])
        chosen.append(Kill(action, syscall, draw.randint(1, most)))
    return chosen


def kill_some(kills: Kills, count: int, draw: random.Random) -> tuple[int, list[str]]:
    """Kill so many actions; return how many were killed before their end, and what went wrong."""
    chosen = drawn(kills, count, draw)
    with ThreadPoolExecutor(_PARALLEL, "kills") as pool:
        found = list(pool.map(kills.run, chosen, range(count)))
    return sum(killed for killed, _wrong in found), [wrong for _killed, wrong in found if wrong]


def _wrong_counts(home: Path, before: set[tuple[str, int]]) -> str:
    """Return what is wrong with the saved queue after the second run."""
    queue = TransferQueue(home / "data")
    batches = queue.batches()
    if len(batches) != 2 or any(batch.state is not BatchState.ENDED for batch in batches):
        return f"the batches are {batches}"
    if not before <= _done(home):
        return "a completed file is no longer completed"
    for batch in batches:
        counts = batch.counts
        if counts.done + counts.skipped != counts.planned:
            return f"{batch.title}: {queue.files(batch.id).report()}"
    return ""


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
