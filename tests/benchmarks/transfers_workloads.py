"""Workloads of awslabs/aws-crt-s3-benchmarks that fit one machine, beside s5cmd and rclone.

Each program is a complete process, so a workload of some tenths of a second mostly shows its start,
which is printed beside it; a large download is limited by its hash.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig
from tests.benchmarks.transfers_small import (
    MOST_MB,
    RIG_KEYS,
    ProgramRun,
    beside_peers,
    compared,
    environment_of,
    files,
    run_program,
)


@dataclass(frozen=True)
class Workload:
    """A workload: its name there, number and size in bytes of the files, and how often it is run."""

    name: str
    count: int
    size: int
    runs: int = 1

    @property
    def downloads(self) -> bool:
        """Whether the files are downloaded, else uploaded."""
        return self.name.startswith("download")


WORKLOADS = (
    Workload("upload-256KiB-10_000x", 10_000, 256 << 10),
    Workload("download-64KiB-1_000x", 1_000, 64 << 10, runs=3),
    Workload("download-5GiB-1x", 1, 5 << 30),
)
#: How many times the peers' time may be ours at the least.
TARGET = 1.0


def figures() -> Iterator[Figure]:
    """Yield the time of each workload beside those of the peers, its limit, and our peak memory."""
    for each in WORKLOADS:
        with files(each.count, each.size) as folder, rig() as endpoint:
            up, down = compared(endpoint, folder, each.runs, downloads=each.downloads)
            limit = _limit(endpoint, each) if each.downloads else None
        runs = down if each.downloads else up
        yield beside_peers(each.name, runs, TARGET)
        if limit is not None:
            what = "without SHA-256" if each.count == 1 else "start and one object"
            complete = statistics.median(runs["ours"].wall)
            yield Figure(f"{each.name}, {what}", statistics.median(limit.wall), "s", complete)
        yield Figure(f"{each.name}, memory", max(runs["ours"].memory), "MB", MOST_MB)


def _limit(endpoint: str, workload: Workload) -> ProgramRun:
    """Return downloads of the first object: of a single one without its hash."""
    module = "tests.benchmarks.large_limit" if workload.count == 1 else "core"
    get = [sys.executable, "-m", module, "get", "--bucket", "ours-0", "up/files/d000/f00000.bin"]
    run = ProgramRun()
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        environment = environment_of(endpoint, RIG_KEYS, f"{folder}/home")
        for number in range(workload.runs):
            run_program([*get, f"{folder}/{number}"], environment, run)
    return run
