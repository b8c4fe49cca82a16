"""Keys listed and counted: complete processes, Strongroom beside s5cmd and rclone."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure, best
from tests.benchmarks.rig import rig

RUNS = 3
#: Keys of the buckets, and the seconds that each answer of the slow server takes; at least so many
#: times as fast as the best peer.
KEYS, FEWER_KEYS, LATENCY = 1_000_000, 100_000, 0.05
TARGET, SLOW_TARGET = 3.0, 5.0


def figures() -> Iterator[Figure]:
    """Yield the time for a million keys, medians of three runs each, run alternately."""
    with rig() as endpoint:
        found = _medians(endpoint, "b1m", KEYS)
    yield _figure("list 1,000,000 keys with statistics", found, TARGET)


def with_latency() -> Iterator[Figure]:
    """Yield the same for 100,000 keys and a server that answers after 50 ms."""
    with rig(latency=LATENCY) as endpoint:
        found = _medians(endpoint, "b100k", FEWER_KEYS)
    yield _figure("list 100,000 keys, answers after 50 ms", found, SLOW_TARGET)


def _medians(endpoint: str, bucket: str, keys: int) -> dict[str, float]:
    environment = _environment(endpoint)
    commands = _commands(endpoint, bucket)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            times[name].append(_timed(command, environment, keys if name == "ours" else 0))
    return {name: statistics.median(taken) for name, taken in times.items()}


def _figure(name: str, found: dict[str, float], target: float) -> Figure:
    ours = found.pop("ours")
    peer, theirs = best(found)
    others = ", ".join(f"{each} {taken:.2f} s" for each, taken in found.items())
    return Figure(name, ours, "s", target, peer, theirs, f"({others})")


def _commands(endpoint: str, bucket: str) -> dict[str, list[str]]:
    bin_ = Path(sys.executable).parent
    return {
        "ours": [sys.executable, "-m", "core", "stats", "--bucket", bucket, "--json"],
        "s5cmd ls": [str(bin_ / "s5cmd"), "--endpoint-url", endpoint, "ls", f"s3://{bucket}/*"],
        "rclone size": [str(bin_ / "rclone"), "size", "--fast-list", f"rig:{bucket}"],
        "rclone lsf": [
            str(bin_ / "rclone"), "lsf", "-R", "--fast-list", "--use-server-modtime", f"rig:{bucket}",
        ],
    }  # fmt: skip


def _environment(endpoint: str) -> dict[str, str]:
    return os.environ | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIARIG",
        "AWS_SECRET_ACCESS_KEY": "rig-secret-0123456789",
        "AWS_REGION": "us-east-1",
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_RIG_TYPE": "s3",
        "RCLONE_CONFIG_RIG_PROVIDER": "Other",
        "RCLONE_CONFIG_RIG_ENDPOINT": endpoint,
        "RCLONE_CONFIG_RIG_ACCESS_KEY_ID": "AKIARIG",
        "RCLONE_CONFIG_RIG_SECRET_ACCESS_KEY": "rig-secret-0123456789",
    }


def _timed(command: list[str], environment: dict[str, str], keys: int) -> float:
    """Return the seconds of a command; with `keys` it must count so many."""
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE if keys else subprocess.DEVNULL,
        stderr=subprocess.PIPE, timeout=300, check=False,
    )  # fmt: skip
    took = time.perf_counter() - began
    if done.returncode:
        message = f"{command[0]} failed: {done.stderr.decode()[-500:]}"
        raise SystemExit(message)
    if keys:
        found = json.loads(done.stdout)
        assert found["objects"] == keys, found["objects"]
    return took
