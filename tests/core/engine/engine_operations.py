"""Operations that only the tests of the engine run."""

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from core.engine.operations import Operation
from core.errors import Cancelled, NotFound
from core.redaction import Secret
from core.work import Progress

OPERATIONS = tuple(
    Operation(name, f"tests.core.engine.engine_operations:{name}")
    for name in (
        "echo",
        "count",
        "ignores_cancel",
        "crash",
        "missing",
        "broken",
        "too_long_a_name",
        "pid",
        "spin",
        "leak",
        "environ",
        "limited",
        "how_it_ended",
        "key_in_use",
        "goes_silent",
    )
)


def echo(workspace, work, **arguments):
    print("a stray print must not tear a frame")  # noqa: T201 - it is what is tested
    keys = workspace.connection.keys
    shown = {name: revealed(value) for name, value in arguments.items()}
    return shown, workspace.connection.profile.name, revealed(keys and keys.secret_access_key)


def revealed(value):
    return value.reveal() if isinstance(value, Secret) else value


def key_in_use(workspace, _work):
    return workspace.clients.frozen_keys().access_key_id


def environ(_workspace, _work, *, names):
    """What this process began with, which others can read, and what it has now."""
    core_limit = resource.getrlimit(resource.RLIMIT_CORE)
    first = Path("/proc/self/environ").read_bytes()
    return first, {name: os.environ.get(name) for name in names}, core_limit


def leak(workspace, _work):
    return workspace.connection


def count(_workspace, work, *, steps):
    for step in range(steps):
        work.report(Progress(step + 1, steps))
        work.batch([step])
    return steps


def spin(_workspace, work):
    work.batch("started")
    while True:
        work.token.wait(5)


def limited(_workspace, work, *, until):
    """Report the limits at each change, until the bandwidth is `until`."""
    while True:
        values = work.limits.values
        work.batch((values.bytes_per_second, values.parallel))
        if values.bytes_per_second == until:
            return values
        while work.limits.values == values:
            work.token.wait(0.005)


def how_it_ended(_workspace, work):
    work.batch("started")
    try:
        while True:
            work.token.wait(5)
    except Cancelled:
        return work.token.paused


def ignores_cancel(_workspace, work):
    work.batch("started")
    while True:
        time.sleep(1)  # noqa: TID251 - it ignores a cancel on purpose


def crash(_workspace, _work):
    os.kill(os.getpid(), signal.SIGKILL)


def goes_silent(_workspace, _work):
    os.closerange(3, 100)
    threading.Event().wait()


def missing(_workspace, _work):
    raise NotFound("gone", cause="why", remedy="what", subject="it")


def broken(_workspace, _work):
    sys.stderr.flush()
    return 1 / 0


def too_long_a_name(_workspace, _work):
    return Path("n" * 300).stat()


def pid(_workspace, _work):
    return os.getpid(), os.nice(0)
