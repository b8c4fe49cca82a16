"""An upload and a download of the queue, each paused at its first report and then resumed."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

from core.errors import Cancelled, StorageError
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue
from core.transfer.queue_runner import run_waiting
from core.transfer.queue_values import BatchState
from core.transfer.values import State
from core.work import CancelToken, RetryBudget, Work
from core.workspace import Workspace

_P = "faults"


def run_queue(folder: str, source: str, prefix: str, bucket: str) -> int:
    """Run both batches; print the keys that each reports as done, and return an exit code.

    The code is that of the first error, like the code of a command.
    """
    keys = AccessKeys(os.environ["AWS_ACCESS_KEY_ID"], Secret(os.environ["AWS_SECRET_ACCESS_KEY"]))
    url = os.environ["AWS_ENDPOINT_URL"]
    profile = Profile(_P, KeySource.SESSION, endpoint_url=url, bucket=bucket)
    workspace = Workspace.open(Connection(profile, keys))
    queue = TransferQueue()
    orders = _orders(Path(folder), Path(source), prefix, bucket)
    for order in orders:
        queue.add(order)
        _run_paused(queue, workspace, order.id)
        if queue.batch(order.id).state is BatchState.HELD:
            break  # the connection has failed, and the time for retries is used up
        queue.resume_all()
        rest = Work(budget=RetryBudget())
        run_waiting(queue, SimpleNamespace(bucket=workspace.bucket), rest, profile=_P)
    return _reported(queue, orders)


def _orders(folder: Path, source: Path, prefix: str, bucket: str) -> list[Order]:
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    keys = [f"{prefix}{path.name}" for path in paths]
    sizes = [path.stat().st_size for path in paths]
    up = {"paths": list(map(str, paths)), "keys": keys, "sizes": sizes}
    down = {"keys": keys, "sizes": sizes, "folder": str(folder / "got"), "below": prefix}
    return [
        Order("transfer.upload", uuid4().hex, "Upload", _P, bucket, up),
        Order("transfer.download", uuid4().hex, "Download", _P, bucket, down),
    ]


def _run_paused(queue: TransferQueue, workspace: Workspace, batch: str) -> None:
    token = CancelToken()

    def pause(_progress: object) -> None:
        if not token.cancelled:
            queue.pause(batch)
            token.pause()

    work = Work(token, pause, budget=RetryBudget())
    try:
        run_waiting(queue, SimpleNamespace(bucket=workspace.bucket), work, profile=_P)
    except Cancelled:
        return
    except StorageError as error:
        sys.stderr.write(f"{error.summary}\n")


def _reported(queue: TransferQueue, orders: list[Order]) -> int:
    done, code, waiting = [], 0, 0
    known = {batch.id for batch in queue.batches()}
    for order in orders:
        if order.id not in known:
            done.append([])
            continue
        files = queue.files(order.id)
        results = files.results.items()
        done.append([order.arguments["keys"][n] for n, r in results if r.state is State.DONE])
        kinds = [r.failure.kind for _n, r in results if r.failure]
        if files.batch.state is BatchState.HELD and files.batch.kind:
            kinds.append(files.batch.kind)
        for kind in kinds:
            sys.stderr.write(f"{kind.name} {files.batch.reason}\n")
            code = code or kind.value
        waiting += files.batch.counts.waiting
    # After an error of the connection, all its batches wait until it is resumed.
    if waiting and not code:
        sys.stderr.write(f"Traceback: {waiting} files wait for nothing\n")
    sys.stdout.write(json.dumps(done))
    return code
