"""SQL on a backup of 1,000,000 x 8 rows, and on folders whose objects are larger than the memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure
from tests.benchmarks.transfers_small import ProgramRun, program_path, run_program

#: The most seconds that an answer may take on an idle machine with two processors.
MOST_SECONDS = 2.0
_RUNS = 3
#: Megabytes of a process that reads a folder, whatever the size of its objects.
MOST_MEMORY = 400.0
#: The folders: the name, the rows of its object, and the options with which DuckDB writes them.
_FOLDERS = (
    ("parquet", 30_000_000, "FORMAT parquet, COMPRESSION uncompressed"),
    ("csv", 4_000_000, "FORMAT csv, HEADER true"),
)
#: A folder of which a query needs two columns: its rows and columns, how many times faster than a
#: download of the file the query has to be, and the most of the bytes that it may read.
_WIDE_ROWS, _WIDE_COLUMNS = 3_000_000, 20
WIDE_TARGET, MOST_SHARE = 1.5, 0.11
_PROGRAM = """
import resource, sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests"]
from helpers.backups import MemoryStore, backed_up
from core.backup.query import query_of
from core.work import Work
from tests.benchmarks.dump import _made
path = _made(Path(sys.argv[1]) / "trading.db")
store = MemoryStore()
backup = backed_up(store, path, "orders")
sql = "SELECT symbol, status, count(*), sum(price * quantity) FROM orders GROUP BY ALL ORDER BY ALL"
for _ in range(int(sys.argv[3])):
    began, processor = time.perf_counter(), time.process_time()
    found = query_of(store, backup, sql, 100, Work())
    took = time.perf_counter() - began, time.process_time() - processor
    assert len(found.rows) == 12 and not found.notes, found
    print(*took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def figures() -> Iterator[Figure]:
    """Yield the time of a query of a backup, then time and memory of queries of folders."""
    yield from _backup_figures()
    yield from _folder_figures()


def _backup_figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", _PROGRAM, folder, root, str(_RUNS)]
        home = os.environ | {"STRONGROOM_HOME": f"{folder}/home"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=home)
    runs = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    took, processor, memory = min(runs)
    note = f"({processor:.2f} s of processor time, {memory:.0f} MB with the stored backup)"
    yield Figure("query of 1,000,000 x 8 rows", took, "s", MOST_SECONDS, note=note)


def _folder_figures() -> Iterator[Figure]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.s3_servers import make_bucket
    from helpers.seaweed import running_seaweed

    with running_seaweed() as server, tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        client = server.client()
        bucket = make_bucket(client)
        for name, rows, options in _FOLDERS:
            path = Path(folder, name)
            _write(path, rows, options)
            size = path.stat().st_size / 1e6
            client.upload_file(str(path), bucket, f"{name}/rows.{name}")
            path.unlink()
            run = ProgramRun()
            sql = "SELECT count(*) AS rows, max(id) AS last FROM folder"
            command = [
                sys.executable,
                "-m",
                "core",
                "sql",
                sql,
                "--folder",
                f"s3://{bucket}/{name}/",
            ]
            run_program(command, server.environment(Path(folder, "home")), run)
            title = f"query of a folder with {size:.0f} MB of {name}"
            note = f"({rows:,} rows in {run.wall[0]:.1f} s)"
            yield Figure(f"{title}, memory", run.memory[0], "MB", MOST_MEMORY, note=note)
        path = Path(folder, "wide.parquet")
        _write(path, _WIDE_ROWS, "FORMAT parquet, COMPRESSION uncompressed", _WIDE_COLUMNS)
        client.upload_file(str(path), bucket, "wide/rows.parquet")
        yield from _wide_figures(server.environment(Path(folder, "home")), bucket, path)
        client.close()


def _wide_figures(environment: dict[str, str], bucket: str, path: Path) -> Iterator[Figure]:
    """Yield time and bytes of a query of two of the columns of a file with `_WIDE_COLUMNS`."""
    size, place = path.stat().st_size, f"s3://{bucket}/wide/"
    sql = "SELECT count(*), max(c3), avg(c7) FROM folder"
    ours = [sys.executable, "-m", "core", "sql", sql, "--folder", place, "--no-cache"]
    run, peer = ProgramRun(), ProgramRun()
    for _ in range(_RUNS):
        run_program(ours, environment, run)
        path.unlink(missing_ok=True)
        copy = [program_path("aws"), "s3", "cp", "--only-show-errors", f"{place}rows.parquet", str(path)]  # fmt: skip
        run_program(copy, environment, peer)
        query = sql.replace("folder", f"'{path}'")
        run_program([sys.executable, "-c", f"import duckdb; print(duckdb.sql({query!r}))"], environment, peer)  # fmt: skip
    done = subprocess.run([*ours, "--json"], check=True, capture_output=True, env=environment)
    received = json.loads(done.stdout)["folders"]["folder"]["received"]
    name = f"query of 2 of {_WIDE_COLUMNS} columns of {size / 1e6:.0f} MB of parquet"
    theirs = statistics.median(peer.wall[::2]) + statistics.median(peer.wall[1::2])
    yield Figure(name, statistics.median(run.wall), "s", WIDE_TARGET, "aws s3 cp, DuckDB", theirs)
    yield Figure(f"{name}, received", received / 1e6, "MB", MOST_SHARE * size / 1e6)
    yield Figure(f"{name}, memory", max(run.memory), "MB", MOST_MEMORY)


def _write(path: Path, rows: int, options: str, columns: int = 0) -> None:
    """Write rows to a file in a separate process, whose memory is not that of this one."""
    values = ", ".join(f"random() AS c{number}" for number in range(columns))
    select = f"SELECT {values or 'i AS id, random() AS price'} FROM range({rows}) AS t(i)"
    program = f"import duckdb; duckdb.execute(\"COPY ({select}) TO '{path}' ({options})\")"
    subprocess.run([sys.executable, "-c", program], check=True)
