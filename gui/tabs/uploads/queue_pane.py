"""The right column: the queue of running and completed transfers."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.model.objects import Verdict
from core.transfer.values import State
from core.units import format_count, format_duration, format_rate, format_size
from gui.context import Context
from gui.context.transfers import Batch
from gui.tabs.uploads.transfer_model import SIZE, TARGET, TransferModel, outcome_labels
from gui.widgets.buttons import button_menu, plain_button, quiet_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.free_space import mark_essential
from gui.widgets.labels import muted_label
from gui.widgets.panel import Panel
from gui.widgets.table import choose_row, columns_of, make_tree

#: Transfers with up to this many files are shown expanded.
_OPEN_FILES = 50
#: Widths in pixels of size, progress (or reason), rate (up to `999.9 MB/s`) and state.
_WIDTHS = (92, 164, 112, 96)
#: Width in pixels below which the target is hidden (the tooltip of the name has it), and its share
#: of a wider queue.
_WIDE, _TARGET_PART = 940, 0.32
#: Width in pixels below which sizes are hidden and reasons get less room.
_NARROW, _NARROW_PROGRESS = 640, 118


class QueuePane(QWidget):
    """The queue with its buttons and totals."""

    def __init__(self, context: Context, empty: EmptyState) -> None:
        super().__init__()
        self._queue = context.transfers
        self.model = TransferModel(self._queue, self)
        self.tree = make_tree(
            self.model,
            "Queue of transfers",
            settings=context.settings,
            key="uploads/queue",
            header=True,
        )
        self._share_width(0)
        self.cancel = plain_button("Cancel", self._on_cancel)
        self.retry = plain_button("Retry failed", self._on_retry, icon_name="refresh")
        self.clear = quiet_button("Clear finished", self._queue.clear_ended)
        self._totals = muted_label("")
        self._totals.setContentsMargins(12, 6, 12, 6)
        self._view = Loadable(self.tree, empty)
        panel = Panel("Queue", self._view, actions=(self.clear, self.retry, self.cancel))
        panel.add(self._totals)
        # The banner with the result of a transfer appears next to them, while they are read.
        mark_essential(panel.head, self._totals)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(panel)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._on_menu)
        self.tree.selectionModel().currentChanged.connect(self._on_change)
        self._queue.added.connect(self._on_added)
        for signal in (self._queue.removed, self._queue.moved, self._queue.updated):
            signal.connect(self._on_change)
        self.update_state()

    @property
    def chosen(self) -> Batch | None:
        """The transfer of the current row, else the newest."""
        found = self.model.batch_at(self.tree.currentIndex())
        return found or (self.model.batches[0] if self.model.batches else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide or show columns according to the available width."""
        super().resizeEvent(event)
        width = event.size().width()
        self.tree.setColumnHidden(TARGET, width < _WIDE)
        self.tree.setColumnHidden(SIZE, width < _NARROW)
        self._share_width(width)

    def _share_width(self, width: int) -> None:
        size, progress, rate, state = _WIDTHS
        progress = _NARROW_PROGRESS if width < _NARROW else progress
        target = max(int(width * _TARGET_PART), 300)
        columns_of(self.tree).fill_with_names(size, progress, rate, state, target)

    def _on_added(self, batch: Batch) -> None:
        """Select a new transfer."""
        place = self.model.index_of(batch)
        # A large transfer stays closed: thousands of rows would push other transfers out of view.
        self.tree.setExpanded(place, len(batch.keys) <= _OPEN_FILES)
        choose_row(self.tree, place.row())
        self.update_state()

    def update_state(self) -> None:
        """Update the totals and buttons."""
        batches, chosen = self.model.batches, self.chosen
        focused = any(button.hasFocus() for button in (self.cancel, self.retry, self.clear))
        (self._view.show_view if batches else self._view.show_empty)()
        self._totals.setText(_totals(batches))
        self._totals.setVisible(bool(batches))
        active = chosen is not None and chosen.active
        self.cancel.allow(active, "Nothing in this transfer is running.")
        again = chosen is not None and not active and chosen.retryable and chosen.retry_count > 0
        reason = (
            self._queue.reason_not_to_start(chosen)
            if again
            else "Nothing in this transfer has failed."
        )
        self.retry.allow(not reason, reason)
        ended = any(not batch.active for batch in batches)
        self.clear.allow(ended, "No transfer has ended yet.")
        if focused and not any(b.hasFocus() for b in (self.cancel, self.retry, self.clear)):
            # The pressed button is disabled now, and would pass the focus to any other widget.
            self.tree.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_change(self, *_what: object) -> None:
        self.update_state()

    def _on_cancel(self) -> None:
        if self.chosen is not None:
            self._queue.cancel(self.chosen)

    def _on_retry(self) -> None:
        if self.chosen is not None:
            self._queue.retry(self.chosen)

    def _on_menu(self, where: QPoint) -> None:
        button_menu(
            self.tree, where, [("", each) for each in (self.cancel, self.retry, self.clear)]
        )


def _totals(batches: list[Batch]) -> str:
    """Return one line for all transfers: files, bytes, speed, remaining time and failures."""
    files = sum(len(batch.keys) for batch in batches)
    counts = sum((batch.counts for batch in batches), Counter[State]())
    done, planned = format_count(counts[State.DONE]), format_count(files)
    size = format_size(sum(batch.size for batch in batches))
    running = [batch for batch in batches if batch.running]
    speed = sum(batch.pace.speed for batch in running)
    if running and speed > 0:
        left = sum((b.progress.total or 0) - b.progress.done for b in running if b.progress)
        remaining = format_duration(max(left, 0) / speed)
        text = f"{done} of {planned} files · {size} · {format_rate(speed)} · {remaining} left"
    else:
        text = f"{done} of {planned} files · {size}"
    outcomes = outcome_labels(counts, (State.SKIPPED, State.FAILED, State.CANCELLED))
    verdicts = sum((batch.verdicts for batch in batches), Counter[Verdict]())
    outcomes += [f"{format_count(verdicts[v])} {v.value}" for v in Verdict if verdicts[v]]
    return f"{text} · {' · '.join(outcomes)}" if outcomes else text
