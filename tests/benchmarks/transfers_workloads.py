"""Workloads of awslabs/aws-crt-s3-benchmarks that fit one machine, beside s5cmd and rclone.

Each program is a complete process, so a workload of some tenths of a second mostly shows its start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig
from tests.benchmarks.transfers_small import MOST_MB, beside_peers, compared, files


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
    """Yield the time of each workload beside those of the peers, and our peak memory."""
    for each in WORKLOADS:
        with files(each.count, each.size) as folder, rig() as endpoint:
            up, down = compared(endpoint, folder, each.runs, downloads=each.downloads)
        runs = down if each.downloads else up
        yield beside_peers(each.name, runs, TARGET)
        yield Figure(f"{each.name}, memory", max(runs["ours"].memory), "MB", MOST_MB)
