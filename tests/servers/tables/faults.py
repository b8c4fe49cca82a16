"""Faults at every step of backups and restores of tables: the target stays as it was."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.cut_proxy import CutProxy
from servers.tables.range import UNCHANGED, Range, Worker, WrongError
from servers.tables.sites import NoDiskError, Site, small_disk

from core.backup import checked_reading
from core.backup.listing import backups_in
from core.backup.verify import verify_of
from core.model.backup import BackupState
from core.work import Work

#: Space for the state of the program, but not for the parts of the backup.
_SPOOL_BYTES = 300_000


@dataclass(frozen=True)
class Fault:
    """A kind of fault and one round of it, which returns how it ended."""

    name: str
    round: Callable[[Range], str]
    #: Whether there must be a server.
    of_servers: bool = False


def _at_a_step(operation: str, fault: str, kind: str = "steps") -> Callable[[Range], str]:
    return lambda range_: range_.judge(operation, range_.disturbed(operation, fault, kind))


def _at_a_block(
    operation: str, action: Callable[[Range, CutProxy], None]
) -> Callable[[Range], str]:
    def one(range_: Range) -> str:
        result = range_.interrupted(operation, lambda proxy: action(range_, proxy))
        return range_.judge(operation, result)

    return one


def _kill_server(range_: Range, _proxy: CutProxy) -> None:
    range_.site.kill()


def _cut(_range: Range, proxy: CutProxy) -> None:
    proxy.cut()


def _refused(range_: Range, result: dict[str, Any]) -> str:
    """Require an error that changed nothing."""
    if not result["error"]:
        raise WrongError("there was no error")
    if range_.site.former():
        raise WrongError("the table was replaced")
    range_.require_unchanged()
    range_.require_true_list()
    return f"{UNCHANGED} ({result['error'].partition(':')[0]})"


def _harmed_part(change: Callable[[Range, bytes], bytes | None]) -> Callable[[Range], str]:
    def one(range_: Range) -> str:
        with range_.harmed(range_.part, lambda data: change(range_, data)):
            result = range_.plain("restore")
            (listed,) = backups_in(range_.store, None, Work())
            if verify_of(range_.store, listed, Work()).good:
                raise WrongError("a harmed backup is verified")
        return _refused(range_, result)

    return one


def _harmed_manifest(range_: Range) -> str:
    with range_.harmed(range_.manifest, range_.flipped):
        result = range_.plain("restore")
        (listed,) = backups_in(range_.store, None, Work())
        if listed.state is BackupState.COMPLETE:
            raise WrongError("a harmed manifest is listed as complete")
    return _refused(range_, result)


def _swapped(range_: Range, data: bytes) -> bytes:
    """Return a valid part of another backup: the same rows in compressed pieces of another size."""
    import zstandard

    rows = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    rows = rows.replace(b"backed up", b"forged up", range_.draw.randint(1, 9))
    return zstandard.ZstdCompressor(write_checksum=True).compress(rows)


def _locked(operation: str, table: str) -> Callable[[Range], str]:
    """Hold a lock on a table, or on the former one, during an operation, which is then repeated."""

    def one(range_: Range) -> str:
        if operation == "restore":
            with range_.site.lock(table):
                result = range_.plain("restore")
            return _refused(range_, result)
        range_.former = range_.plain("restore")["former"]
        restored = range_.site.everything()
        with range_.site.lock(table or range_.former):
            result = range_.plain(operation)
        if not result["error"]:
            raise WrongError("there was no error")
        if range_.site.everything() != restored:
            raise WrongError("a refused operation changed something")
        range_.site.undo(range_.former)
        return _refused(range_, result)

    return one


def _full_spool(range_: Range) -> str:
    with small_disk(range_.folder / "full", _SPOOL_BYTES) as range_.home:
        result = range_.plain("restore")
    range_.home = range_.folder / "home"
    return _refused(range_, result)


def _full_disk(range_: Range) -> str:
    before = range_.before
    with range_.site.full_disk():
        range_.before = range_.site.everything()
        try:
            return _refused(range_, range_.plain("restore"))
        finally:
            range_.before = before


FAULTS: tuple[Fault, ...] = (
    Fault("restore: tool killed", _at_a_step("restore", "kill")),
    Fault("restore: cancelled", _at_a_step("restore", "cancel")),
    Fault("restore: storage out of reach", _at_a_step("restore", "offline", "calls")),
    Fault("restore: connection lost", _at_a_block("restore", _cut), of_servers=True),
    Fault("restore: server killed", _at_a_block("restore", _kill_server), of_servers=True),
    Fault("restore: lock held", _locked("restore", "orders")),
    Fault("restore: lock on a child held", _locked("restore", "fills")),
    Fault("undo: lock held", _locked("undo", "orders")),
    Fault("undo: lock on a child held", _locked("undo", "fills")),
    Fault("removal of the former table: lock held", _locked("drop", "")),
    Fault("restore: no space for the download", _full_spool),
    Fault("restore: no space for the table", _full_disk),
    Fault("restore: part missing", _harmed_part(lambda _range, _data: None)),
    Fault("restore: part flipped", _harmed_part(Range.flipped)),
    Fault("restore: part cut", _harmed_part(lambda r, data: data[: r.draw.randrange(len(data))])),
    Fault("restore: part swapped", _harmed_part(_swapped)),
    Fault("restore: manifest flipped", _harmed_manifest),
    Fault("backup: tool killed", _at_a_step("backup", "kill")),
    Fault("backup: cancelled", _at_a_step("backup", "cancel")),
    Fault("backup: storage out of reach", _at_a_step("backup", "offline", "calls")),
    Fault("backup: connection lost", _at_a_block("backup", _cut), of_servers=True),
    Fault("backup: server killed", _at_a_block("backup", _kill_server), of_servers=True),
)  # fmt: skip


@dataclass
class Outcomes:
    """How the rounds of one fault ended, and the steps at which it happened."""

    counts: Counter[str]
    steps: tuple[str, ...] = ()

    @property
    def wrong(self) -> int:
        """The number of rounds that left something wrong."""
        return sum(number for outcome, number in self.counts.items() if outcome.startswith("WRONG"))

    def __str__(self) -> str:
        shown = ", ".join(f"{number} {outcome}" for outcome, number in sorted(self.counts.items()))
        if not self.steps:
            return shown
        return f"{shown}; at {self.steps[0]} … {self.steps[-1]}"


def run_rounds(
    site: Site, folder: Path, rounds: int, seed: int, *, part: int = 1
) -> dict[str, Outcomes]:
    """Run rounds of every fault, spread over its steps; return how they ended.

    With `part`, only that fraction of the faults, which the seed chooses.
    """
    draw, worker, pauses = random.Random(seed), Worker(), checked_reading.PAUSES
    checked_reading.PAUSES = (0.0, 0.0)
    found: dict[str, Outcomes] = {}
    try:
        range_ = Range(site, folder, worker, draw)
        range_.rounds = rounds
        chosen = draw.sample(FAULTS, len(FAULTS) // part) if part > 1 else FAULTS
        for fault in chosen:
            if fault.of_servers and not site.is_server:
                continue
            range_.taken = ()
            counts = Counter(_outcome(range_, fault, number) for number in range(rounds))
            found[fault.name] = Outcomes(counts, range_.taken)
    finally:
        checked_reading.PAUSES = pauses
        worker.close()
    return found


def _outcome(range_: Range, fault: Fault, number: int) -> str:
    range_.round = number
    try:
        return fault.round(range_)
    except NoDiskError as error:
        return f"skipped: {error}"
    except WrongError as error:
        range_.reset()
        return f"WRONG: {error}"


def wrong(found: dict[str, Outcomes]) -> list[str]:
    """Return the faults that left something wrong."""
    return [f"{name}: {outcomes}" for name, outcomes in found.items() if outcomes.wrong]
