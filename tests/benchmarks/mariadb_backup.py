"""A MariaDB table of 1,000,000 x 8 is backed up and restored, compared with the server's own tools."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.dump import fast_folder, timed
from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig

ROWS = 1_000_000
RUNS = 3
#: Speed against each peer: compressed by gzip, by zstd -1, and loading its own dump.
AGAINST_GZIP, AGAINST_ZSTD, RESTORE = 1 / 0.5, 1 / 1.2, 1.0
_PASSWORD = "of-the-benchmark"

_TABLE = (
    "CREATE DATABASE bench CHARACTER SET utf8mb4",
    (
        "CREATE TABLE bench.orders (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, "
        "user_id INT NOT NULL, symbol VARCHAR(16), side VARCHAR(4), price DECIMAL(18,2), "
        "quantity DOUBLE, status VARCHAR(12), created_at DATETIME, KEY user_id (user_id))"
    ),
    (
        "INSERT INTO bench.orders SELECT seq, FLOOR(RAND(7)*5000), "
        "ELT(1+seq%%3,'BTC-USD','ETH-USD','SOL-USD'), IF(RAND(8)<0.5,'buy','sell'), "
        "ROUND(10+RAND(9)*60000,2), RAND(10)*3, "
        "ELT(1+FLOOR(RAND(11)*4),'filled','open','cancelled','partial'), "
        f"'2026-01-01'+INTERVAL seq SECOND FROM bench.seq_1_to_{ROWS}"
    ),
)
_CODE = """
import sys, json
sys.path[:0] = [sys.argv[3], sys.argv[3] + "/tests"]
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
_RESTORE_CODE = """
import sys, pickle
sys.path[:0] = [sys.argv[3], sys.argv[3] + "/tests"]
from core.backup.databases.address import DatabaseAddress
from core.backup.restore import Choices, restore_of
from core.redaction import Secret
from core.work import Work
with open(sys.argv[1], "rb") as file:
    store, backup = pickle.load(file)
address = DatabaseAddress(sys.argv[2], Secret(sys.stdin.read()))
report = restore_of(store, backup, address, Choices(), Work())
assert report.verified == "verified (SHA-256 and server fingerprint)", report.verified
"""


def figures() -> Iterator[Figure]:
    """Yield the figures; nothing when there is no MariaDB to compare with."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.databases import running_mariadb

    missing = [name for name in ("mariadb", "mariadb-dump", "zstd") if shutil.which(name) is None]
    if missing:
        sys.stderr.write(f"mariadb: {', '.join(missing)} missing; run .ci/test-servers\n")
        return
    with (
        running_mariadb(buffer_pool="256M", log_statements=False) as server,
        tempfile.TemporaryDirectory(dir=fast_folder()) as name,
    ):
        for statement in _TABLE:
            server.ask(statement)
        server.ask("CREATE USER bench@'%%' IDENTIFIED BY %s", _PASSWORD)
        server.ask("GRANT ALL ON bench.* TO bench@'%%'")
        options = Path(name) / "my.cnf"
        options.write_text(
            f"[client]\nuser=bench\npassword={_PASSWORD}\nhost=127.0.0.1\nport={server.port}\n"
        )
        options.chmod(0o600)
        yield from _dumps(server, options)
        yield _load(server, options, Path(name))


def _dumps(server: Any, options: Path) -> Iterator[Figure]:
    dump = f"mariadb-dump --defaults-file={options} --single-transaction bench orders"
    peers = {
        "mariadb-dump | gzip": (f"{dump} | gzip | wc -c", AGAINST_GZIP),
        "mariadb-dump | zstd -1": (f"{dump} | zstd -1 | wc -c", AGAINST_ZSTD),
    }
    took: dict[str, list[float]] = {name: [] for name in ("ours", *peers)}
    sizes: dict[str, int] = {}
    root = str(Path(__file__).parents[2])
    environment = dict(os.environ)
    with rig() as endpoint:
        command = [sys.executable, "-c", _CODE, _url(server), endpoint, root]
        for _ in range(RUNS):
            seconds, answer = timed(command, environment, _PASSWORD)
            took["ours"].append(seconds)
            for name, (peer, _goal) in peers.items():
                seconds, size = timed(["sh", "-c", peer], environment)
                took[name].append(seconds)
                sizes[name] = int(size)
    rows, size = json.loads(answer)
    assert rows == ROWS
    for name, (_peer, goal) in peers.items():
        yield Figure(
            "back up 1,000,000 x 8 rows of MariaDB", statistics.median(took["ours"]), "s", goal,
            name, statistics.median(took[name]),
            f"({size / 1e6:.1f} MB, theirs {sizes[name] / 1e6:.1f} MB)",
        )  # fmt: skip


def _load(server: Any, options: Path, folder: Path) -> Figure:
    from helpers.backups import MemoryStore

    from core.backup.databases import open_database
    from core.backup.databases.address import DatabaseAddress
    from core.backup.run import back_up
    from core.redaction import Secret
    from core.work import Work

    store = MemoryStore()
    with open_database(DatabaseAddress(_url(server), Secret(_PASSWORD))) as source:
        backup = back_up(store, source, ["orders"], "", Work()).backups[0]
    saved, dump = folder / "saved.pickle", folder / "dump.sql"
    saved.write_bytes(pickle.dumps((store, backup)))
    command = ["mariadb-dump", f"--defaults-file={options}", "bench", "orders"]
    with dump.open("wb") as file:
        subprocess.run(command, stdout=file, check=True)
    ours, peer = [], []
    restore = [sys.executable, "-c", _RESTORE_CODE, str(saved), _url(server)]
    restore.append(str(Path(__file__).parents[2]))
    for _ in range(RUNS):
        server.ask("DROP TABLE IF EXISTS bench.orders")
        ours.append(timed(restore, dict(os.environ), _PASSWORD)[0])
        server.ask("DROP TABLE bench.orders")
        load = f"mariadb --defaults-file={options} bench < {dump}"
        peer.append(timed(["sh", "-c", load], dict(os.environ))[0])
    return Figure(
        "restore 1,000,000 x 8 rows of MariaDB, proven", statistics.median(ours), "s", RESTORE,
        "mariadb < mariadb-dump", statistics.median(peer),
    )  # fmt: skip


def _url(server: Any) -> str:
    return f"mysql://bench@127.0.0.1:{server.port}/bench"
