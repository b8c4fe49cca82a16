"""Runs actions on the queue in forked processes, which a test kills at a chosen system call.

A line on standard input is `ACTION HOME BUCKET STOP`; the answers are the process id, and the exit
status when it has ended. With STOP, the process waits for SIGCONT before the action, so that a
tracer can attach to it. Everything is imported before the fork: a start of Python takes a second.
"""

import faulthandler
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from uuid import NAMESPACE_OID, uuid5

from core.errors import StorageError
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue
from core.transfer.queue_runner import run_waiting

P = "kills"
UP, DOWN = (uuid5(NAMESPACE_OID, name).hex for name in ("up", "down"))
HELD = 3


def orders(home: Path, bucket: str) -> tuple[Order, Order]:
    """Return the upload of the files below `source`, and their download to `target`."""
    paths = sorted((home.parent / "source").iterdir())
    keys = [f"{home.name}/{path.name}" for path in paths]
    sizes = [path.stat().st_size for path in paths]
    up = {"paths": [str(path) for path in paths], "keys": keys, "sizes": sizes}
    # Half of the files must not overwrite: after a kill, their objects may already exist.
    up["only_new"] = [number % 2 == 0 for number in range(len(paths))]
    down = {
        "keys": keys,
        "sizes": sizes,
        "folder": str(home / "target"),
        "below": f"{home.name}/",
    }
    return (
        Order("transfer.upload", UP, "Upload", P, bucket, up),
        Order("transfer.download", DOWN, "Download", P, bucket, down),
    )


def save(home: Path, bucket: str) -> int:
    """Add both batches and change them."""
    queue = TransferQueue()
    for order in orders(home, bucket):
        queue.add(order)
    queue.move(DOWN, before=UP)
    queue.pause_all()
    queue.move(DOWN)
    queue.resume_all()
    return 0


def run(home: Path, bucket: str) -> int:
    """Run what waits; batches that a kill has prevented are added first."""
    queue = TransferQueue()
    known = {batch.id for batch in queue.batches()}
    for order in orders(home, bucket):
        if order.id not in known:
            queue.add(order)
    from core.workspace import Workspace

    # A kill may have left the download before the upload that it depends on.
    queue.move(DOWN)
    queue.resume_all()
    keys = AccessKeys(os.environ["AWS_ACCESS_KEY_ID"], Secret(os.environ["AWS_SECRET_ACCESS_KEY"]))
    url = os.environ["AWS_ENDPOINT_URL"]
    profile = Profile(P, KeySource.SESSION, endpoint_url=url, bucket=bucket)
    workspace = Workspace.open(Connection(profile, keys))
    run_waiting(queue, SimpleNamespace(bucket=workspace.bucket), profile=P)
    return 0


def main() -> None:
    """Fork a process for each line."""
    faulthandler.enable()
    import core.workspace  # noqa: F401 - imported before the forks

    for line in sys.stdin:
        action, home, bucket, stop = line.split()
        child = os.fork()
        if not child:
            _act(action, Path(home), bucket, stop=stop == "stop")
        _answer(child)
        _answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _act(action: str, home: Path, bucket: str, *, stop: bool) -> None:
    os.setpgid(0, 0)  # a killed process may leave a helper, which is found by its group
    os.environ["STRONGROOM_HOME"] = str(home)
    status = 1
    try:
        if stop:
            os.kill(os.getpid(), signal.SIGSTOP)
        status = {"save": save, "run": run}[action](home, bucket)
    except StorageError as error:
        sys.stderr.write(f"{error.kind.name}: {error.summary} {error.cause}\n")
        status = HELD
    except BaseException as error:  # noqa: BLE001 - a forked process must not return
        sys.stderr.write(f"{error!r}\n")
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
