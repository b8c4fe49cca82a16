"""Backup and restore of a table `orders` on a database server, beside the tools of the server."""

from __future__ import annotations

import json
import os
import pickle
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from urllib.parse import quote

from tests.benchmarks.dump import ROWS, RUNS, timed
from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig
from tests.benchmarks.running_engine import running_engine

_TESTS = Path(__file__).parents[1]
#: Where the programs find `core`, and the class of the store.
_PATH = f"{_TESTS.parent}{os.pathsep}{_TESTS}"
#: The programs begin and end like a command of the command line.
_COMMAND = """
from core.cli.leaving import collect_garbage_rarely, leave
collect_garbage_rarely()
"""
_OPEN = (
    _COMMAND
    + """
import sys, json
from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.run import back_up
from core.backup.store import BucketStore
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.work import Work
from core.workspace import Workspace
profile = Profile("rig", KeySource.SESSION, endpoint_url=sys.argv[2], bucket="b", region="us-east-1")
workspace = Workspace.open(Connection(profile, AccessKeys("AKIARIG", Secret("rig-secret-0123456789"))))
"""
)
_BACKUP = (
    _OPEN
    + """
with open_database(DatabaseAddress(sys.argv[1], Secret(sys.stdin.read()))) as source:
    report = back_up(BucketStore(workspace.bucket), source, ["orders"], "", Work())
print(json.dumps([report.backups[0].rows, report.backups[0].size]))
leave(0)
"""
)
#: The start of a backup: both connections, and one request to the storage.
_BACKUP_START = (
    _OPEN
    + """
from uuid import uuid4
open_database(DatabaseAddress(sys.argv[1], Secret(sys.stdin.read()))).close()
BucketStore(workspace.bucket).put(uuid4().hex, b"", {}, work=Work())
leave(0)
"""
)
#: What a backup does before the server begins to read.
_BACKUP_CONNECTION = (
    _OPEN
    + """
open_database(DatabaseAddress(sys.argv[1], Secret(sys.stdin.read()))).close()
leave(0)
"""
)
_RESTORE = (
    _COMMAND
    + """
import sys, pickle
from core.backup.databases.address import DatabaseAddress
from core.backup.restore import Choices, restore_of
from core.redaction import Secret
from core.work import Work
with open(sys.argv[2], "rb") as file:
    store, backup = pickle.load(file)
address = DatabaseAddress(sys.argv[1], Secret(sys.stdin.read()))
report = restore_of(store, backup, address, Choices(), Work())
assert report.verified == "verified (SHA-256 and server fingerprint)", report.verified
leave(0)
"""
)
_RESTORE_START = (
    _COMMAND
    + """
import sys
import core.backup.restore
from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.redaction import Secret
open_database(DatabaseAddress(sys.argv[1], Secret(sys.stdin.read()))).close()
leave(0)
"""
)


