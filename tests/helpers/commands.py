"""Run a script on the program's library as a separate process."""

import os
import subprocess
from pathlib import Path
from typing import Any

from helpers.forked_runs import run_script
from helpers.forks import Forks

_ROOT = Path(__file__).parents[2]


def run_python(
    forks: Forks, server: Any, home: Path, script: str, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run a script as the administrator of an embedded server, with a separate home."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_ROOT),
        "HOME": str(home),
        "STRONGROOM_HOME": str(home / "strongroom"),
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": server.admin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.admin.secret_access_key.reveal(),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return run_script(forks, script, *arguments, environment=environment)
