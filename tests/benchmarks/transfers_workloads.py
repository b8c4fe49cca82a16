"""Workloads of awslabs/aws-crt-s3-benchmarks that fit one machine, beside s5cmd and rclone."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig
from tests.benchmarks.transfers_small import beside, compared, files

#: Direction, number of files, and size of each in bytes; by the names used there.
WORKLOADS = {
    "upload-256KiB-10_000x": ("up", 10_000, 256 << 10),
    "download-64KiB-1_000x": ("down", 1_000, 64 << 10),
    "download-5GiB-1x": ("down", 1, 5 << 30),
}
#: How many times the peers' time may be ours at the least.
TARGET = 1.0


def figures() -> Iterator[Figure]:
    """Yield the time of each workload beside those of the peers: one run of complete processes."""
    for name, (direction, count, size) in WORKLOADS.items():
        with files(count, size) as folder, rig() as endpoint:
            up, down = compared(endpoint, folder, 1)
        found = beside(name, up, down, TARGET)
        yield from (figure for figure in found if figure.name.endswith(f" {direction}"))
