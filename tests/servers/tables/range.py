"""A table and its backup, which are restored to their state after each fault."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.cut_proxy import CutProxy
from helpers.folder_store import FolderStore
from servers.tables.sites import Site

from core.backup.listing import backups_in
from core.backup.orphans import orphan_parts
from core.backup.verify import verify_of
from core.model.backup import Backup, BackupState
from core.work import Work

#: What the target may be after a round, and what a backup may be.
UNCHANGED, RESTORED, ABSENT, COMPLETE = "unchanged", "restored", "absent", "complete"


class WrongError(AssertionError):
    """A round left something wrong."""


class Worker:
    """The process of `table_worker`."""

    def __init__(self) -> None:
        environment = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": "/usr/bin:/bin"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "servers.tables.worker"], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one operation, and return its result; `ended` is the exit code of the child."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        result: dict[str, Any] = {"error": "", "former": ""}
        while "ended" not in result:
            result |= json.loads(self._process.stdout.readline())
        if "crash" in result:
            raise WrongError(result["crash"])
        return result

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class Range:
    """A site with a backup of its table, and the operations that are disturbed."""

    def __init__(self, site: Site, folder: Path, worker: Worker, draw: random.Random) -> None:
        self.site, self.folder, self.worker, self.draw = site, folder, worker, draw
        self.store, self.home = FolderStore(folder / "store"), folder / "home"
        self.store.folder.mkdir()
        self.steps: dict[str, dict[str, Any]] = {}
        #: The former table that an undo puts back, or that is removed.
        self.former = ""
        #: The number of the present round of a fault, the number of its rounds, and their steps.
        self.round, self.rounds, self.taken = 0, 1, tuple[str, ...]()
        self._run("backup")
        (self.backup,) = backups_in(self.store, None, Work())
        site.change()
        self._measure()
        # After an undo: SQLite writes names in definitions with quotes then.
        self.before = site.everything()

    def _measure(self) -> None:
        """Run both operations without a fault, which counts their steps."""
        self.steps["backup"] = self._run("backup")
        for extra in self._others():
            self._remove(extra)
        self.steps["restore"] = self._run("restore")
        self.site.undo(self.steps["restore"]["former"])

    def disturbed(self, operation: str, fault: str = "", kind: str = "steps") -> dict[str, Any]:
        """Run an operation with a fault at a random step."""
        return self._run(operation, fault, self._step(int(self.steps[operation][kind])))

    def _step(self, total: int) -> int:
        """Return a random step in the present round's share of all steps, and record it."""
        number = min(total, int((self.round + self.draw.random()) / self.rounds * total) + 1)
        self.taken = (*self.taken, f"{number}/{total}")
        return number

    def _run(
        self,
        operation: str,
        fault: str = "",
        at: int = 0,
        action: Callable[[CutProxy], None] | None = None,
    ) -> dict[str, Any]:
        request = {
            "operation": operation, "url": self.site.address.url, "password": self.site.password,
            "store": str(self.store.folder), "home": str(self.home), "fault": fault, "at": at,
            "backup": getattr(self, "backup", None) and self.backup.id, "former": self.former,
        }  # fmt: skip
        if not self.site.is_server:
            return self.worker.run(request)
        port = int(self.site.address.url.rpartition(":")[2].partition("/")[0])
        with CutProxy(port, at, action) as proxy:
            result = self.worker.run(request | {"url": self.site.url(proxy.port)})
            return result | {"blocks": proxy.blocks}

    def interrupted(self, operation: str, action: Callable[[CutProxy], None]) -> dict[str, Any]:
        """Run an operation with an action before a random block that is sent to the server."""
        return self._run(
            operation, at=self._step(int(self.steps[operation]["blocks"])), action=action
        )

    def plain(self, operation: str) -> dict[str, Any]:
        """Run an operation without a fault at a step."""
        return self._run(operation)

    def require_unchanged(self) -> None:
        """Compare the target with its state before the round."""
        if self.site.everything() != self.before:
            raise WrongError("the target was changed")

    def judge(self, operation: str, result: dict[str, Any]) -> str:
        """Return how a round ended, and put the site back to its state before it."""
        self.site.recover()
        if operation == "restore":
            return self._judge_restore(result)
        return self._judge_backup(result)

    def _judge_restore(self, result: dict[str, Any]) -> str:
        outcome, former = UNCHANGED, self.site.former()
        if former:
            if self.site.texts() != ["backed up"]:
                raise WrongError(
                    "there is a former table, but the rows are not those of the backup"
                )
            outcome = RESTORED
            self.site.undo(former)
        elif not result["error"] and result["ended"] == 0:
            raise WrongError("a success was reported, but nothing was restored")
        self.require_unchanged()
        self.require_true_list()
        return outcome

    def _judge_backup(self, result: dict[str, Any]) -> str:
        self.require_unchanged()
        made = self._others()
        if not made and not result["error"] and result["ended"] == 0:
            raise WrongError("a success was reported, but no backup is listed")
        for one in made:
            if not verify_of(self.store, one, Work()).good:
                raise WrongError("an incomplete backup is listed as complete")
            self._remove(one)
        if self.plain("backup")["error"]:
            raise WrongError("the next backup fails")
        if orphan_parts(self.store, Work()):
            raise WrongError("parts remain after the next backup")
        for one in self._others():
            self._remove(one)
        self.require_true_list()
        return COMPLETE if made else ABSENT

    def reset(self) -> None:
        """Undo what a round left, so that the next one is judged by itself."""
        self.site.recover()
        while former := self.site.former():
            self.site.undo(former)
        for one in self._others():
            self._remove(one)
        self.before = self.site.everything()

    def require_true_list(self) -> None:
        """Check that the list has the first backup only, and that it is intact."""
        (listed,) = backups_in(self.store, None, Work())
        if (listed.state, listed.rows) != (BackupState.COMPLETE, self.backup.rows):
            raise WrongError(f"the list shows {listed}")

    def _others(self) -> list[Backup]:
        found = backups_in(self.store, None, Work())
        return [one for one in found if one.id != self.backup.id]

    def _remove(self, backup: Backup) -> None:
        prefix = backup.key.rpartition("/")[0]
        self.store.delete([one.key for one in self.store.list(prefix, work=Work())], work=Work())

    @contextmanager
    def harmed(self, path: Path, change: Callable[[bytes], bytes | None]) -> Iterator[None]:
        """Change or remove a file inside the block."""
        data = path.read_bytes()
        changed = change(data)
        path.unlink() if changed is None else path.write_bytes(changed)
        try:
            yield
        finally:
            path.write_bytes(data)

    @property
    def manifest(self) -> Path:
        """The file of the manifest."""
        return self.store.folder / self.backup.key

    @property
    def part(self) -> Path:
        """One of the parts."""
        found = sorted(path for path in self.manifest.parent.iterdir() if path.suffix == ".zst")
        return self.draw.choice(found)

    def flipped(self, data: bytes) -> bytes:
        """Return data with one other bit."""
        at = self.draw.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << self.draw.randrange(8)]) + data[at + 1 :]
