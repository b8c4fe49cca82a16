"""A refresh that is killed at any point leaves the former catalogue or the new one."""

import json
import os
import subprocess
import sys
from pathlib import Path

from helpers.doses import HEAVY

ROOT = Path(__file__).parents[3]
KILLS = 100 if HEAVY else 12


def test_a_killed_refresh_leaves_the_former_or_the_new_catalogue(tmp_path):
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environment = {**os.environ, "STRONGROOM_HOME": str(tmp_path), "PYTHONPATH": path}
    command = [sys.executable, "-m", "helpers.catalog_kills", str(KILLS), "7"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["former"] + counts["new"] == KILLS, counts
    assert (counts["wrong"], counts["leftovers"]) == (0, 0), done.stderr
    assert counts["survived"] < KILLS
