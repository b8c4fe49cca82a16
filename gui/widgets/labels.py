"""Labels that always show plain text, and the escaping of foreign text."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from core.units import format_age, utc_now
from gui import actions, theme
from gui.clock import follow_time
from gui.widgets.elide import elided_sentence

_AGE_HINT = f"When this was loaded. {actions.tip('refresh')}"
#: Unicode categories that are not displayed verbatim: control, format, surrogate, separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Longer words (keys, for example) are shortened in headings and texts, which cannot wrap them.
_LONGEST_WORD = 36


def shown(text: str, *, lines: bool = False) -> str:
    r"""Return foreign text with control and bidi characters escaped, for example `\u202e`.

    Args:
        text: the foreign text: a key, a tag, a message.
        lines: do not escape line breaks and tabs.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char, lines=lines) for char in text)


def tooltip(text: str) -> str:
    """Return foreign text for a tooltip, which would otherwise be read as HTML."""
    # Tooltips have no format: the tag makes the text HTML for certain, and escaping makes it plain.
    return f"<qt>{html.escape(shown(text, lines=True))}</qt>".replace("\n", "<br>")


def set_tooltip(widget: QWidget, text: str) -> None:
    """Set a foreign text as tooltip and accessible description.

    Without a description, screen readers would read the tooltip with its tags.
    """
    widget.setToolTip(tooltip(text) if text else "")
    plain = shown(text, lines=True)
    if plain != widget.accessibleDescription():  # each change is announced
        widget.setAccessibleDescription(plain)


def repolish(widget: QWidget) -> None:
    """Apply the style sheet again after a property has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def sentence(text: str) -> str:
    """Return a text that ends as a sentence does; those of databases often have no full stop."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", "…", ":", ";")) else f"{text}."


def elide_long(text: str) -> str:
    """Return a text whose very long words are shortened in the middle."""
    return " ".join(map(_short, text.split(" ")))


def _short(word: str) -> str:
    # Line breaks are part of the text's structure, not of a long word.
    if len(word) <= _LONGEST_WORD or "\n" in word:
        return word
    half = _LONGEST_WORD // 2 - 1
    return f"{word[:half]}…{word[-half:]}"


