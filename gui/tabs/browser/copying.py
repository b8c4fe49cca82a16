"""Copies, moves and renames objects and folders: plan, confirmation, result, undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QObject

from core.aws.clients import ClientFactory
from core.errors import InvalidInput
from core.model.connection import Connection
from core.objects.bucket import Bucket
from core.transfer.relocation import Relocation, keys_in_folder, plan_relocation
from core.transfer.values import IfExists, TransferReport
from core.units import format_counted, format_size
from core.work import Work
from gui import actions
from gui.dialogs.confirm import Confirm, ask
from gui.dialogs.name import NameDialog
from gui.tabs.base import Tab
from gui.tabs.browser.copying_dialog import CopyDialog, CopyTarget
from gui.tabs.browser.copying_texts import (
    problem_text,
    result_text,
    unanswered_texts,
    undone_texts,
)
from gui.tabs.browser.counting import summary_of
from gui.tabs.browser.folder_columns import Entries
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import Listing, common_folder, parent_of
from gui.tabs.browser.loading import Plan, plan_of
from gui.tabs.browser.undo_steps import NOT_KNOWN, Failed, UndoStep, UndoSteps
from gui.widgets.dialog import while_exists

if TYPE_CHECKING:  # imported with the engine's operation
    from core.transfer.moved import MovedObject, MoveReport
    from core.transfer.undo_move import UndoReport


@dataclass(frozen=True, slots=True)
class _Run:
    """One copy or move that was confirmed.

    Attributes:
        plan: the objects and their new keys.
        target: the place of the copies.
        move: whether the objects are removed afterwards.
        connection: that of the target.
        source: the bucket of the objects.
        source_connection: that of the objects; None if it is the same.
        folders: the selected folders, which disappear with their objects.
        renamed: whether it is a rename, whose target is the new key or prefix.
    """

    plan: Relocation
    target: CopyTarget
    move: bool
    connection: Connection
    source: str
    source_connection: Connection | None = None
    folders: tuple[str, ...] = ()
    renamed: bool = False

    @property
    def in_place(self) -> bool:
        """Whether the copies are in the same bucket."""
        return not self.target.profile and self.target.bucket == self.source

    def places(self) -> dict[str, Any]:
        """Return the arguments that name the bucket of the objects."""
        return {"source": self.source, "source_connection": self.source_connection}


class Copying(QObject):
    """Plans, runs and undoes copies and moves of the Browser."""

    def __init__(self, tab: Tab, folder: FolderPane, listing: Listing, steps: UndoSteps) -> None:
        super().__init__(tab)
        self._tab, self._folder, self._listing, self._steps = tab, folder, listing, steps
        self.dialog: CopyDialog | None = None
        self.name_dialog: NameDialog | None = None
        self.question: Confirm | None = None

    # Copy and move

    def ask(
        self, entries: Sequence[Entry], *, move: bool, folder: str | None = None
    ) -> CopyDialog | None:
        """Open and return the dialog for the selected objects and folders; None if nothing can be done.

        Args:
            entries: the selection; names below their common folder stay the same.
            move: whether they are moved.
            folder: the proposed target, by default the folder shown.
        """
        bucket, context = self._listing.bucket, self._tab.context
        if bucket is None or not entries or (move and context.read_only):
            return None  # the shortcut or the menu has already shown the reason
        self._tab.banner.clear()
        # All rows of a list are in the same folder, and there may be 200,000 of them.
        one_folder = isinstance(entries, Entries)
        keys = [entry.key for entry in (entries[:1] if one_folder else entries)]
        below = common_folder(keys)
        proposed = CopyTarget(bucket.name, below if folder is None else folder)
        dialog = CopyDialog(self._tab, proposed, move=move, locked=context.locked_reason)
        found = _Planner(bucket, entries, below, self._connection(), context.connections)
        dialog.plan_wanted.connect(partial(self._plan, dialog, found))
        dialog.confirmed.connect(partial(self._on_confirmed, dialog, found, move))
        self.dialog = dialog
        self._plan(dialog, found, dialog.target)
        self._tab.run(
            "List profiles", lambda _work: found.other_profiles(),
            while_exists(dialog, dialog.add_profiles), quiet=True,
        )  # fmt: skip
        dialog.open()
        return dialog

    def _plan(self, dialog: CopyDialog, planner: _Planner, target: CopyTarget) -> None:
        self._tab.run(
            "Plan a copy", lambda work: planner.plan(target, work),
            while_exists(dialog, partial(dialog.show_plan, target)),
            failed=while_exists(dialog, partial(dialog.show_problem, target)),
            latest="browser/copy", quiet=True,
        )  # fmt: skip

    def _on_confirmed(
        self,
        dialog: CopyDialog,
        planner: _Planner,
        move: bool,
        plan: Relocation,
        decision: IfExists,
    ) -> None:
        self._start(planner.run_of(plan, dialog.target, move=move), decision)

    def _start(self, run: _Run, decision: IfExists) -> None:
        operation = "transfer.move" if run.move else "transfer.copy"
        objects = format_counted(len(run.plan.keys), "object")
        place = f"s3://{run.target.bucket}/{run.target.folder}"
        self._tab.bulk(
            f"Move {objects}" if run.move else f"Copy {objects}", operation,
            {**run.plan.arguments(), **run.places(), "if_exists": decision.value},
            partial(self._on_done, run), stopped=partial(self._on_stopped, run),
            source=f"s3://{run.source}/{self._listing.prefix}",
            target=place, connection=run.connection, here=True,
        )  # fmt: skip
        size = format_size(run.plan.size)
        self._tab.banner.show_info(
            f"Moving {objects}, {size}, to {run.target.place}."
            if run.move
            else f"Copying {objects}, {size}, to {run.target.place}."
        )

    def _on_stopped(self, run: _Run, report: TransferReport | None) -> None:
        """Show what was done before a cancel; a move of it can be undone."""
        if report is None:  # the engine process had to be ended
            name = "The move" if run.move else "The copy"
            self._tab.banner.show_warning(f"{name} was cancelled.", NOT_KNOWN)
        else:
            self._on_done(run, report)

    def _on_done(self, run: _Run, report: TransferReport) -> None:
        self._tab.note_failures(report.failed)
        texts, why, undo = [result_text(run.target, report, move=run.move)], [], None
        if run.move:
            # The type of the report is imported with the engine's operation.
            moved = cast("MoveReport", report)
            undo = self._on_moved(run, moved)
            unanswered, advice = unanswered_texts(moved)
            texts.append(unanswered)
            why.append(advice)
        why.append(problem_text(report))
        text = " ".join(each for each in texts if each)
        if report.failed or report.cancelled:
            self._tab.banner.show_warning(text, " ".join(filter(None, why)), action=undo)
        else:
            self._tab.banner.show_good(text, action=undo or self._show_action(run))

    def _on_moved(self, run: _Run, report: MoveReport) -> tuple[str, Any] | None:
        """Show what was moved, and return the action that undoes it; None if nothing can be undone."""
        undoable = report.undoable
        self._steps.push(UndoStep(len(undoable), partial(self._undo, run, undoable)))
        complete = len(report.done) == report.planned
        gone = [each.key for each in report.moved]
        chosen = self._folder.selected
        # A folder with objects that were not moved still exists.
        self._folder.remove([*gone, *(run.folders if complete else ())])
        # The folder is listed again already, since the change was announced before.
        self._listing.select_remaining()
        # Else the next action would apply to another object; but what was selected since stays so.
        mine = not chosen or (len(chosen) == 1 and chosen[0].key in {*gone, *run.folders})
        if run.renamed and complete and mine:
            self._listing.select_later([run.target.folder])
        if report.unanswered:
            # Those that still exist are selected, without a message about the others.
            self._listing.select_later([each.key for each in report.unanswered])
        shown = self._listing.prefix
        moved_folder = next((each for each in run.folders if shown.startswith(each)), "")
        if moved_folder and complete and run.in_place:
            place = run.plan.new_prefix(moved_folder) + shown.removeprefix(moved_folder)
            self._listing.show(place)
        return (actions.tip("browser.undo", "Undo"), self._steps.undo) if undoable else None

    def _show_action(self, run: _Run) -> tuple[str, Any] | None:
        shown = run.target.folder == self._listing.prefix
        if not run.in_place or shown or not run.plan.targets:
            return None
        return ("Show them", lambda: self._listing.show(run.target.folder))

    def _undo(self, run: _Run, moved: Sequence[MovedObject], failed: Failed) -> None:
        self._tab.bulk(
            f"Move {format_counted(len(moved), 'object')} back", "transfer.undo_move",
            {"moved": list(moved), **run.places()}, self._on_undone,
            failed=failed, stopped=partial(self._on_undo_stopped, run, moved),
            connection=run.connection, here=True,
        )  # fmt: skip

    def _on_undo_stopped(self, run: _Run, moved: Sequence[MovedObject], _report: object) -> None:
        # All of them again: objects that were restored stay, and copies may be left to remove.
        self._steps.push(UndoStep(len(moved), partial(self._undo, run, moved)))
        self._tab.banner.show_warning(
            "The undo was cancelled. Some objects may exist under both keys.",
            "Undo again to complete it.",
            action=(actions.tip("browser.undo", "Undo"), self._steps.undo),
        )

    def _on_undone(self, report: UndoReport) -> None:
        self._listing.select_later((*report.restored, *report.present))
        text, why = undone_texts(report)
        if why:
            self._tab.banner.show_warning(text, why)
        else:
            self._tab.banner.show_good(text)

    def _connection(self) -> Connection:
        connection = self._tab.context.require_workspace().connection
        return replace(connection, unlocked=connection.unlocked and not self._tab.context.read_only)

    # Rename

    def rename(self, entries: Sequence[Entry]) -> None:
        """Prompt for the new name of one object or folder."""
        if self._listing.bucket is None or len(entries) != 1 or self._tab.context.read_only:
            return
        self._tab.banner.clear()
        (entry,) = entries
        name = entry.key.removeprefix(parent_of(entry.key)).removesuffix("/")
        text = (
            "S3 cannot rename: every object of the folder is copied to its new key, compared with "
            "its copy, and then removed."
            if entry.folder
            else "S3 cannot rename: the object is copied to its new key, compared with its copy, "
            "and then removed."
        )
        self.name_dialog = NameDialog(
            self._tab, "New name", text, partial(self._plan_rename, entry, name),
            button="Rename", given=name, file=not entry.folder,
        )  # fmt: skip
        self.name_dialog.open()

    def _plan_rename(self, entry: Entry, old: str, new: str) -> None:
        bucket = self._listing.bucket
        if bucket is None or new == old:
            return
        parent = parent_of(entry.key)
        target = parent + new + ("/" if entry.folder else "")
        planner = _Planner(
            bucket, [entry], entry.key, self._connection(), self._tab.context.connections
        )
        # Names below a folder stay; a single object has no name below its own key.
        self._tab.run(
            f"Plan to rename {old}",
            lambda work: planner.plan(CopyTarget(bucket.name, target), work),
            partial(self._on_rename_planned, planner, CopyTarget(bucket.name, target)),
            latest="browser/copy", quiet=True,
        )  # fmt: skip

    def _on_rename_planned(self, planner: _Planner, target: CopyTarget, plan: Relocation) -> None:
        if plan.existing:
            key = plan.targets[plan.existing[0]]
            error = InvalidInput(
                f"{key} already exists",
                cause="A rename never replaces an object.",
                remedy="Choose another name, or delete the other object first.",
                subject=key,
            )
            self._tab.show_error(error)
            return
        run = replace(planner.run_of(plan, target, move=True), renamed=True)
        if len(plan.keys) == 1:
            self._start(run, IfExists.SKIP)
            return
        objects, size = format_counted(len(plan.keys), "object"), format_size(plan.size)
        self.question = ask(
            self._tab, f"Rename a folder with {objects}?",
            f"{size} are copied by the server, {plan.price_text}. Each object is removed only after its copy was compared with it.",
            lambda: self._start(run, IfExists.SKIP), names=plan.keys, button="Rename",
        )  # fmt: skip


class _Planner:
    """Plans the copies of one selection; it runs in worker threads, its objects are listed once."""

    def __init__(
        self,
        bucket: Bucket,
        entries: Sequence[Entry],
        below: str,
        connection: Connection,
        connections: Any,
    ) -> None:
        self._bucket, self._below = bucket, below
        self._entries, self._folders = entries, tuple(summary_of(entries)[1])
        self._connection, self._connections = connection, connections
        self._objects: Plan | None = None
        self._targets: dict[str, Connection] = {}

    def other_profiles(self) -> tuple[str, ...]:
        """Return the names of the stored profiles except the present one."""
        present = self._connection.profile.name
        found = (each.name for each in self._connections.profiles.list())
        return tuple(name for name in found if name != present)

    def plan(self, target: CopyTarget, work: Work) -> Relocation:
        """Return the plan for a target.

        Raises:
            StorageError: the objects or the target cannot be listed, or the plan is impossible.
        """
        objects = self._objects
        if objects is None:
            # Here, since creating 200,000 rows would block the window for a second.
            rows = [entry.row for entry in self._entries if entry.row]
            objects = self._objects = plan_of(self._bucket, rows, self._folders, work)
        if not target.profile:
            return self._relocation(
                objects, Bucket(self._bucket.clients, target.bucket), target, work
            )
        connection = self._connections.connect(target.profile)
        if connection.read_only:
            raise InvalidInput(
                f"The profile {target.profile} does not allow changes",
                cause="It is a production profile, which is only unlocked while it is in use.",
                remedy="Switch to it, unlock it, and copy from there; or choose another target.",
                subject=target.profile,
            )
        self._targets[target.profile] = connection
        clients = ClientFactory(connection)
        try:
            return self._relocation(objects, Bucket(clients, target.bucket), target, work)
        finally:
            clients.close()

    def _relocation(
        self, objects: Plan, bucket: Bucket, target: CopyTarget, work: Work
    ) -> Relocation:
        return plan_relocation(
            self._bucket,
            bucket,
            work,
            keys=objects.keys,
            targets=keys_in_folder(objects.keys, self._below, target.folder),
            sizes=objects.sizes,
            etags=objects.etags,
        )

    def run_of(self, plan: Relocation, target: CopyTarget, *, move: bool) -> _Run:
        """Return the run of a plan that was made for this target."""
        connection = self._targets[target.profile] if target.profile else self._connection
        profile = replace(connection.profile, bucket=target.bucket)
        return _Run(
            plan, target, move, replace(connection, profile=profile), self._bucket.name,
            self._connection if target.profile else None, self._folders,
        )  # fmt: skip
