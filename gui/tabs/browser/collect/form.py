"""The form of a range: kind, names, timeframe and dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from core.collect.request import COLLECTED, day_text
from core.layout.kinds import kind
from core.layout.parsing import kind_of, parse
from core.units import utc_now
from gui.widgets.fields import combo_box, line_edit
from gui.widgets.labels import muted_label

_TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d")
_NAMES = {"symbol": "Symbols", "user_id": "Users", "report_type": "Report types"}
#: Width of a date in pixels.
_DATE_WIDTH = 112


@dataclass(frozen=True, slots=True)
class Range:
    """The content of the form, as the operations take it."""

    kind: str
    names: tuple[str, ...]
    timeframe: str
    start: str
    end: str

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments of `collect.plan` and `collect.run`."""
        return {
            "kind": self.kind, "names": list(self.names), "timeframe": self.timeframe,
            "start": self.start, "end": self.end,
        }  # fmt: skip

    @property
    def title(self) -> str:
        """A text such as `OHLCV candles of BTC-USD, 1h, 2024-01-01 to 2024-01-31`."""
        parts = (", ".join(self.names), self.timeframe, f"{self.start} to {self.end}")
        return f"{kind(self.kind).title} of {', '.join(part for part in parts if part)}"


class RangeForm(QWidget):
    """Fields for a range.

    Signals:
        edited: the user has changed a field.
        submitted: Enter was pressed in a field.
    """

    edited = Signal()
    submitted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = combo_box("Kind of data")
        for each in COLLECTED:
            self.kind.addItem(kind(each).title, each)
        self.names = line_edit("Symbols", "BTC-USD, ETH-* …")
        self.timeframe = combo_box("Timeframe")
        self.timeframe.setEditable(True)
        if (edit := self.timeframe.lineEdit()) is not None:
            edit.setAccessibleName("Timeframe")  # else screen readers announce only a text field
        self.timeframe.addItems(_TIMEFRAMES)
        self.timeframe.setCurrentText("1h")
        self.start = line_edit("First day or time", "2024-01-01")
        self.end = line_edit("Last day, or time before which it ends", "2024-01-31")
        today = utc_now()
        self.start.setText(day_text(today - timedelta(days=30)))
        self.end.setText(day_text(today))
        self._labels = [
            muted_label(text, small=True)
            for text in ("Kind", "Symbols", "Timeframe", "From (UTC)", "To (UTC)")
        ]
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.timeframe.currentTextChanged.connect(lambda _text: self.edited.emit())
        for field in (self.names, self.start, self.end):
            field.textEdited.connect(lambda _text: self.edited.emit())
            field.returnPressed.connect(self.submitted)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        fields = (self.kind, self.names, self.timeframe, self.start, self.end)
        for column, (label, field) in enumerate(zip(self._labels, fields, strict=True)):
            label.setBuddy(field)
            grid.addWidget(label, 0, column)
            grid.addWidget(field, 1, column)
        for field in (self.start, self.end):
            field.setMinimumWidth(_DATE_WIDTH)
        for column, stretch in enumerate((2, 5, 1, 2, 2)):
            grid.setColumnStretch(column, stretch)

    @property
    def range(self) -> Range:
        """What the fields contain."""
        names = tuple(part.strip() for part in self.names.text().split(",") if part.strip())
        timeframe = self.timeframe.currentText().strip() if self._has_timeframe() else ""
        return Range(
            str(self.kind.currentData()), names, timeframe,
            self.start.text().strip(), self.end.text().strip(),
        )  # fmt: skip

    @property
    def reason(self) -> str:
        """Why the range cannot be planned yet; empty if it can."""
        found = self.range
        if not found.names:
            return f"Enter {self._labels[1].text().lower()}, separated by commas."
        if not (found.start and found.end):
            return "Enter the first and the last day."
        return "" if found.timeframe or not self._has_timeframe() else "Enter a timeframe."

    def show_place(self, place: str) -> None:
        """Fill the form from a key or prefix: its kind, name and timeframe, and its day or month."""
        kind_id = kind_of(place)
        if kind_id not in COLLECTED:
            return
        with QSignalBlocker(self.kind):
            self.kind.setCurrentIndex(COLLECTED.index(kind_id))
        self._on_kind()
        parsed = parse(place)
        parts = place.split("/")
        at = 1 if kind_id in {"user_trades", "portfolio", "analytics"} else 2
        if len(parts) > at and parts[at]:
            self.names.setText(parts[at])
        if kind_id == "ohlcv" and len(parts) > at + 1 and parts[at + 1]:
            self.timeframe.setCurrentText(parts[at + 1])
        if parsed is not None:
            self.show_days(parsed.moment, parsed.moment)
        elif (span := _span(parts)) is not None:
            self.show_days(*span)
        self.edited.emit()

    def show_days(self, first: datetime, last: datetime) -> None:
        """Fill the days of the range."""
        self.start.setText(day_text(first))
        self.end.setText(day_text(last))

    def _has_timeframe(self) -> bool:
        return "timeframe" in kind(str(self.kind.currentData())).names

    def _on_kind(self) -> None:
        found = kind(str(self.kind.currentData()))
        name = _NAMES[found.names[0]]
        self._labels[1].setText(name)
        self.names.setAccessibleName(name)
        for widget in (self._labels[2], self.timeframe):
            widget.setVisible(self._has_timeframe())
        self.edited.emit()


def _span(parts: list[str]) -> tuple[datetime, datetime] | None:
    """Return the first and last day of the year, month or day that the parts of a prefix name."""
    numbers = [int(part) for part in parts if part.isdecimal() and part.isascii()][:3]
    try:
        if not numbers or numbers[0] < 1000:
            return None
        year, month, day = [*numbers, 0, 0][:3]
        first = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            return first, first
        following = datetime(
            year + (month in {0, 12}), 1 if month in {0, 12} else month + 1, 1, tzinfo=UTC
        )
        return first, following - timedelta(days=1)
    except ValueError:
        return None
