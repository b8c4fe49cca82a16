"""The right column: the queue of running and completed transfers."""

from __future__ import annotations

from collections import Counter
from functools import partial

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal, SignalInstance
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from core.model.objects import Verdict
from core.transfer.queue_values import BatchState, Priority
from core.transfer.values import State
from core.units import format_count, format_counted, format_duration, format_rate, format_size
from gui.context import Context
from gui.context.transfers import Batch
from gui.tabs.uploads.transfer_model import (
    PRIORITY_TEXTS,
    SIZE,
    TARGET,
    TransferModel,
    outcome_labels,
)
from gui.tasks.rates import effort, effort_left
from gui.widgets.buttons import (
    Button,
    button_menu,
    icon_button,
    link_button,
    plain_button,
    quiet_button,
)
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.free_space import mark_essential
from gui.widgets.labels import Elided
from gui.widgets.panel import Panel, row
from gui.widgets.table import choose_row, columns_of, make_tree

#: Transfers with up to this many files are shown expanded.
_OPEN_FILES = 50
#: Widths in pixels of size, progress (or reason), rate (up to `999.9 MB/s`) and state.
_WIDTHS = (92, 164, 112, 96)
#: Width in pixels below which the target is hidden (the tooltip of the name has it), and its share
#: of a wider queue.
_WIDE, _TARGET_PART = 940, 0.32
#: Width in pixels of a button that shows one of two texts, and below which two buttons are hidden.
_PAUSE_WIDTH, _NARROW_BUTTONS = 76, 560
#: Width in pixels below which sizes are hidden and reasons get less room.
_NARROW, _NARROW_PROGRESS = 640, 118
#: What the progress gets more, for `49,598 done, 402 skipped`, if so much is left for the name.
_MORE_PROGRESS, _NAME = 56, 220


