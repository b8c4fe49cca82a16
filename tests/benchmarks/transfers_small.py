"""Many small files up and down: complete processes, Strongroom beside s5cmd and rclone."""

from __future__ import annotations

import filecmp
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure, best
from tests.benchmarks.rig import rig

FILES, SIZE = 5_000, 2_048
#: Objects above this size in bytes are not stored by the responder.
LARGE = 65_536
RUNS = 3
#: What the peers may be times as fast: at the least so many times our time.
TARGET, LATENCY_TARGET = 1 / 0.9, 1 / 0.8
LATENCY = 0.02
#: Round trips in sequence: 5,000 requests on 256 connections are 20, and some requests come before.
MOST_ROUND_TRIPS = 32
MOST_CPU_MS, MOST_MB = 0.2, 200.0
#: 50,000 files may take so many times as long as 5,000.
GROWTH = 10.5
_PEERS = ("s5cmd", "rclone")
RIG_KEYS = ("AKIARIG", "rig-secret-0123456789")


@dataclass
class ProgramRun:
    """What complete processes needed: seconds, seconds of all processors, and peak memory in MB."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def figures() -> Iterator[Figure]:
    """Yield times beside those of the peers, processor time per object, memory, and the growth."""
    with files(FILES) as folder, rig() as endpoint:
        up, down = compared(endpoint, folder, RUNS)
        limit = _limit(endpoint, f"up/{folder.name}/")
    yield from beside(f"{FILES:,} x 2 KiB", up, down, TARGET)
    yield limit
    for name, run in (("up", up["ours"]), ("down", down["ours"])):
        milliseconds = 1000 * statistics.median(run.cpu) / FILES
        yield Figure(f"processor time per object {name}", milliseconds, "ms", MOST_CPU_MS)
        yield Figure(f"{FILES:,} x 2 KiB {name}, memory", max(run.memory), "MB", MOST_MB)
    yield from _growth(up["ours"], down["ours"])


def with_latency() -> Iterator[Figure]:
    """Yield the same with a server that answers each request after 20 ms, and what that costs."""
    with files(FILES) as folder:
        with rig() as endpoint:
            near = compared(endpoint, folder, RUNS)
        with rig(latency=LATENCY) as endpoint:
            far = compared(endpoint, folder, RUNS)
    what = f"{FILES:,} x 2 KiB at {LATENCY * 1000:.0f} ms"
    yield from beside(what, *far, LATENCY_TARGET)
    yield from latency_costs(what, near, far, MOST_ROUND_TRIPS)


Runs = tuple[dict[str, ProgramRun], dict[str, ProgramRun]]


def latency_costs(what: str, near: Runs, far: Runs, most: int) -> Iterator[Figure]:
    """Yield how many round trips our programs wait for, one after another, beside the peers.

    It is the difference between the times with and without latency, in latencies: what a program
    that never waited would not need.
    """
    for name, close, distant in zip(("up", "down"), near, far, strict=True):
        waits = {
            program: (statistics.median(run.wall) - statistics.median(close[program].wall))
            / LATENCY
            for program, run in distant.items()
        }
        ours, before = waits.pop("ours"), statistics.median(close["ours"].wall)
        others = ", ".join(f"{program} {count:.0f}" for program, count in waits.items())
        note = f"(without latency {before:.2f} s; round trips of {others})"
        yield Figure(f"{what} {name}, round trips", ours, "", most, note=note)


def on_seaweed() -> Iterator[Figure]:
    """Yield the same on SeaweedFS, which stores and verifies the bytes."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.seaweed import running_seaweed

    with files(FILES) as folder, running_seaweed() as server:
        keys = (server.access_key_id, server.secret_access_key)
        up, down = compared(server.endpoint_url, folder, 1, keys)
    yield from beside(f"{FILES:,} x 2 KiB on SeaweedFS", up, down, TARGET)


def _limit(endpoint: str, prefix: str) -> Figure:
    """Return the time of the requests alone, with the steps of a download in ms per object."""
    command = [sys.executable, "-m", "tests.benchmarks.small_steps", endpoint, "ours-0", prefix]
    with tempfile.TemporaryDirectory(dir=fast_folder()) as home:
        environment = environment_of(endpoint, RIG_KEYS, home)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    steps = ", ".join(f"{name} {1000 * s / FILES:.3f}" for name, s in found["steps"].items())
    note = f"(complete {found['download']:.2f} s, without the start; ms per object: {steps})"
    name = f"{FILES:,} x 2 KiB down without verification and files"
    return Figure(name, found["bare"], "s", found["download"], note=note)


def _growth(up: ProgramRun, down: ProgramRun) -> Iterator[Figure]:
    many = 10 * FILES
    with files(many) as folder, rig() as endpoint:
        larger = compared(endpoint, folder, 1, programs=("ours",))
    for name, small, large in (("up", up, larger[0]["ours"]), ("down", down, larger[1]["ours"])):
        seconds = large.wall[0]
        growth = seconds / statistics.median(small.wall)
        note = f"({seconds:.2f} s, {1000 * large.cpu[0] / many:.3f} ms CPU per object)"
        yield Figure(f"{many:,} beside {FILES:,} x 2 KiB {name}", growth, "x", GROWTH, note=note)
        yield Figure(f"{many:,} x 2 KiB {name}, memory", large.memory[0], "MB", MOST_MB)


