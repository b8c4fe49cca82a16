"""Actions on the queue and synchronizations that a forked process performs and a test kills.

The environment names the home of the process; the sources are beside it.
"""

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from core.errors import StorageError
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue

P = "kills"
UP, DOWN = (uuid5(NAMESPACE_OID, name).hex for name in ("up", "down"))
HELD = 3
#: Size in bytes of the parts that are sent: the smallest that S3 allows.
PART_BYTES = 5 << 20


def use_small_parts() -> None:
    """Transfer a file of few megabytes in several parts and ranges, like one of gigabytes.

    A few small files are transferred in the fast way, like thousands.
    """
    # Other modules copy these constants when they are imported, and none of them is yet.
    import core.objects.part_sizes
    import core.objects.ranges
    import core.objects.small_loop

    core.objects.part_sizes.SINGLE_BYTES = core.objects.part_sizes._PART_BYTES = PART_BYTES
    core.objects.ranges.RANGE_BYTES = PART_BYTES // 4
    core.objects.small_loop.FEWEST = 3


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


def create(home: str, _bucket: str) -> int:
    """Create the state database of a home."""
    TransferQueue(Path(home) / "data").batches()
    return 0


def save(home: str, bucket: str) -> int:
    """Add both batches and change them."""
    queue = TransferQueue()
    for order in orders(Path(home), bucket):
        queue.add(order)
    queue.move(DOWN, before=UP)
    queue.pause_all()
    queue.move(DOWN)
    queue.resume_all()
    return 0


def run(home: str, bucket: str) -> int:
    """Run what waits; batches that a kill has prevented are added first."""
    from core.transfer.queue_runner import run_waiting

    queue = TransferQueue()
    known = {batch.id for batch in queue.batches()}
    for order in orders(Path(home), bucket):
        if order.id not in known:
            queue.add(order)
    # A kill may have left the download before the upload that it depends on.
    queue.move(DOWN)
    queue.resume_all()
    workspace = _workspace(bucket)
    try:
        run_waiting(queue, SimpleNamespace(bucket=workspace.bucket), profile=P)
    except StorageError as error:
        sys.stderr.write(f"{error.kind.name}: {error.summary} {error.cause}\n")
        return HELD
    return 0


def clean(_home: str, bucket: str) -> int:
    """Remove what earlier processes have left, as each transfer does when it begins."""
    from core.transfer.sweep import sweep

    workspace = _workspace(bucket)
    return len(sweep(SimpleNamespace(bucket=workspace.bucket)).failed)


def _workspace(bucket: str) -> Any:
    from core.workspace import Workspace

    keys = AccessKeys(os.environ["AWS_ACCESS_KEY_ID"], Secret(os.environ["AWS_SECRET_ACCESS_KEY"]))
    url = os.environ["AWS_ENDPOINT_URL"]
    profile = Profile(P, KeySource.SESSION, endpoint_url=url, bucket=bucket)
    return Workspace.open(Connection(profile, keys))


def sync(home: str, bucket: str) -> int:
    """Make a prefix equal to the sources, and then a folder equal to the prefix."""
    from core.cli import main

    place, source = Path(home), Path(home).parent / "source"
    prefix = f"s3:///{place.name}/"
    for pair in ((str(source), prefix), (prefix, str(place / "target"))):
        code = main(["sync", *pair, "--delete", "--yes", "--bucket", bucket])
        if code:
            return code
    return 0
