"""One file of 1 GiB up and down: complete processes, Strongroom beside s5cmd and rclone."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure, best
from tests.benchmarks.rig import rig
from tests.benchmarks.transfers_small import (
    RIG_KEYS,
    ProgramRun,
    environment_of,
    latency_costs,
    program_path,
    run_program,
    s5cmd,
)

SIZE = 1 << 30
RUNS = 3
#: How many times the peers' time may be ours at the least.
UP_TARGET, DOWN_TARGET, LATENCY_TARGET = 1 / 0.8, 1.0, 1 / 0.8
LATENCY = 0.02
#: Round trips in sequence: those before the first part or range, and those that no other one
#: covers; a busy machine adds some tenths of a second, which count as well.
MOST_ROUND_TRIPS = 24
MOST_MB = 200.0
#: Seconds of all processors for 1 GB: what s5cmd needs with the hashes of an upload.
MOST_CPU = 3.0
_PROGRAMS = ("ours", "s5cmd", "rclone")
#: A key that is as long as usual.
_KEY = "large/2026/01/file.bin"


def figures() -> Iterator[Figure]:
    """Yield times beside those of the peers, processor time for 1 GB, memory, and the limit."""
    with _file() as path, rig() as endpoint:
        up, down = _compared(endpoint, path, RUNS)
        limits = _limits(endpoint, path)
    yield from _beside("1 GiB", up, down, UP_TARGET, DOWN_TARGET)
    for name, run, limit in (("up", up["ours"], limits[0]), ("down", down["ours"], limits[1])):
        seconds, complete = statistics.median(limit.wall), statistics.median(run.wall)
        note = f"(CPU: {statistics.median(limit.cpu):.2f} s; start alone {limits[2].wall[0]:.2f} s)"
        yield Figure(f"1 GiB {name} without SHA-256", seconds, "s", complete, note=note)
    for name, run in (("up", up["ours"]), ("down", down["ours"])):
        seconds = statistics.median(run.cpu) * 1e9 / SIZE
        yield Figure(f"processor time for 1 GB {name}", seconds, "s", MOST_CPU)
        yield Figure(f"1 GiB {name}, memory", max(run.memory), "MB", MOST_MB)


def _limits(endpoint: str, path: Path) -> tuple[ProgramRun, ProgramRun, ProgramRun]:
    """Return uploads and downloads that are not hashed, and an upload of an empty file."""
    runs = ProgramRun(), ProgramRun(), ProgramRun()
    command = [sys.executable, "-m", "tests.benchmarks.large_limit"]
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        environment = environment_of(endpoint, RIG_KEYS, f"{folder}/home")
        to, empty = Path(folder, "received"), Path(folder, "empty.bin")
        empty.touch()
        put = [*command, "put", "--bucket", "limit"]
        for number in range(RUNS):
            key = f"{number}/{_KEY}"
            run_program([*put, str(path), key], environment, runs[0])
            run_program([*command, "get", "--bucket", "limit", key, str(to)], environment, runs[1])
            to.unlink()
        run_program([*put, str(empty), "empty.bin"], environment, runs[2])
    return runs


def with_latency() -> Iterator[Figure]:
    """Yield the same with a server that answers each request after 20 ms, and what that costs."""
    with _file() as path:
        with rig() as endpoint:
            near = _compared(endpoint, path, RUNS)
        with rig(latency=LATENCY) as endpoint:
            far = _compared(endpoint, path, RUNS)
    what = f"1 GiB at {LATENCY * 1000:.0f} ms"
    yield from _beside(what, *far, LATENCY_TARGET, LATENCY_TARGET)
    yield from latency_costs(what, near, far, MOST_ROUND_TRIPS)


def on_seaweed() -> Iterator[Figure]:
    """Yield the same on SeaweedFS, which stores and verifies the bytes."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.seaweed import running_seaweed

    with _file() as path, running_seaweed() as server:
        keys = (server.access_key_id, server.secret_access_key)
        up, down = _compared(server.endpoint_url, path, 1, keys)
    yield from _beside("1 GiB on SeaweedFS", up, down, UP_TARGET, DOWN_TARGET)


def _beside(
    what: str,
    up: dict[str, ProgramRun],
    down: dict[str, ProgramRun],
    up_target: float,
    down_target: float,
) -> Iterator[Figure]:
    for name, runs, target in (("up", up, up_target), ("down", down, down_target)):
        walls = {program: statistics.median(run.wall) for program, run in runs.items()}
        cpus = ", ".join(f"{p} {statistics.median(run.cpu):.2f} s" for p, run in runs.items())
        ours = walls.pop("ours")
        peer, theirs = best(walls)
        yield Figure(f"{what} {name}", ours, "s", target, peer, theirs, f"(CPU: {cpus})")


def _compared(
    endpoint: str, path: Path, runs: int, keys: tuple[str, str] = RIG_KEYS
) -> tuple[dict[str, ProgramRun], dict[str, ProgramRun]]:
    """Run the programs in turn, each with its own bucket, and return their uploads and downloads."""
    up, down = ({program: ProgramRun() for program in _PROGRAMS} for _ in range(2))
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        environment = environment_of(endpoint, keys, f"{folder}/home")
        for number in range(runs):
            for program in _PROGRAMS:
                bucket, to = f"{program}-{number}", Path(folder, f"{program}-{number}")
                to.mkdir()
                if keys != RIG_KEYS:
                    run_program(s5cmd("mb", f"s3://{bucket}"), environment, ProgramRun())
                sending, receiving = _commands(program, path, bucket, to / "received")
                run_program(sending, environment, up[program])
                run_program(receiving, environment, down[program])
                assert (to / "received").stat().st_size == SIZE
                shutil.rmtree(to)
    return up, down


def _commands(program: str, path: Path, bucket: str, to: Path) -> tuple[list[str], list[str]]:
    if program == "s5cmd":
        place = f"s3://{bucket}/{_KEY}"
        return s5cmd("cp", str(path), place), s5cmd("cp", place, str(to))
    if program == "rclone":
        rclone = [program_path("rclone"), "copyto", "--s3-no-check-bucket"]
        place = f"rig:{bucket}/{_KEY}"
        return [*rclone, str(path), place], [*rclone, place, str(to)]
    ours = [sys.executable, "-m", "core"]
    return (
        [*ours, "put", "--bucket", bucket, str(path), _KEY],
        [*ours, "get", "--bucket", bucket, _KEY, str(to)],
    )


@contextmanager
def _file() -> Iterator[Path]:
    """Yield a file of zeros, which is what the responder returns for large objects."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        path = Path(folder, "file.bin")
        with path.open("wb") as file:
            for _ in range(SIZE >> 20):
                file.write(bytes(1 << 20))
        yield path
