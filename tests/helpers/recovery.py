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
