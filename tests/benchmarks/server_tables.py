"""Backup and restore of a table `orders` on a database server, beside the tools of the server."""

from __future__ import annotations

import json
import os
import pickle
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.dump import ROWS, RUNS, timed
from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig

_TESTS = Path(__file__).parents[1]
#: Where the programs find `core`, and the class of the store.
_PATH = f"{_TESTS.parent}{os.pathsep}{_TESTS}"
_BACKUP = """
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
with open_database(DatabaseAddress(sys.argv[1], Secret(sys.stdin.read()))) as source:
    report = back_up(BucketStore(workspace.bucket), source, ["orders"], "", Work())
print(json.dumps([report.backups[0].rows, report.backups[0].size]))
"""
_RESTORE = """
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
"""


@dataclass(frozen=True)
class ServerTable:
    """A table `orders` of `ROWS` rows; `environment` is that of the server's own tools."""

    engine: str
    url: str
    password: str
    drop: Callable[[], None]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def backups(self, peers: Mapping[str, tuple[str, float]]) -> Iterator[Figure]:
        """Yield a figure for each peer: its shell command, which prints the size, and the target."""
        took: dict[str, list[float]] = {name: [] for name in ("ours", *peers)}
        sizes: dict[str, int] = {}
        answer = b""
        with rig() as endpoint:
            for _ in range(RUNS):
                seconds, answer = self._timed(_BACKUP, endpoint)
                took["ours"].append(seconds)
                for name, (command, _target) in peers.items():
                    seconds, size = timed(["sh", "-c", command], dict(self.environment))
                    took[name].append(seconds)
                    sizes[name] = int(size)
        rows, size = json.loads(answer)
        assert rows == ROWS
        for name, (_command, target) in peers.items():
            yield Figure(
                f"back up 1,000,000 x 8 rows of {self.engine}",
                statistics.median(took["ours"]), "s", target, name, statistics.median(took[name]),
                f"({size / 1e6:.1f} MB, theirs {sizes[name] / 1e6:.1f} MB)",
            )  # fmt: skip

    def restore(
        self,
        folder: Path,
        dump: list[str],
        load: Callable[[Path], list[str]],
        name: str,
        target: float,
    ) -> Figure:
        """Return the figure of a restore, beside `load` of the file that `dump` wrote."""
        saved, script = folder / "saved.pickle", folder / "dump.sql"
        saved.write_bytes(self._saved())
        with script.open("wb") as file:
            subprocess.run(dump, stdout=file, check=True, env=dict(self.environment))
        ours, peer = [], []
        for _ in range(RUNS):
            self.drop()
            ours.append(self._timed(_RESTORE, str(saved))[0])
            self.drop()
            peer.append(timed(load(script), dict(self.environment))[0])
        return Figure(
            f"restore 1,000,000 x 8 rows of {self.engine}, proven", statistics.median(ours), "s",
            target, name, statistics.median(peer),
        )  # fmt: skip

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
