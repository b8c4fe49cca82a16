"""What is asked of a link: which objects, for what, for how long; and how long it really lives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QSpinBox, QVBoxLayout, QWidget

from core.objects.presign import Life
from core.units import format_moment, utc_now
from gui import theme
from gui.widgets.buttons import primary_button
from gui.widgets.fields import combo_box, inset
from gui.widgets.labels import heading, muted_label, text_label
from gui.widgets.panel import row
from gui.widgets.segmented import Segmented

#: Title and seconds; the last one lets the user type hours.
LIVES: tuple[tuple[str, int], ...] = (
    ("1 hour", 3600),
    ("12 hours", 43200),
    ("1 day", 86400),
    ("7 days (the most S3 allows)", 604800),
    ("Other…", 0),
)
_HOURS_MOST = 24 * 7


class LinkForm(QWidget):
    """The left column of the tab.

    Signals:
        life_changed: another life was chosen; seconds.
        wanted: the user asks for the links.
    """

    life_changed = Signal(int)
    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.keys = QPlainTextEdit()
        self.keys.setFont(theme.mono_font())
        self.keys.setPlaceholderText("One key a line, for example\nanalytics/daily/report.json")
        self.keys.setAccessibleName("Keys of the objects")
        self.keys.setTabChangesFocus(True)
        self.keys.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.purpose = Segmented((("GET", "Download"), ("PUT", "Let somebody upload")))
        self.life = combo_box("How long the links live")
        self.life.addItems([title for title, _ in LIVES])
        self.hours = inset(QSpinBox())
        self.hours.setRange(1, _HOURS_MOST)
        self.hours.setValue(48)
        self.hours.setSuffix(" hours")
        self.hours.setAccessibleName("Hours")
        self.hours.setToolTip("S3 allows 7 days (168 hours) at most.")
        self._asked = text_label("")
        self._real = text_label("", "muted", wrap=True)
        self._hint = muted_label("", wrap=True, small=True)
        self.make = primary_button("Make links", self.wanted.emit)
        self._lay_out()
        self.life.currentIndexChanged.connect(self._on_life)
        self.hours.valueChanged.connect(self._on_life)
        self.purpose.selected.connect(self._on_purpose)
        self.keys.textChanged.connect(self._on_keys)
        self._on_purpose("GET")
        self._on_life()
        self._on_keys()

    @property
    def seconds(self) -> int:
        """The life asked for."""
        return LIVES[self.life.currentIndex()][1] or self.hours.value() * 3600

    @property
    def chosen_keys(self) -> list[str]:
        """The keys, one a line; blank lines do not count, blanks inside a key do."""
        return [line for line in self.keys.toPlainText().split("\n") if line.strip()]

    def set_keys(self, keys: Sequence[str]) -> None:
        """Fill in the keys, for example those selected in the browser."""
        self.keys.setPlainText("\n".join(keys))

    def show_real(self, life: Life) -> None:
        """Show when a link made now would really end, and why if that is earlier than asked."""
        self._real.show_live(partial(_real_end, life, self.seconds))
        self._real.set_tone("warning" if life.limited_by else "muted")

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 12, 12, 12)
        box.setSpacing(8)
        box.addWidget(heading("Objects"))
        box.addWidget(self.keys, 1)
        box.addWidget(heading("For"))
        box.addWidget(self.purpose)
        box.addWidget(self._hint)
        box.addWidget(heading("Life"))
        box.addWidget(row(self.life, self.hours))
        box.addWidget(self._asked)
        box.addWidget(self._real)
        box.addWidget(self.make)

    def _on_life(self, *_changed: object) -> None:
        self.hours.setVisible(LIVES[self.life.currentIndex()][1] == 0)
        self._asked.setText(f"Asked for: {_spoken(self.seconds)}.")
        self.life_changed.emit(self.seconds)

    def _on_purpose(self, purpose: str) -> None:
        self._hint.setText(
            "Anyone with the URL can read the object until it expires."
            if purpose == "GET"
            else "Anyone with the URL can write, and overwrite, this key until it expires."
        )

    def _on_keys(self) -> None:
        count = len(self.chosen_keys)
        self.make.setText(f"Make {count} links" if count > 1 else "Make link")
        self.make.allow(count > 0, "Name at least one object first.")


def _spoken(seconds: int) -> str:
    hours = seconds // 3600
    if hours % 24 == 0:
        return "1 day" if hours == 24 else f"{hours // 24} days"
    return "1 hour" if hours == 1 else f"{hours} hours"


def _real_end(life: Life, seconds: int) -> str:
    """Return when a link made at this moment would end; an end of the keys stands still."""
    ends = life.expires_at if life.limited_by else utc_now() + timedelta(seconds=seconds)
    when = format_moment(ends)
    text = f"Really ends {when}" if life.known else f"End unknown: at most {when}"
    return f"{text}: {life.limited_by}." if life.limited_by else f"{text}."
