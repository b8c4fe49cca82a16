"""The child process of the demo server, which ends with its parent: `core.demo.host`.

Usage: `python -m core.demo.host PARENT FOLDER PORT`.

It fills moto, listens, then prints one line of JSON with its port and keys on standard output,
a pipe that only the parent reads. It ends when its standard input does.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from core.demo.folders import remove_folder
from core.local.hardening import harden
from core.model.connection import AccessKeys
from core.signals import leave_to_parent


def main(arguments: list[str]) -> None:
    """Serve requests until the parent process ends.

    Args:
        arguments: the parent's process id, the private folder, the port (0: any free one).
    """
    harden()
    parent, folder, port = int(arguments[0]), Path(arguments[1]), int(arguments[2])
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # output of moto must not mix with the line that the parent reads

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
    """Create the sample data, listen in a thread, and return the data for the parent."""
    from core.demo import moto_setup  # first: it sets variables that moto reads on import
    from core.demo.data.buckets import make_buckets
    from core.demo.data.identities import make_users
    from core.demo.data.secrets import make_secrets
    from core.demo.data.trading_db import make_database
    from core.demo.request_checks.application import CheckedApplication
    from core.demo.request_checks.http_server import server_for

    with ThreadPoolExecutor(1) as pool:  # SQLite works while Python fills the buckets
        database = pool.submit(make_database, folder)
        admin, platform = make_users()
        make_secrets(platform)
        make_buckets()
        server = server_for(CheckedApplication(moto_setup.application()), port)
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
    """Return keys as plain text for the pipe to the parent; they leave this process only there."""
    return [keys.access_key_id, keys.secret_access_key.reveal()]


#: From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1


def call_when_parent_ends(pipe: BinaryIO, parent: int, leave: Callable[[], None]) -> None:
    """Call `leave` once when the parent has ended. Only the main thread may call this.

    The kernel sends its signal when the *thread* that started this process ends, which may be long
    before the parent ends, so the signal only triggers a check. The end of the pipe is reliable:
    only the parent has its other end, which the system closes however the parent ends.

    Args:
        pipe: this process's end of a pipe that the parent holds open, and never writes to.
        parent: the parent's process id.
        leave: ends this process; may be called in any thread.
    """
    threading.Thread(target=_wait, args=(pipe, leave), name="parent-watch", daemon=True).start()
    leave_to_parent()
    signal.signal(signal.SIGTERM, lambda *_: leave())
    if sys.platform == "linux":

        def leave_if_orphaned(*_: object) -> None:
            if os.getppid() != parent:
                leave()

        signal.signal(signal.SIGUSR1, leave_if_orphaned)
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1)
        leave_if_orphaned()  # the parent may have ended before the signal was requested


def _wait(pipe: BinaryIO, leave: Callable[[], None]) -> None:
    while pipe.read(1):
        pass
    leave()


if __name__ == "__main__":
    main(sys.argv[1:])
