"""Mutated objects of every format are previewed without an error, a crash, a delay, or much memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from helpers.doses import HEAVY

ROOT = Path(__file__).parents[3]
COUNT = 10_000 if HEAVY else 200


def test_mutated_objects_of_every_format_are_shown():
    command = [sys.executable, "-m", "helpers.mutations", "0", str(COUNT)]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60 + COUNT / 5,
        env={**os.environ, "PYTHONPATH": paths, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr[-500:]}"
    assert f"{COUNT} mutated objects, 0 failed" in result.stdout