def beside(
    what: str, up: dict[str, ProgramRun], down: dict[str, ProgramRun], target: float
) -> Iterator[Figure]:
    for name, runs in (("up", up), ("down", down)):
        yield beside_peers(f"{what} {name}", runs, target)


def beside_peers(what: str, runs: dict[str, ProgramRun], target: float) -> Figure:
    """Return our median time beside that of the fastest peer."""
    walls = {program: statistics.median(run.wall) for program, run in runs.items()}
    cpus = ", ".join(f"{p} {statistics.median(run.cpu):.2f} s" for p, run in runs.items())
    ours = walls.pop("ours")
    peer, theirs = best(walls)
    return Figure(what, ours, "s", target, peer, theirs, f"(CPU: {cpus})")


def compared(
    endpoint: str,
    folder: Path,
    runs: int,
    keys: tuple[str, str] = RIG_KEYS,
    programs: tuple[str, ...] = ("ours", *_PEERS),
    downloads: bool = True,
) -> tuple[dict[str, ProgramRun], dict[str, ProgramRun]]:
    """Run the programs in turn, each with its own buckets, and return their uploads and downloads."""
    up, down = ({program: ProgramRun() for program in programs} for _ in range(2))
    with tempfile.TemporaryDirectory(dir=fast_folder()) as target:
        environment = environment_of(endpoint, keys, f"{target}/home")
        for number in range(runs):
            for program in programs:
                bucket, to = f"{program}-{number}", Path(target, f"{program}-{number}")
                to.mkdir()
                if keys != RIG_KEYS:
                    run_program(s5cmd("mb", f"s3://{bucket}"), environment, ProgramRun())
                sending, receiving = _commands(program, folder, bucket, to)
                run_program(sending, environment, up[program])
                if downloads:
                    run_program(receiving, environment, down[program])
                    _check(folder, to)
                shutil.rmtree(to)
    return up, down


def _commands(program: str, folder: Path, bucket: str, to: Path) -> tuple[list[str], list[str]]:
    if program == "s5cmd":
        return (
            s5cmd("cp", f"{folder}/", f"s3://{bucket}/"),
            s5cmd("cp", f"s3://{bucket}/*", f"{to}/"),
        )
    if program == "rclone":
        rclone = [program_path("rclone"), "copy", "--transfers", "32", "--checkers", "32"]
        return [*rclone, str(folder), f"rig:{bucket}"], [*rclone, f"rig:{bucket}", str(to)]
    ours = [sys.executable, "-m", "core"]
    put = [*ours, "put", "--bucket", bucket, str(folder), "up/"]
    return put, [*ours, "get", "--bucket", bucket, "--recursive", f"up/{folder.name}/", str(to)]


def s5cmd(*arguments: str) -> list[str]:
    return [program_path("s5cmd"), *arguments]


def program_path(program: str) -> str:
    return str(Path(sys.executable).parent / program)


def run_program(command: list[str], environment: dict[str, str], run: ProgramRun) -> None:
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        run.wall.append(time.perf_counter() - began)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            message = f"{command[0]} failed: {output.read().decode()[-500:]}"
            raise SystemExit(message)
    run.cpu.append(used.ru_utime + used.ru_stime)
    run.memory.append(used.ru_maxrss / 1024)


def _check(folder: Path, to: Path) -> None:
    """Check that a download has the bytes of the files that were uploaded."""
    for sent in folder.rglob("*.bin"):
        received = to / sent.relative_to(folder)
        assert filecmp.cmp(sent, received, shallow=False), received


@contextmanager
def files(count: int, size: int = SIZE) -> Iterator[Path]:
    """Yield a folder with files, 250 in each of its folders; those of more than 64 KiB are zeros.

    The responder returns zeros for large objects.
    """
    content = random.Random(count)
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        root = Path(folder, "files")
        for number in range(count):
            path = root / f"d{number // 250:03}" / f"f{number:05}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                if size > LARGE:
                    file.truncate(size)
                else:
                    file.write(content.randbytes(size))
        yield root


def environment_of(endpoint: str, keys: tuple[str, str], home: str) -> dict[str, str]:
    return os.environ | {
        "AWS_ENDPOINT_URL": endpoint,
        "S3_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": keys[0],
        "AWS_SECRET_ACCESS_KEY": keys[1],
        "AWS_REGION": "us-east-1",
        "STRONGROOM_HOME": home,
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_RIG_TYPE": "s3",
        "RCLONE_CONFIG_RIG_PROVIDER": "Other",
        "RCLONE_CONFIG_RIG_ENDPOINT": endpoint,
        "RCLONE_CONFIG_RIG_ACCESS_KEY_ID": keys[0],
        "RCLONE_CONFIG_RIG_SECRET_ACCESS_KEY": keys[1],
    }
