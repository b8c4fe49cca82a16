"""One million keys listed and counted: complete processes, Strongroom beside s5cmd and rclone."""

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

KEYS = 1_000_000
RUNS = 3
TARGET = 3.0


def figures() -> Iterator[Figure]:
    """Yield the one figure, medians of three runs each, run alternately."""
    with rig() as endpoint:
        environment = _environment(endpoint)
        commands = _commands(endpoint)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                times[name].append(_timed(command, environment, counts=name == "ours"))
    found = {name: statistics.median(taken) for name, taken in times.items()}
    ours = found.pop("ours")
    peer, theirs = best(found)
    others = ", ".join(f"{name} {taken:.2f} s" for name, taken in found.items())
    yield Figure(
        "list 1,000,000 keys with statistics", ours, "s", TARGET, peer, theirs, f"({others})"
    )


def _commands(endpoint: str) -> dict[str, list[str]]:
    bin_ = Path(sys.executable).parent
    return {
        "ours": [sys.executable, "-m", "core", "stats", "--bucket", "b1m", "--json"],
        "s5cmd ls": [str(bin_ / "s5cmd"), "--endpoint-url", endpoint, "ls", "s3://b1m/*"],
        "rclone size": [str(bin_ / "rclone"), "size", "--fast-list", "rig:b1m"],
        "rclone lsf": [
            str(bin_ / "rclone"), "lsf", "-R", "--fast-list", "--use-server-modtime", "rig:b1m",
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


def _timed(command: list[str], environment: dict[str, str], *, counts: bool) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE if counts else subprocess.DEVNULL,
        stderr=subprocess.PIPE, timeout=300, check=False,
    )  # fmt: skip
    took = time.perf_counter() - began
    if done.returncode:
        message = f"{command[0]} failed: {done.stderr.decode()[-500:]}"
        raise SystemExit(message)
    if counts:
        found = json.loads(done.stdout)
        assert found["objects"] == KEYS, found["objects"]
    return took
