"""Order books over time: a heat map, the book at one moment, and a replay."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QStackedWidget, QVBoxLayout, QWidget

from core.preview import BookHistory, Problem
from core.preview.series import micros_of
from core.units import format_moment
from gui import theme
from gui.views.depth_chart import DepthChart
from gui.views.depth_view import make_ladder, spread_of
from gui.views.heat_chart import HeatChart
from gui.views.ladder_model import LadderModel
from gui.widgets.buttons import icon_button
from gui.widgets.fields import combo_box
from gui.widgets.labels import Elided, Text, muted_label
from gui.widgets.panel import rule
from gui.widgets.segmented import Segmented

#: Order books per second.
SPEEDS = (1, 2, 5, 10, 30)
_USUAL_SPEED = 5


class ReplayView(QWidget):
    """A heat map with a crosshair, the book under it, and play, seek and speed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: BookHistory | None = None
        self.heat = HeatChart()
        self.heat.pointed.connect(self._on_pointed)
        self.depth_chart = DepthChart()
        self.model = LadderModel(self)
        self.ladder = make_ladder(self.model)
        self._book = QStackedWidget()
        self._book.addWidget(self.depth_chart)
        self._book.addWidget(self.ladder)
        self.form = Segmented(("Depth", "Ladder"), name="How the order book is shown")
        self.form.selected.connect(self._on_form)
        self._make_controls()
        self._lay_out()
        self.setFocusProxy(self.heat)

    def _make_controls(self) -> None:
        self.timer = QTimer(self)
        self.timer.timeout.connect(self._on_tick)
        self.play_button = icon_button("play", "Play", self.toggle)
        self.seek = QSlider(Qt.Orientation.Horizontal)
        self.seek.setAccessibleName("Position in time")
        self.seek.valueChanged.connect(self._on_seek)
        self.speed = combo_box("Order books per second")
        for speed in SPEEDS:
            self.speed.addItem(f"{speed} / s", speed)
        self.speed.setCurrentIndex(SPEEDS.index(_USUAL_SPEED))
        self.speed.currentIndexChanged.connect(self._on_speed)
        self.when = _Moment(tone="muted")
        self.spread = Text()
        self.spread.setFont(theme.bold_font(tabular=True))

    def _lay_out(self) -> None:
        controls = QHBoxLayout()
        controls.setContentsMargins(12, 4, 12, 4)
        controls.setSpacing(8)
        for part in (self.play_button, self.seek, self.speed):
            controls.addWidget(part)
        facts = QHBoxLayout()
        facts.setContentsMargins(12, 4, 12, 4)
        facts.setSpacing(8)
        facts.addWidget(muted_label("Spread"))
        facts.addWidget(self.spread)
        facts.addWidget(self.when, 1)
        facts.addWidget(self.form)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.heat, 3)
        box.addLayout(controls)
        box.addWidget(rule())
        box.addLayout(facts)
        box.addWidget(self._book, 2)

    def show_content(self, history: BookHistory) -> None:
        """Show other order books, the first one below the map."""
        self.stop()
        self._history = history
        self.seek.blockSignals(True)  # noqa: FBT003 - Qt's own
        self.seek.setRange(0, len(history.books) - 1)
        self.seek.blockSignals(False)  # noqa: FBT003 - Qt's own
        self.heat.show_history(history)
        self.heat.point_at(0)

    def go_to(self, problem: Problem) -> None:
        """Move to the order book at the time of a problem."""
        if problem.start is not None and self._history is not None:
            times = self._history.times
            self.heat.point_at(int(times.searchsorted(micros_of(problem.start))))

    @property
    def playing(self) -> bool:
        """Whether the replay runs."""
        return self.timer.isActive()

    def toggle(self) -> None:
        """Play from the crosshair, from the beginning at the end, or pause."""
        if self.playing:
            self.stop()
        elif self._history is not None:
            if self.heat.at >= len(self._history.books) - 1:
                self.heat.point_at(0)
            self.timer.start(self._interval())
            self._show_state("pause", "Pause")

    def stop(self) -> None:
        """Pause the replay."""
        self.timer.stop()
        self._show_state("play", "Play")

    def hideEvent(self, event: QHideEvent) -> None:
        """Pause while another representation is shown."""
        self.stop()
        super().hideEvent(event)

    def _show_state(self, icon_name: str, text: str) -> None:
        self.play_button.set_icon(icon_name, "muted")
        self.play_button.setAccessibleName(text)
        self.play_button.set_hint(text)

    def _interval(self) -> int:
        return 1000 // int(self.speed.currentData())

    def _on_speed(self) -> None:
        if self.playing:
            self.timer.start(self._interval())

    def _on_tick(self) -> None:
        if self._history is None or self.heat.at >= len(self._history.books) - 1:
            self.stop()
        else:
            self.heat.point_at(self.heat.at + 1)

    def _on_seek(self, at: int) -> None:
        if at != self.heat.at:
            self.heat.point_at(at)

    def _on_form(self, form: str) -> None:
        self._book.setCurrentWidget(self.ladder if form == "Ladder" else self.depth_chart)

    def _on_pointed(self, at: int) -> None:
        if self._history is None or at < 0:
            return
        book = self._history.books[at]
        self.seek.setValue(at)
        self.depth_chart.show_book(book)
        self.model.set_book(book)
        self.spread.setText(spread_of(book))
        when = book.when
        self.when.show_live(lambda: "" if when is None else format_moment(when))


class _Moment(Elided):
    """The time of an order book, if there is room for all of it: the crosshair shows it, too."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the complete text, or none."""
        if self.fontMetrics().horizontalAdvance(self.text()) <= self.contentsRect().width():
            super().paintEvent(event)