class _LiveLabel(QLabel):
    """A label in plain text that may follow the time."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._live: Callable[[], str] | None = None
        self._followed = False
        # By default a label interprets a text that looks like HTML, and even loads local images
        # from it.
        self.setTextFormat(Qt.TextFormat.PlainText)

    def _follow(self, text: Callable[[], str]) -> None:
        """Update the text every second while the label is visible, and when the zone changes."""
        self._live = text
        if not self._followed:
            self._followed = True
            follow_time(self, self._update_live)

    def _update_live(self) -> None:
        """Show the present text; implemented by subclasses."""


class Text(_LiveLabel):
    """A label in plain text; `tone` colours it."""

    def __init__(self, text: str = "", tone: str = "plain", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("tone", tone)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show `text` with its control characters escaped."""
        # A fixed text ends the updates of a former live text.
        self._live = None
        super().setText(shown(text, lines=True))

    def show_live(self, text: Callable[[], str]) -> None:
        """Show a text that depends on time or zone and is updated every second while visible."""
        self.setText(text())
        self._follow(text)

    def _update_live(self) -> None:
        if self._live is not None:
            self.show_live(self._live)

    def set_tone(self, tone: str) -> None:
        """Colour the text by `plain muted accent good danger warning`."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            repolish(self)


class Elided(Text):
    """A one-line label that elides its text; the tooltip has the complete text.

    Args:
        text: the complete text.
        tone: its colour, as in `Text.set_tone`.
        parent: the view.
        mode: where the text is elided, by default in the middle, since keys differ at their ends.
    """

    def __init__(
        self,
        text: str = "",
        tone: str = "plain",
        parent: QWidget | None = None,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
    ) -> None:
        super().__init__(text, tone, parent)
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        """Show `text`, elided to the width; line breaks in a name are escaped, too."""
        super().setText(shown(text))
        set_tooltip(self, text)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the size of the complete text."""
        # The hint that Qt stores is as wide as the minimum width that a former text needed.
        margins = self.contentsMargins()
        wide = self.fontMetrics().horizontalAdvance(self.text()) + 1
        return QSize(wide + margins.left() + margins.right(), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Allow any width down to a few characters."""
        return QSize(min(32, self.sizeHint().width()), super().sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the text that fits."""
        area = self.contentsRect()
        metrics = QFontMetrics(self.font())
        line = elided_sentence(self.text(), metrics, self._mode, area.width())
        if metrics.horizontalAdvance(line) > area.width():  # a part of the ellipsis would be shown
            return
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setFont(self.font())
        painter.drawText(area, self.alignment(), line)


class Pill(_LiveLabel):
    """A small rounded label: `neutral accent good danger warning`."""

    def __init__(
        self, text: str = "", tone: str = "neutral", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setFont(theme.text_font(theme.SMALL_SIZE))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setProperty("pill", tone)
        self.set(text)

    def set(self, text: str, tone: str | None = None, hint: str = "") -> None:
        """Show a text; an empty one hides the pill.

        Args:
            text: the text.
            tone: `neutral accent good danger warning`; None does not change it.
            hint: the tooltip.
        """
        self._live = None
        super().setText(shown(text))
        self._set_shown(bool(text))
        set_tooltip(self, hint)
        if tone is not None and self.property("pill") != tone:
            self.setProperty("pill", tone)
            repolish(self)
        self.updateGeometry()

    def show_live(self, text: Callable[[], str], tone: str | None = None, hint: str = "") -> None:
        """Show a text that depends on time or zone and is updated every second while visible."""
        self.set(text(), tone, hint)
        self._follow(text)

    def _update_live(self) -> None:
        if self._live is not None:
            super().setText(shown(self._live()))

    def width_with(self, text: str) -> int:
        """Return the width in pixels that the pill needs for a text."""
        metrics = self.fontMetrics()
        frame = super().sizeHint().width() - metrics.horizontalAdvance(self.text())
        return frame + metrics.horizontalAdvance(shown(text))

    def _set_shown(self, wanted: bool) -> None:
        if not wanted:
            self.hide()
        elif self.parentWidget() is not None:
            self.show()
        else:  # showing it now would make it a separate window
            self.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, on=False)


class AgePill(Pill):
    """The age of loaded content. It counts up, and shows when a refresh has failed.

    In a narrow bar it shows only the age, then nothing; after a failed refresh it always shows
    that the content is stale.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "neutral", parent)
        self._fetched: datetime | None = None
        self._failed = False
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_fetched(self, moment: datetime | None = None) -> None:
        """Set the time at which the content was loaded, by default now."""
        self._fetched, self._failed = moment or utc_now(), False
        self.show_live(partial(_fetched, self._fetched), "neutral", _AGE_HINT)

    def show_live(self, text: Callable[[], str], tone: str | None = None, hint: str = "") -> None:
        """Show a text that depends on time or zone, as much of it as fits."""
        super().show_live(text, tone, hint)
        if self.isVisible():
            self._update_live()

    def sizeHint(self) -> QSize:
        """Return the size of the complete text, regardless of the shown one."""
        return self._size_with(self._live() if self._live is not None else self.text())

    def minimumSizeHint(self) -> QSize:
        """Allow any width, since everything else in a bar is more important."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the text that fits."""
        super().resizeEvent(event)
        self._update_live()

    def _update_live(self) -> None:
        if self._live is None or self._fetched is None:
            return
        age = format_age(self._fetched)
        shorter = (f"{age} · stale", "stale") if self._failed else (age,)
        forms = (self._live(), *shorter)
        # Widths are rounded: by one pixel the layout may think that a text fits better than it
        # does.
        fitting = (form for form in forms if self._size_with(form).width() <= self.width() + 1)
        text = shown(next(fitting, ""))
        if text != self.text():
            QLabel.setText(self, text)
            # The style sheet's background would be painted without `paintEvent`, too.
            self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, bool(text))
            self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw no pill if no text fits."""
        if self.text():
            super().paintEvent(event)

    def _size_with(self, text: str) -> QSize:
        """Return the size of the pill with that text."""
        size = super().sizeHint()
        size.setWidth(self.width_with(text))
        return size

    def set_failed(self) -> None:
        """Show that the content could not be refreshed; nothing without content."""
        if self._fetched is not None:
            self._failed = True
            text = partial(_stale, self._fetched)
            self.show_live(text, "warning", f"The last refresh failed. {_AGE_HINT}")

    def clear_age(self) -> None:
        """Show nothing, since there is no content."""
        self._fetched = None
        self.set("")


def _fetched(moment: datetime) -> str:
    return f"loaded {format_age(moment)}"


def _stale(moment: datetime) -> str:
    return f"{format_age(moment)} · could not be refreshed"


def text_label(text: str = "", tone: str = "plain", *, wrap: bool = False) -> Text:
    """Return a label in the text font."""
    label = Text(text, tone)
    label.setWordWrap(wrap)
    return label


def muted_label(text: str = "", *, wrap: bool = False, small: bool = False) -> Text:
    """Return a muted label; `small` is 12 px."""
    label = text_label(text, "muted", wrap=wrap)
    if small:
        label.setFont(theme.text_font(12))
    return label


def heading(text: str = "") -> Text:
    """Return a bold label of 13 px."""
    label = Text(text)
    label.setFont(theme.bold_font())
    return label


def mono_label(text: str = "", tone: str = "plain", *, wrap: bool = False) -> Text:
    """Return a label for keys and code, whose text can be selected."""
    label = Text(text, tone)
    label.setFont(theme.mono_font())
    label.setWordWrap(wrap)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def mono_elided(text: str = "", tone: str = "plain") -> Elided:
    """Return a one-line label for keys that elides in the middle."""
    label = Elided(text, tone)
    label.setFont(theme.mono_font())
    return label


def figure(text: str = "") -> Text:
    """Return a big number: bold 20 px with tabular digits."""
    label = Text(text)
    label.setFont(theme.bold_font(theme.FIGURE_SIZE, tabular=True))
    return label


def number_label(text: str = "", tone: str = "plain", *, bold: bool = False) -> Text:
    """Return a right-aligned label with tabular digits."""
    label = Text(text, tone)
    weight = QFont.Weight.DemiBold if bold else QFont.Weight.Normal
    label.setFont(theme.text_font(weight=weight, tabular=True))
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label


def _visible(char: str, *, lines: bool) -> str:
    if lines and char in "\n\t":
        return char
    if unicodedata.category(char) not in _INVISIBLE:
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
