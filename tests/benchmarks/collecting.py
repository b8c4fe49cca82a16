"""Two years of hourly candles as one table, beside `aws s3 cp --recursive` and pandas."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig
from tests.benchmarks.transfers_small import (
    RIG_KEYS,
    ProgramRun,
    environment_of,
    program_path,
    run_program,
)

FILES, ROWS = 17_520, 60
RUNS = 3
TARGET = 5.0
#: Megabytes of the process at its peak.
MOST_MEMORY = 350.0
#: The second collection of the same objects, which only lists them.
CACHED_TARGET = 6.0
_START = datetime(2024, 1, 1, tzinfo=UTC)
_ROOT = "market-data/ohlcv/BTC-USD/1m"
#: The version of pandas that is installed for the peer, in a separate environment.
PANDAS = "3.0.0"
_ENVIRONMENT = Path(__file__).parents[2] / ".cache" / f"pandas-{PANDAS}"
#: What an analyst does with the files: one frame of all rows, as a frame for each file takes
#: longer.
_SCRIPT = """
import json, pathlib, sys
import pandas
rows = []
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.json")):
    rows += json.loads(path.read_bytes())["data"]
frame = pandas.DataFrame(rows).drop_duplicates("timestamp", keep="last")
frame.sort_values("timestamp").to_csv(sys.argv[2], index=False)
"""
#: The same without pandas, where it cannot be installed.
_PLAIN_SCRIPT = """
import csv, json, pathlib, sys
rows = {}
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.json")):
    for row in json.loads(path.read_bytes())["data"]:
        rows[row["timestamp"]] = row
with open(sys.argv[2], "w", newline="") as file:
    out = csv.DictWriter(file, ["timestamp", "open", "high", "low", "close", "volume"])
    out.writeheader()
    out.writerows(rows[when] for when in sorted(rows))
"""


@dataclass(frozen=True)
class Combiner:
    """The program of the peer that combines downloaded files, and its name in the figures."""

    name: str
    command: tuple[str, ...]


def combiner() -> Combiner:
    """Return pandas in an environment that the first run creates, or the standard library."""
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(_ENVIRONMENT, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    given = subprocess.run(
        [*install, f"pandas=={PANDAS}"], capture_output=True, text=True, check=False
    )
    if given.returncode:
        sys.stderr.write(
            f"pandas cannot be installed, the peer is a script: {given.stderr[-300:]}\n"
        )
        return Combiner("aws s3 cp, json", (sys.executable, "-c", _PLAIN_SCRIPT))
    return Combiner(f"aws s3 cp, pandas {PANDAS}", (str(python), "-c", _SCRIPT))


def figures(files: int = FILES) -> Iterator[Figure]:
    """Yield the time of a collection, of a second one from the cache, and the memory."""
    combine = combiner()
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder, rig() as endpoint:
        root = Path(folder)
        environment = environment_of(endpoint, RIG_KEYS, str(root / "home"))
        with _candle_files(root / "files", files) as source:
            run_program(
                [program_path("s5cmd"), "cp", f"{source}/", "s3://candles/"],
                environment,
                ProgramRun(),
            )
        last = (_START + timedelta(hours=files - 1)).date().isoformat()
        first, second, peer = ProgramRun(), ProgramRun(), ProgramRun()
        for number in range(RUNS):
            ours = [
                sys.executable, "-m", "core", "collect", "ohlcv", "BTC-USD", "--timeframe", "1m",
                "--bucket", "candles", "--from", "2024-01-01", "--to", last, "--output",
                str(root / f"ours-{number}.csv"),
            ]  # fmt: skip
            run_program([*ours, "--no-cache"], environment, first)
            if not number:
                run_program([*ours, "--overwrite"], environment, ProgramRun())
            run_program([*ours, "--overwrite"], environment, second)
        _run_peer(root, environment, combine, peer)
        _check_rows(root / "ours-0.csv", root / "peer.csv", files * ROWS)
    theirs, note = (
        sum(peer.wall),
        f"(CPU: ours {statistics.median(first.cpu):.1f} s, peer {sum(peer.cpu):.1f} s)",
    )
    name = f"{files:,} hourly files as one table"
    yield Figure(name, statistics.median(first.wall), "s", TARGET, combine.name, theirs, note)
    cached = statistics.median(second.wall)
    yield Figure(f"{name}, from the cache", cached, "s", CACHED_TARGET, combine.name, theirs)
    yield Figure(f"{name}, memory", max(first.memory), "MB", MOST_MEMORY)


def _run_peer(root: Path, environment: dict[str, str], combine: Combiner, run: ProgramRun) -> None:
    """Download all files with the AWS command line, and combine them."""
    target = root / "peer"
    copy = [program_path("aws"), "s3", "cp", "--recursive", "--only-show-errors"]
    run_program([*copy, f"s3://candles/{_ROOT}/", str(target)], environment, run)
    run_program([*combine.command, str(target), str(root / "peer.csv")], environment, run)


def _check_rows(ours: Path, peer: Path, rows: int) -> None:
    for path in (ours, peer):
        with path.open("rb") as file:
            found = sum(1 for _ in file) - 1
        assert found == rows, f"{path.name} has {found:,} rows instead of {rows:,}"


@contextmanager
def _candle_files(folder: Path, files: int) -> Iterator[Path]:
    """Write the files of consecutive hours, indented as the data contract has them."""
    choose = random.Random(1)
    for hour in range(files):
        when = _START + timedelta(hours=hour)
        price = 42_000 + choose.random() * 1000
        data = [
            {
                "timestamp": (when + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "open": round(price, 2), "high": round(price + 5, 2), "low": round(price - 5, 2),
                "close": round(price + 1, 2), "volume": round(choose.random() * 30, 8),
            }
            for minute in range(ROWS)
        ]  # fmt: skip
        path = folder / f"{_ROOT}/{when:%Y/%m/%d}/{when:%Y-%m-%dT%H:%M:%SZ}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        head = {"symbol": "BTC-USD", "timeframe": "1m", "timestamp": data[0]["timestamp"]}
        path.write_text(json.dumps({**head, "data": data}, indent=2), encoding="utf-8")
    yield folder