class QueuePane(QWidget):
    """The queue with its buttons and totals.

    Signals:
        folder_wanted: the user wants to see where the files of a `Batch` are.
        hashes_wanted: the user wants to save the hash list of a `Batch`.
        limits_wanted: the user wants to change the limits.
    """

    folder_wanted = Signal(object)
    hashes_wanted = Signal(object)
    limits_wanted = Signal()

    def __init__(self, context: Context, empty: EmptyState) -> None:
        super().__init__()
        self._queue = context.transfers
        self._pausing: Batch | None = None  # the one whose button had the focus
        self.model = TransferModel(self._queue, self)
        self.tree = make_tree(
            self.model,
            "Queue of transfers",
            settings=context.settings,
            key="uploads/queue",
            header=True,
        )
        self._share_width(0)
        self._make_buttons()
        self._totals = Elided("", "muted", mode=Qt.TextElideMode.ElideRight)
        self._totals.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._view = Loadable(self.tree, empty)
        self._lay_out()
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._on_menu)
        self.tree.selectionModel().currentChanged.connect(self._on_change)
        self.tree.expanded.connect(self._on_expanded)
        self._queue.added.connect(self._on_added)
        for signal in (self._queue.removed, self._queue.moved, self._queue.updated):
            signal.connect(self._on_change)
        self.update_state()

    def _make_buttons(self) -> None:
        self.up = icon_button("chevron-up", "Run earlier", partial(self._move, -1))
        self.down = icon_button("chevron-down", "Run later", partial(self._move, 1))
        self.pause = plain_button("Pause", self._on_pause)
        self.pause.setMinimumWidth(_PAUSE_WIDTH)
        self.cancel = plain_button("Cancel", self._on_cancel)
        self.retry = plain_button("Retry failed", self._on_retry, icon_name="refresh")
        self.more = plain_button("More ▾", self._on_more)
        self.more.setAccessibleName("More actions")
        # The others are only in menus.
        self.pause_all = quiet_button("Pause all", lambda: self._queue.pause(self._queue.batches))
        self.resume_all = quiet_button(
            "Resume all", lambda: self._queue.resume(self._queue.batches)
        )
        self.folder = quiet_button("Open folder", partial(self._emit, self.folder_wanted))
        self.hashes = quiet_button("Save hash list…", partial(self._emit, self.hashes_wanted))
        self.clear = quiet_button("Clear finished", self._queue.clear_ended)
        self.priorities = {
            priority: quiet_button(text, partial(self._set_priority, priority))
            for priority, text in PRIORITY_TEXTS.items()
        }
        for button in self._in_menu:
            button.setParent(self)
            button.hide()
        self.limits = link_button("No limits", self.limits_wanted.emit)
        self.limits.set_hint("Limit the bandwidth and the number of requests at a time")

    @property
    def _in_menu(self) -> tuple[Button, ...]:
        priorities = tuple(self.priorities.values())
        return (
            *priorities, self.folder, self.hashes, self.pause_all, self.resume_all, self.clear
        )  # fmt: skip

    def _lay_out(self) -> None:
        actions = (self.up, self.down, self.pause, self.cancel, self.retry, self.more)
        panel = Panel("Queue", self._view, actions=actions)
        self._foot = row(self._totals, self.limits, margins=(12, 4, 12, 4))
        panel.add(self._foot)
        # The banner with the result of a transfer appears next to them, while they are read.
        mark_essential(panel.head, self._foot)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(panel)

    @property
    def chosen(self) -> Batch | None:
        """The transfer of the current row, else the first."""
        found = self.model.batch_at(self.tree.currentIndex())
        return found or (self.model.batches[0] if self.model.batches else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide or show columns and buttons according to the available width."""
        super().resizeEvent(event)
        width = event.size().width()
        self.tree.setColumnHidden(TARGET, width < _WIDE)
        self.tree.setColumnHidden(SIZE, width < _NARROW)
        for button in (self.up, self.down):  # they are in the menu, too
            button.setVisible(width >= _NARROW_BUTTONS)
        self._share_width(width)

    def show_limits(self, text: str) -> None:
        """Show the limits in force."""
        self.limits.setText(text)

    def _share_width(self, width: int) -> None:
        size, progress, rate, state = _WIDTHS
        target = max(int(width * _TARGET_PART), 300)
        left = width - sum(_WIDTHS) - (target if width >= _WIDE else 0) - _NAME
        progress = _NARROW_PROGRESS if width < _NARROW else progress
        progress += min(max(left, 0), _MORE_PROGRESS)
        columns_of(self.tree).fill_with_names(size, progress, rate, state, target)

    def _on_added(self, batch: Batch) -> None:
        """Select a new transfer; those of a former run of the program are closed."""
        if batch.loaded:
            place = self.model.index_of(batch)
            # A large transfer stays closed: thousands of rows would push others out of view.
            self.tree.setExpanded(place, len(batch.keys) <= _OPEN_FILES)
            choose_row(self.tree, place.row())
        self.update_state()

    def _on_expanded(self, place: QModelIndex) -> None:
        batch = self.model.batch_at(place)
        if batch is not None:
            self._queue.load(batch)

    def update_state(self) -> None:
        """Update the totals and buttons."""
        batches, chosen = self.model.batches, self.chosen
        buttons = (self.up, self.down, self.pause, self.cancel, self.retry, self.more)
        focused = next((button for button in buttons if button.hasFocus()), None)
        (self._view.show_view if batches else self._view.show_empty)()
        self._totals.setText(totals_text(batches))
        self._foot.setVisible(bool(batches))
        self._update_buttons(chosen)
        ended = any(not batch.active for batch in batches)
        self.clear.allow(ended, "No transfer has ended yet.")
        self.pause_all.allow(any(batch.continues for batch in batches), "Nothing is running.")
        self.resume_all.allow(any(map(_is_resumable, batches)), "No transfer is paused.")
        self.more.allow(bool(batches), "There are no transfers.")
        self._move_focus(focused, chosen)

    def _move_focus(self, focused: QWidget | None, chosen: Batch | None) -> None:
        """Focus the queue if the focused button is disabled now, which would focus any other one.

        While a transfer is being paused, *Pause* is disabled; then it becomes *Resume*.
        """
        if focused is not None and not focused.isEnabled():
            self.tree.setFocus(Qt.FocusReason.OtherFocusReason)
            self._pausing = chosen if focused is self.pause else None
        elif self._pausing is not chosen or (chosen is not None and _is_resumable(chosen)):
            if self._pausing is chosen is not None and self.tree.hasFocus():
                self.pause.setFocus(Qt.FocusReason.OtherFocusReason)
            self._pausing = None

    def _update_buttons(self, chosen: Batch | None) -> None:
        """Enable the actions for the chosen transfer."""
        active = chosen is not None and chosen.active and not chosen.stopping
        self.cancel.allow(active, "Nothing in this transfer is running.")
        resumable = chosen is not None and _is_resumable(chosen)
        self.pause.setText("Resume" if resumable else "Pause")
        self.pause.allow(
            resumable or (chosen is not None and chosen.continues),
            "Nothing in this transfer is running.",
        )
        again = chosen is not None and not chosen.active and chosen.stored and chosen.retry_count
        reason = (
            self._queue.reason_not_to_start(chosen)
            if again
            else "Nothing in this transfer has failed."
        )
        self.retry.allow(not reason, reason)
        self._update_order(chosen)
        download = chosen is not None and chosen.download
        self.folder.setText("Open folder" if download else "Show in Browser")
        self.folder.allow(chosen is not None, "There are no transfers.")
        done = chosen is not None and chosen.stored and chosen.counts[State.DONE] > 0
        self.hashes.allow(done, "No file of this transfer is complete.")

    def _update_order(self, chosen: Batch | None) -> None:
        """Enable the actions that change when the chosen transfer runs."""
        active = chosen is not None and chosen.active
        place, places = -1, range(0)
        if chosen is not None and active:
            place, places = self.model.batches.index(chosen), self._queue.same_priority(chosen)
        self.up.allow(place > places.start, "There is no transfer that runs before it.")
        self.down.allow(0 <= place < places.stop - 1, "There is no transfer that runs after it.")
        for priority, button in self.priorities.items():
            present = chosen is not None and chosen.priority is priority
            reason = "It already has this priority." if present else "The transfer has ended."
            button.allow(active and not present, reason)

    def _set_priority(self, priority: Priority) -> None:
        if self.chosen is not None:
            self._queue.set_priority(self.chosen, priority)

    def _on_change(self, *_what: object) -> None:
        self.update_state()

    def _emit(self, signal: SignalInstance) -> None:
        if self.chosen is not None:
            signal.emit(self.chosen)

    def _move(self, distance: int) -> None:
        if self.chosen is not None:
            self._queue.move(self.chosen, distance)

    def _on_pause(self) -> None:
        chosen = self.chosen
        if chosen is not None:
            (self._queue.resume if _is_resumable(chosen) else self._queue.pause)([chosen])

    def _on_cancel(self) -> None:
        if self.chosen is not None:
            self._queue.cancel(self.chosen)

    def _on_retry(self) -> None:
        if self.chosen is not None:
            self._queue.retry(self.chosen)

    def _on_more(self) -> None:
        below = self.more.mapToGlobal(self.more.rect().bottomLeft())
        where = self.tree.viewport().mapFromGlobal(below)
        button_menu(self.tree, where, [("", each) for each in (self.up, self.down, *self._in_menu)])

    def _on_menu(self, where: QPoint) -> None:
        first = (self.pause, self.cancel, self.retry, self.up, self.down)
        button_menu(self.tree, where, [("", each) for each in (*first, *self._in_menu)])


def _is_resumable(batch: Batch) -> bool:
    return batch.phase in {BatchState.PAUSED, BatchState.HELD}


def _effort_left(batch: Batch) -> float:
    """Return the effort that remains, also of a batch that waits for its turn."""
    if not batch.continues:
        return 0
    if batch.progress and batch.running:
        return effort_left(batch.progress)
    # In proportion: adding up the sizes of 50,000 files would take too long for each update.
    waiting = batch.counts[State.WAITING]
    return effort(batch.size * waiting / max(batch.planned, 1), waiting)


def totals_text(batches: list[Batch]) -> str:
    """Return one line for all transfers: files, bytes, speed, remaining time and failures."""
    files = sum(batch.planned for batch in batches)
    counts = sum((batch.counts for batch in batches), Counter[State]())
    done, planned = format_count(counts[State.DONE]), format_counted(files, "file")
    size = format_size(sum(batch.size for batch in batches))
    running = [batch for batch in batches if batch.running]
    speed = sum(batch.pace.speed for batch in running)
    text = f"{done} of {planned} · {size}"
    effort_speed = sum(batch.pace.effort_speed for batch in running)
    if effort_speed > 0:
        remaining = format_duration(sum(map(_effort_left, batches)) / effort_speed)
        text = f"{text} · {format_rate(speed)} · {remaining} left"
    outcomes = outcome_labels(counts, (State.SKIPPED, State.FAILED, State.CANCELLED))
    verdicts = sum((batch.verdict_counts for batch in batches), Counter[Verdict]())
    outcomes += [f"{format_count(verdicts[v])} {v.value}" for v in Verdict if verdicts[v]]
    return f"{text} · {' · '.join(outcomes)}" if outcomes else text
