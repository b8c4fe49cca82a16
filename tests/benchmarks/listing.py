"""Keys listed and counted: complete processes, Strongroom beside s5cmd and rclone."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from core.aws.limits import LIST_KEYS
from core.objects.key_ranges import KeyRange, PageRequest
from core.objects.listing_plan import ListingPlan
from core.objects.page_requests import MOST
from core.objects.pages import Page, read_page
from tests.benchmarks.figures import Figure, best
from tests.benchmarks.rig import rig

RUNS = 3
#: Keys of the buckets, and the seconds that each answer of the slow server takes; at least so many
#: times as fast as the best peer.
KEYS, FEWER_KEYS, FLAT_KEYS, LATENCY = 1_000_000, 100_000, 200_000, 0.05
#: The bucket of the runs that are not measured.
SMALL = "b10k"
TARGET, SLOW_TARGET = 5.0, 8.0
#: Round trips in which nothing can be computed.
_IDLE_TRIPS = 3
#: Buckets of increasing size, the most seconds (a part of which the start takes) and MB of each.
GROWTH = (("b10k", 10_000), ("b100k", 100_000), ("b1m", 1_000_000), ("b5m", 5_000_000))
MOST_START, MOST_PER_MILLION, MOST_MB = 1.0, 1.5, 300.0


def figures() -> Iterator[Figure]:
    """Yield the time for a million keys: medians of three alternating runs after one to prepare."""
    with rig() as endpoint:
        found = _medians(endpoint, "b1m", KEYS)
    yield _figure("list 1,000,000 keys with statistics", found, TARGET)


def with_latency() -> Iterator[Figure]:
    """Yield the same for 100,000 keys and a server that answers after 50 ms, and what limits it.

    Until the first answers with the keys of the folders arrive, three round trips pass in which
    there is nothing to compute: the first page, the levels of folders, and these. After that the
    processor works while further answers are awaited, so that the shortest time is that of the
    processor and three round trips.
    """
    with rig(latency=LATENCY) as endpoint:
        found = _medians(endpoint, "b100k", FEWER_KEYS)
        processor = _processor_seconds(endpoint, "b100k", FEWER_KEYS)
        trips, requests = _round_trips(endpoint, "b100k")
    figure = _figure("list 100,000 keys, answers after 50 ms", found, SLOW_TARGET)
    shortest = _IDLE_TRIPS * LATENCY + processor
    limit = (
        f" limit {shortest:.2f} s = {figure.theirs / shortest:.1f} x: {_IDLE_TRIPS} round trips and "
        f"{processor:.2f} s of processor time"
    )
    yield replace(figure, note=figure.note + limit)
    pages = -(-FEWER_KEYS // LIST_KEYS)
    least = 2 + -(-(pages - 1) // MOST)
    yield Figure(
        "round trips of that plan one after another", trips, "", least,
        note=f"(least: the first page, the levels, {pages - 1} pages at {MOST} connections; the plan has {requests} requests)",
    )  # fmt: skip


def flat() -> Iterator[Figure]:
    """Yield the same for the keys of one folder, which no delimiter divides; one measured run."""
    with rig(latency=LATENCY) as endpoint:
        found = _medians(endpoint, "flat", FLAT_KEYS, runs=1)
    yield _figure("list 200,000 keys of one folder, 50 ms", found, SLOW_TARGET)


def growth() -> Iterator[Figure]:
    """Yield time and memory for 10,000 to 5,000,000 keys."""
    with rig() as endpoint:
        for bucket, keys in GROWTH:
            urllib.request.urlopen(f"{endpoint}/{bucket}?list-type=2&max-keys=1").read()
            command = _commands(endpoint, bucket)["ours"]
            runs = [_measured(command, _environment(endpoint), keys) for _ in range(RUNS)]
            took, memory = statistics.median(run[0] for run in runs), max(run[1] for run in runs)
            yield Figure(
                f"list {keys:,} keys with statistics", took, "s",
                MOST_START + MOST_PER_MILLION * keys / 1e6, note=f"({keys / took:,.0f} keys/s)",
            )  # fmt: skip
            yield Figure(f"memory of a listing of {keys:,} keys", memory, "MB", MOST_MB)


def _medians(endpoint: str, bucket: str, keys: int, *, runs: int = RUNS) -> dict[str, float]:
    environment = _environment(endpoint)
    commands = _commands(endpoint, bucket)
    # The first run after an installation compiles Python's modules and reads all programs from the
    # disk, which takes seconds. A small bucket is sufficient for the peers.
    for command in _commands(endpoint, SMALL).values():
        _timed(command, environment, 0)
    _timed(commands["ours"], environment, keys)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(_timed(command, environment, keys if name == "ours" else 0))
    return {name: statistics.median(taken) for name, taken in times.items()}


def _processor_seconds(endpoint: str, bucket: str, keys: int) -> float:
    """Return the median processor time of the command."""
    found = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _timed(_commands(endpoint, bucket)["ours"], _environment(endpoint), keys)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(found)


def _round_trips(endpoint: str, bucket: str) -> tuple[int, int]:
    """Return how many round trips the plan of a listing needs one after another, and its requests.

    All requests that the plan has at a moment are sent together, and the plan goes on when all of
    them are answered, as if the processor took no time.
    """
    plan = ListingPlan(KeyRange(""), divide=True)
    trips = count = 0
    with ThreadPoolExecutor(2 * MOST) as pool:
        while requests := plan.following(0):
            trips, count, plan.wanted = trips + 1, count + len(requests), MOST
            pages = pool.map(lambda request: _page(endpoint, bucket, request), requests)
            for place, (request, page) in enumerate(zip(requests, pages, strict=True), 1):
                plan.answered(request, page.columns, page.token, len(requests) - place)
    return trips, count


def _page(endpoint: str, bucket: str, request: PageRequest) -> Page:
    values = {"list-type": "2", "encoding-type": "url", "prefix": request.prefix}
    if request.token is not None:
        values["continuation-token"] = request.token
    elif request.after:
        values["start-after"] = request.after
    if request.delimiter:
        values["delimiter"] = request.delimiter
    with urllib.request.urlopen(f"{endpoint}/{bucket}?{urlencode(values)}") as answer:
        return read_page(answer.read())


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


def _measured(command: list[str], environment: dict[str, str], keys: int) -> tuple[float, float]:
    """Return the seconds of a command, and the MB of its largest process."""
    began, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    output: list[bytes] = []
    assert process.stdout is not None
    reader = threading.Thread(
        target=lambda pipe: output.append(pipe.read()), args=(process.stdout,)
    )
    reader.start()
    while process.poll() is None:
        most = max(most, *map(_peak_mb, (process.pid, *_children(process.pid))))
        time.sleep(0.02)  # noqa: TID251 - nothing to cancel here
    took = time.perf_counter() - began
    reader.join()
    assert json.loads(output[0])["objects"] == keys
    return took, most


def _children(pid: int) -> list[int]:
    """Return the processes that a process has started, each listed with the thread that did."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread or the process has ended
            found += map(int, path.read_text().split())
    return found


def _peak_mb(pid: int) -> float:
    """Return the peak memory of a process so far; 0 if it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024 if "VmHWM:" in text else 0.0


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
