"""The recovery kit as it is run on a bare machine: isolated, without Strongroom and its packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from helpers.backups import MemoryStore

from core.backup import recovery_kit


def copied(store: MemoryStore, folder: Path) -> Path:
    """Write the objects of a store into a folder, as `aws s3 cp --recursive` does."""
    for key, data in store.objects.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


#: Size of the long values in tests of the memory, in MB: 100 for the figures of the documentation.
LONG_MB = int(os.environ.get("STRONGROOM_KIT_MB", "12"))
_MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
sys.stderr.write(f"peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10}")
sys.exit(code)
"""


def kit_peak(folder: Path, *arguments: str | Path) -> int:
    """Run the kit like `run_kit`, and return its peak memory, or that of its largest child, in MB."""
    folder.mkdir(exist_ok=True)
    if not (folder / recovery_kit.SCRIPT).exists():
        recovery_kit.write(folder)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, sys.executable, "-I", "-S", recovery_kit.SCRIPT,
         *map(str, arguments)],
        cwd=folder, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    text, _, peak = done.stderr.rpartition("peak ")
    assert (done.returncode, text) == (0, ""), done.stderr
    print(f"{arguments[0]}: {peak} MB for values of {LONG_MB} MB")  # noqa: T201 - `pytest -s` shows the figure
    return int(peak)


def run_kit(
    folder: Path, *arguments: str | Path, python: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Write the kit into an empty folder, and run it there with nothing but PATH."""
    folder.mkdir(exist_ok=True)
    if not (folder / recovery_kit.SCRIPT).exists():
        recovery_kit.write(folder)
    return subprocess.run(
        [python, "-I", "-S", recovery_kit.SCRIPT, *map(str, arguments)],
        cwd=folder, env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
