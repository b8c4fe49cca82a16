"""What a download of many small objects consists of: `python -m tests.benchmarks.small_steps URL BUCKET PREFIX`.

It prints JSON: the seconds of a download, those of each of its steps, and those of the same
requests without verification, files and records, which is the limit of this client.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from core.aws.http_connection import HttpAnswer, HttpConnection
from core.aws.request_signer import RequestSigner
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.objects import small_downloads
from core.objects.small_downloads import HEADERS, SmallObject
from core.objects.small_files import FilePublisher
from core.objects.small_loop import Exchange, SmallLoop
from core.redaction import Secret
from core.transfer.download import _Download, download
from core.transfer.selection import SelectedObjects, select_objects
from core.work import Work, default_work
from core.workspace import Workspace
from tests.benchmarks.dump import fast_folder

#: The functions of each step. Verification is what remains of `accepted` without its file.
_STEPS: tuple[tuple[str, type, str], ...] = (
    ("sign", RequestSigner, "signed"),
    ("send", HttpConnection, "send"),
    ("receive", HttpConnection, "advance"),
    ("verify", small_downloads._Receiver, "accepted"),
    ("file", FilePublisher, "add"),
    ("flush and name", FilePublisher, "published"),
    ("flush and name", FilePublisher, "finish"),
    ("record", _Download, "_received"),
)


class _Bare(SmallLoop[SmallObject]):
    """The same requests, whose answers are discarded."""

    def prepared(self, file: SmallObject, signer: RequestSigner) -> Exchange[SmallObject]:
        return Exchange(file, signer.signed("GET", file.key, HEADERS), file.size)

    def accepted(self, exchange: Exchange[SmallObject], answer: HttpAnswer) -> bool:
        return len(answer.body) == exchange.size


def main() -> None:
    """Measure the objects below a prefix, and print the seconds."""
    url, bucket, prefix = sys.argv[1:]
    keys = AccessKeys("AKIARIG", Secret("rig-secret-0123456789"))
    profile = Profile("rig", KeySource.SESSION, endpoint_url=url, bucket=bucket)
    workspace = Workspace.open(Connection(profile, keys))
    try:
        work = default_work(None)
        found = select_objects(workspace.bucket, work, texts=[prefix], recursive=True)
        rows = enumerate(zip(found.keys, found.sizes, strict=True))
        objects = [SmallObject(number, key, "", size) for number, (key, size) in rows]
        began = time.perf_counter()
        assert _Bare(workspace.bucket, iter(objects), work).run() == []
        bare = time.perf_counter() - began
        steps: Counter[str] = Counter()
        total = _downloaded(workspace, found, Work())
        _downloaded(workspace, found, Work(), steps)
    finally:
        workspace.close()
    steps["verify"] -= steps["file"]
    sys.stdout.write(json.dumps({"bare": bare, "download": total, "steps": dict(steps)}))


def _downloaded(
    workspace: Workspace, found: SelectedObjects, work: Work, steps: Counter[str] | None = None
) -> float:
    """Return the seconds of a download, whose steps are measured if they are wanted."""
    place: Any = SimpleNamespace(bucket=workspace.bucket)
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        patches = list(_timed(steps)) if steps is not None else []
        for each in patches:
            each.start()
        began = time.perf_counter()
        report = download(
            place, work, keys=found.keys, sizes=found.sizes, folder=folder, etags=found.etags
        )
        seconds = time.perf_counter() - began
        for each in patches:
            each.stop()
    assert len(report.done) == len(found.keys)
    return seconds


def _timed(steps: Counter[str]) -> Iterator[Any]:
    for step, owner, name in _STEPS:
        yield patch.object(owner, name, _measured(steps, step, getattr(owner, name)))


def _measured(steps: Counter[str], step: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def measured(*arguments: Any, **more: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **more)
        finally:
            steps[step] += time.perf_counter() - began  # type: ignore[assignment] # seconds

    return measured


if __name__ == "__main__":
    main()
