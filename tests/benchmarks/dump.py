"""A table of 1,000,000 x 8 is backed up and restored, in a process, compared with the `sqlite3` shell."""

from __future__ import annotations

import json
import os
import pickle
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from core.backup.databases import open_database
from core.backup.run import back_up
from core.work import Work
from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig
from tests.benchmarks.running_engine import running_engine

ROWS = 1_000_000
RUNS = 3
#: To dump, 0.30 of the shell's time, start of the program and upload included; to load, as fast but
#: for what the proof after it costs.
DUMP_TARGET, LOAD_TARGET = 3.3, 0.8

_SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")
_STATES = ("filled", "open", "cancelled", "partial")
_RESTORE = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[4], sys.argv[4] + "/tests"]
import pickle
from core.backup.restore import Choices, restore_of
from core.work import Work
with open(sys.argv[1], "rb") as file:
    store, backup = pickle.load(file)
report = restore_of(store, backup, sys.argv[2], Choices(), Work())
assert report.verified == "verified (SHA-256)", report.verified
"""


def figures() -> Iterator[Figure]:
    """Yield the figures; nothing when there is no `sqlite3` shell to compare with."""
    shell = shutil.which("sqlite3")
    if shell is None:
        sys.stderr.write("dump: there is no sqlite3 shell; on Debian: apt-get install sqlite3\n")
        return
    with tempfile.TemporaryDirectory(dir=fast_folder()) as name:
        folder = Path(name)
        database = _made(folder / "trading.db")
        yield from _dump(shell, database, folder)
        yield _load(shell, database, folder)


def _dump(shell: str, database: Path, folder: Path) -> Iterator[Figure]:
    """Yield the figures of a click in the window, and of a command."""
    theirs_file = folder / "orders.json.gz"
    theirs = f"{shell} -json {database} 'SELECT * FROM orders' | gzip > {theirs_file}"
    with rig() as endpoint, running_engine(endpoint) as engine:
        environment = os.environ | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "AKIARIG",
            "AWS_SECRET_ACCESS_KEY": "rig-secret-0123456789",
            "AWS_REGION": "us-east-1",
        }
        command = [sys.executable, "-m", "core", "backup", str(database)]
        options = ["--bucket", "b", "--json"]
        ours, start, used, peer, click = [], [], [], [], []
        for _ in range(RUNS):
            click.append(engine.back_up(str(database)))
            before = _processor_time()
            took, answer = timed([*command, "orders", *options], environment)
            used.append(_processor_time() - before)
            ours.append(took)
            start.append(timed([*command, "empty", *options], environment)[0])
            peer.append(timed(["sh", "-c", theirs], environment)[0])
    (found,) = json.loads(answer)["backups"]
    assert found["rows"] == ROWS
    sizes = f"{found['size'] / 1e6:.1f} MB, theirs {theirs_file.stat().st_size / 1e6:.1f} MB"
    limit = _limit(statistics.median(start), statistics.median(used))
    for way, seconds, note in (("click", click, sizes), ("command", ours, f"{sizes}; {limit}")):
        yield Figure(
            f"back up 1,000,000 x 8 of SQLite, by a {way}", statistics.median(seconds), "s",
            DUMP_TARGET, "sqlite3 -json | gzip", statistics.median(peer), f"({note})",
        )  # fmt: skip


def _processor_time() -> float:
    """Return the processor time of the programs that have ended, in seconds."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _limit(start: float, used: float) -> str:
    """Return the time that the processor time needs at least; the start uses one processor only."""
    processors = os.cpu_count() or 1
    least = start + max(used - start, 0) / processors
    return (
        f"of an empty table {start:.2f} s; processor time {used:.2f} s, on {processors} processors "
        f"at least {least:.2f} s"
    )


def _load(shell: str, database: Path, folder: Path) -> Figure:
    saved, script = folder / "saved.pickle", folder / "dump.sql"
    _saved(database, saved)
    with script.open("wb") as file:
        subprocess.run([shell, str(database), ".dump"], stdout=file, check=True)
    root = str(Path(__file__).parents[2])
    ours, peer = [], []
    for run in range(RUNS):
        target, other = folder / f"ours{run}.db", folder / f"theirs{run}.db"
        code = [sys.executable, "-c", _RESTORE, str(saved), str(target), "", root]
        ours.append(timed(code, dict(os.environ))[0])
        peer.append(timed([shell, str(other), f".read {script}"], dict(os.environ))[0])
        target.unlink()
        other.unlink()
    return Figure(
        "restore 1,000,000 x 8 rows, proven", statistics.median(ours), "s", LOAD_TARGET,
        "sqlite3 .read", statistics.median(peer),
    )  # fmt: skip


def _saved(database: Path, saved: Path) -> None:
    """Keep a backup in a file: what is measured is the restore, not a server."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.backups import MemoryStore

    store = MemoryStore()
    with open_database(str(database)) as source:
        backup = back_up(store, source, ["orders"], "", Work()).backups[0]
    saved.write_bytes(pickle.dumps((store, backup)))


def _made(path: Path) -> Path:
    connection = apsw.Connection(str(path))
    connection.execute(
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, symbol TEXT, "
        "side TEXT, price REAL, quantity REAL, status TEXT, created_at TEXT)"
    )
    pick = random.Random(7)
    rows = (
        (
            number,
            pick.randrange(5000),
            _SYMBOLS[number % 3],
            "buy" if pick.random() < 0.5 else "sell",
            round(pick.uniform(10, 60_000), 2),
            pick.random() * 3,
            _STATES[pick.randrange(4)],
            f"2026-11-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:00Z",
        )
        for number in range(ROWS)
    )
    connection.execute("CREATE TABLE empty(id INTEGER PRIMARY KEY)")
    with connection:
        connection.executemany("INSERT INTO orders VALUES (?,?,?,?,?,?,?,?)", rows)
    connection.close()
    return path


def timed(command: list[str], environment: dict[str, str], text: str = "") -> tuple[float, bytes]:
    """Run a command with `text` as its input; return the seconds and the output."""
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment, input=text.encode(), capture_output=True, check=False, timeout=300
    )
    took = time.perf_counter() - began
    if done.returncode:
        message = f"{command[0]} failed: {done.stderr.decode()[-500:]}"
        raise SystemExit(message)
    return took, done.stdout


def fast_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
