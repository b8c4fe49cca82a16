"""Run fault cases concurrently, and judge each: right result, or clean failure, in time."""

import os
import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from faults.cases import Case, allowed_codes
from faults.library import CALLS, Call, new_work
from faults.operations import OPERATIONS, Claim, Context, Operation
from faults.world import World
from helpers.fault_proxy import FaultProxy, rule

from core.errors import StorageError
from core.workspace import Workspace

#: After this many seconds a case hangs. The waits of the program are cut to a tenth.
HANGS_SECONDS = 60
_KNOWN: dict[str, Operation | Call] = {each.name: each for each in (*OPERATIONS, *CALLS)}


@dataclass(frozen=True)
class Outcome:
    """What became of a case. `wrong` is empty when all is as it must be."""

    case: Case
    wrong: str
    seconds: float
    struck: int
    code: int
    texts: str = ""

    def __str__(self) -> str:
        return f"{self.case}: {self.wrong} (exit code {self.code}) {self.texts}"


def run_cases(
    world: World,
    cases: Sequence[Case],
    parallel: int,
    report: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """Run cases in several threads and return their outcomes in order."""

    def one(case: Case) -> Outcome:
        outcome = run_case(world, case)
        report(outcome)
        return outcome

    with ThreadPoolExecutor(parallel, "fault-cases") as pool:
        return list(pool.map(one, cases))


def run_case(world: World, case: Case) -> Outcome:
    """Run one case through a separate proxy."""
    known = _KNOWN[case.operation]
    with TemporaryDirectory(prefix="strongroom-case-") as name:
        context = Context(world, Path(name), uuid4().hex[:12])
        known.prepare(context)
        struck = rule(case.request_class, case.fault, case.occasion, case.at)
        with FaultProxy(world.server, struck) as proxy:
            run = _run_call if isinstance(known, Call) else _run_command
            return run(known, context, case, proxy)


def _run_command(operation: Operation, context: Context, case: Case, proxy: FaultProxy) -> Outcome:
    began = time.monotonic()
    option = ["--bucket"] if operation.action == "command" else []
    text = [*operation.arguments(context), *option, context.world.bucket]
    try:
        done = _finished(operation, context, text, proxy)
    except queue.Empty:
        return Outcome(case, "hangs", HANGS_SECONDS, len(proxy.struck), -1)
    seconds = time.monotonic() - began
    # With --json the reasons of single objects are in the output.
    wrong = _wrong_ending(done.code, done.errors or done.output, case) or operation.check(
        context, Claim(done.code == 0, done.output)
    )
    text = done.errors.strip()[-600:]
    return Outcome(case, wrong, seconds, len(proxy.struck), done.code, text)


@dataclass(frozen=True)
class _Ended:
    code: int
    output: str
    errors: str


def _finished(
    operation: Operation, context: Context, arguments: Sequence[str], proxy: FaultProxy
) -> _Ended:
    """Run a command to its end; a piped one reads a file and writes its output to another."""
    errors = context.folder / "stderr"
    source = context.world.source(operation.piped) if operation.piped else os.devnull
    process = context.world.forks.start(
        operation.action, *arguments, stdin=source, stdout=context.output, stderr=errors,
        environment=context.world.server.environment(context.folder / "home", proxy.url),
    )  # fmt: skip
    try:
        code = process.wait(HANGS_SECONDS)
    except queue.Empty:
        process.kill()
        raise
    output = "" if operation.piped else context.output.read_text()
    return _Ended(code, output, errors.read_text())


def _wrong_ending(code: int, errors: str, case: Case) -> str:
    """Return what is wrong with the way a command ended, whatever it claims."""
    if "Traceback" in errors:
        return "a traceback"
    if code < 0:
        return "killed by a signal"
    if code == 0:
        return ""
    if not errors.strip():
        return "fails without a word"
    return "" if code in allowed_codes(case.fault) else "fails with a code of another kind"


def _run_call(call: Call, context: Context, case: Case, proxy: FaultProxy) -> Outcome:
    began, returned, error = time.monotonic(), None, None
    world = context.world
    workspace = Workspace.open(world.server.connection(world.bucket, proxy.url))
    try:
        returned = call.run(context, workspace, new_work())
    except StorageError as caught:
        error = caught
    except Exception as caught:  # noqa: BLE001 - it is what the case is about
        wrong = f"not a StorageError: {type(caught).__name__}"
        return Outcome(case, wrong, time.monotonic() - began, len(proxy.struck), 1, str(caught))
    finally:
        workspace.close()
    code = error.kind.value if error else 0
    damaged = bool(proxy.struck) and case.occasion == "every" and case.fault not in call.harmless
    wrong = "" if not error else _wrong_ending(code, str(error), case)
    wrong = wrong or call.check(context, returned, damaged)
    seconds = time.monotonic() - began
    if seconds > HANGS_SECONDS:
        wrong = "hangs"
    return Outcome(case, wrong, seconds, len(proxy.struck), code, str(error or ""))