@dataclass(frozen=True)
class ServerTable:
    """A table `orders` of `ROWS` rows; `environment` is that of the server's own tools.

    `read` are shell commands that together let the server write the rows as a backup needs them;
    they run at the same time. `processor_time` returns the seconds that the server has used.
    """

    engine: str
    url: str
    password: str
    drop: Callable[[], None]
    read: tuple[str, ...]
    hashed: bool
    processor_time: Callable[[], float]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def backups(self, peers: Mapping[str, tuple[str, float]]) -> Iterator[Figure]:
        """Yield two figures for each peer: of a click in the window, and of a command.

        Args:
            peers: The shell command of each, which prints the size, and the target.
        """
        ours = ("click", "command", "connection", "start", "server")
        took: dict[str, list[float]] = {name: [] for name in (*ours, *peers)}
        sizes: dict[str, int] = {}
        answer, used = b"", _Used(self.processor_time)
        with rig() as endpoint, running_engine(endpoint) as engine:
            # It imports the driver of the database, and is stated apart.
            first = engine.back_up(self._url_with_password)
            for _ in range(RUNS):
                took["click"].append(engine.back_up(self._url_with_password))
                with used:
                    seconds, answer = self._timed(_BACKUP, endpoint)
                took["command"].append(seconds)
                took["connection"].append(self._timed(_BACKUP_CONNECTION, endpoint)[0])
                took["start"].append(self._timed(_BACKUP_START, endpoint)[0])
                took["server"].append(self._read_alone())
                for name, (command, _target) in peers.items():
                    seconds, size = timed(["sh", "-c", command], dict(self.environment))
                    took[name].append(seconds)
                    sizes[name] = int(size)
        rows, size = json.loads(answer)
        assert rows == ROWS
        middle = {name: statistics.median(seconds) for name, seconds in took.items()}
        notes = {
            "click": f"(the first one {first:.2f} s; the server alone {middle['server']:.2f} s)",
            "command": f"(start {middle['start']:.2f} s; {used.text(middle['connection'])})",
        }
        for (way, note), name in product(notes.items(), peers):
            yield Figure(
                f"back up 1,000,000 x 8 of {self.engine}, by a {way}",
                middle[way], "s", peers[name][1], name, middle[name],
                f"({size / 1e6:.1f} MB, theirs {sizes[name] / 1e6:.1f} MB) {note}",
            )  # fmt: skip

    def restores(
        self,
        folder: Path,
        dump: list[str],
        load: Callable[[Path], list[str]],
        name: str,
        target: float,
    ) -> Iterator[Figure]:
        """Yield the figures of a restore, beside `load` of the file that `dump` wrote."""
        saved, script = folder / "saved.pickle", folder / "dump.sql"
        saved.write_bytes(self._saved())
        with script.open("wb") as file:
            subprocess.run(dump, stdout=file, check=True, env=dict(self.environment))
        ours = ("click", "command", "start", "hash")
        took: dict[str, list[float]] = {name: [] for name in (*ours, "peer")}
        used = _Used(self.processor_time)
        with rig() as endpoint, running_engine(endpoint) as engine:
            self.drop()
            # It imports what the next ones need, which the preview before a restore did.
            engine.restore(saved, self._url_with_password)
            for _ in range(RUNS):
                self.drop()
                took["click"].append(engine.restore(saved, self._url_with_password))
                self.drop()
                with used:
                    took["command"].append(self._timed(_RESTORE, str(saved))[0])
                took["start"].append(self._timed(_RESTORE_START, str(saved))[0])
                took["hash"].append(self._fingerprint())
                self.drop()
                took["peer"].append(timed(load(script), dict(self.environment))[0])
        middle = {name: statistics.median(seconds) for name, seconds in took.items()}
        notes = {
            "click": f"(the fingerprint alone {middle['hash']:.2f} s)",
            "command": f"(start {middle['start']:.2f} s; {used.text(middle['start'])})",
        }
        for way, note in notes.items():
            yield Figure(
                f"restore 1,000,000 x 8 of {self.engine}, by a {way}, proven",
                middle[way], "s", target, name, middle["peer"], note,
            )  # fmt: skip

    @property
    def _url_with_password(self) -> str:
        return self.url.replace("@", f":{quote(self.password, safe='')}@", 1)

    def _read_alone(self) -> float:
        """Return the seconds that the server needs for the rows, and for the fingerprint beside them."""
        environment = dict(self.environment)
        began = time.perf_counter()
        with ThreadPoolExecutor() as pool:
            running = [
                pool.submit(timed, ["sh", "-c", command], environment) for command in self.read
            ]
            if self.hashed:
                self._fingerprint()
            for one in running:
                one.result()
        return time.perf_counter() - began

    def _fingerprint(self) -> float:
        """Return the seconds that the server needs to compute a fingerprint."""
        from core.backup.databases import open_database
        from core.backup.databases.address import DatabaseAddress
        from core.redaction import Secret
        from core.work import Work

        with open_database(DatabaseAddress(self.url, Secret(self.password))) as source:
            schema = source.schema("orders")
            began = time.perf_counter()
            source.fingerprint(schema, work=Work())
            return time.perf_counter() - began

    def _saved(self) -> bytes:
        """Return a store with a backup: what is measured is the restore, not a server."""
        from helpers.backups import MemoryStore

        from core.backup.databases import open_database
        from core.backup.databases.address import DatabaseAddress
        from core.backup.run import back_up
        from core.redaction import Secret
        from core.work import Work

        store = MemoryStore()
        with open_database(DatabaseAddress(self.url, Secret(self.password))) as source:
            backup = back_up(store, source, ["orders"], "", Work()).backups[0]
        return pickle.dumps((store, backup))

    def _timed(self, code: str, argument: str) -> tuple[float, bytes]:
        command = [sys.executable, "-c", code, self.url, argument]
        return timed(command, os.environ | {"PYTHONPATH": _PATH}, self.password)


class _Used:
    """The processor time of the program and of the server in the blocks, each as its median."""

    def __init__(self, server: Callable[[], float]) -> None:
        self._server = server
        self._begun = (0.0, 0.0)
        self._used: list[tuple[float, float]] = []

    def __enter__(self) -> None:
        self._begun = self._now()

    def __exit__(self, *_: object) -> None:
        program, server = self._now()
        self._used.append((program - self._begun[0], server - self._begun[1]))

    def _now(self) -> tuple[float, float]:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime, self._server()

    def text(self, start: float) -> str:
        """Return the sums, and the time that they need at least.

        Args:
            start: The seconds after which the server begins to work; only one processor works
                before.
        """
        program, server = (statistics.median(each) for each in zip(*self._used, strict=True))
        processors = os.cpu_count() or 1
        least = start + max(program + server - start, 0) / processors
        return (
            f"processor time: program {program:.2f} s, server {server:.2f} s, on {processors} "
            f"processors at least {least:.2f} s, since the server waits for {start:.2f} s"
        )


def processor_time(pid_file: Path, *, children: bool) -> float:
    """Return the processor time in seconds of a process, or of its children that have ended."""
    pid = pid_file.read_text().split()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    first = 13 if children else 11
    return sum(map(int, fields[first : first + 2])) / os.sysconf("SC_CLK_TCK")
