"""The child process of the demo server: `python -m core.demo.host PARENT FOLDER PORT`.

It fills moto, listens, then prints one line of JSON with its port and keys on standard output,
a pipe that only the parent reads. It ends when its standard input does.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.demo.folders import remove_folder
from core.demo.lifeline import call_when_parent_ends
from core.local.hardening import harden
from core.model.connection import AccessKeys


def main(arguments: list[str]) -> None:
    """Serve until the parent is gone.

    Args:
        arguments: the parent's process id, the private folder, the port (0: any free one).
    """
    harden()
    parent, folder, port = int(arguments[0]), Path(arguments[1]), int(arguments[2])
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever moto prints must not reach the parent's protocol

    def leave() -> None:
        remove_folder(folder)
        os._exit(0)

    call_when_parent_ends(sys.stdin.buffer, parent, leave)
    logging.disable(logging.WARNING)  # errors go to the private folder with standard error
    try:
        ready = _serve(folder, port)
    except OSError as error:
        ready = {"error": f"{error.strerror or error}", "port": port}
    with output:
        print(json.dumps(ready), file=output, flush=True)
    if "error" in ready:
        leave()
    threading.Event().wait()


def _serve(folder: Path, port: int) -> dict[str, Any]:
    """Fill everything, listen in a thread, and return what the parent needs to know."""
    from core.demo import moto_tuned  # before the rest: it sets moto up
    from core.demo.data.buckets import make_buckets
    from core.demo.data.identities import make_users
    from core.demo.data.secrets import make_secrets
    from core.demo.data.trading_db import make_database
    from core.demo.gate.app import Gate
    from core.demo.gate.serving import server_for

    with ThreadPoolExecutor(1) as pool:  # SQLite works while Python fills the buckets
        database = pool.submit(make_database, folder)
        admin, platform = make_users()
        make_secrets(platform)
        make_buckets()
        server = server_for(Gate(moto_tuned.application()), port)
        threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
        made = database.result()
    gc.freeze()  # the sample data never becomes garbage: searching it would slow every request
    return {
        "port": server.port,
        "database": str(made),
        "admin": _plain(admin),
        "platform": _plain(platform),
    }


def _plain(keys: AccessKeys) -> list[str]:
    """Uncover keys for the pipe to the parent, the only place where they leave this process."""
    return [keys.access_key_id, keys.secret_access_key.reveal()]


if __name__ == "__main__":
    main(sys.argv[1:])
