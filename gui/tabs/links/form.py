"""The form for new links: objects, purpose and duration, and when a link would really expire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QTextOption
from PySide6.QtWidgets import QPlainTextEdit, QSpinBox, QVBoxLayout, QWidget

from core.links.make import FORM, expiry_text
from core.objects.presign import Lifetime
from core.units import format_count, format_counted, utc_now
from gui import theme
from gui.tabs.links.options_dialog import LinkChoices
from gui.widgets.buttons import link_button, primary_button
from gui.widgets.fields import combo_box, inset
from gui.widgets.fitted import FittedText
from gui.widgets.labels import heading, muted_label, shown, text_label
from gui.widgets.panel import row
from gui.widgets.segmented import Segmented

#: Title and seconds of each duration; the last entry lets the user type hours.
DURATIONS: tuple[tuple[str, int], ...] = (
    ("1 hour", 3600),
    ("12 hours", 43200),
    ("1 day", 86400),
    ("7 days (maximum)", 604800),
    ("Other…", 0),
)
#: S3 accepts signed URLs (Signature Version 4) for at most seven days.
_HOURS_MOST = 24 * 7
#: Milliseconds without a key press after which the objects are checked, and how many are named.
_TYPING_MS, _NAMED = 500, 3
#: What the receiver of a link of each purpose can do.
_HINTS = {
    "GET": "Anyone with the URL can read the object until it expires.",
    "PUT": "Anyone with the URL can write to this key and overwrite its object until it expires.",
    FORM: (
        "Anyone with the form can upload files with a browser until it expires, also over existing "
        "objects. Below a prefix (with a slash at the end) each file has its own name."
    ),
}


class LinkForm(QWidget):
    """The left column of the tab, in which links are described.

    Signals:
        life_changed: another duration was selected; in seconds.
        wanted: the user wants to create the links.
        check_wanted: the keys or the purpose changed, so check again whether the objects exist.
        options_wanted: the user wants to change the options.
    """

    life_changed = Signal(int)
    wanted = Signal()
    check_wanted = Signal()
    options_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.keys = _keys_editor()
        # The keys that another tab has sent, and the text of the editor for them.
        self._given: tuple[str, ...] = ()
        self._given_text = ""
        self.purpose = Segmented(
            (("GET", "Download"), ("PUT", "Upload"), (FORM, "Form")), name="Purpose", flush=True
        )
        self.choices = LinkChoices()
        self.options = link_button("Options…", self.options_wanted.emit)
        self._chosen = muted_label("", wrap=True, small=True)
        self.life = combo_box("Expires after")
        self.life.addItems([title for title, _ in DURATIONS])
        self.hours = _hours_field()
        self._requested = text_label("")
        self._real = text_label("", "muted", wrap=True)
        self._hint = muted_label("", wrap=True, small=True)
        self._existence = FittedText("", "warning")
        self._existence.hide()
        self._missing = False
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.check_wanted)
        self.make = primary_button("Create links", self.wanted.emit)
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
        """The requested duration in seconds."""
        # The last entry, for hours, has 0 seconds.
        return DURATIONS[self.life.currentIndex()][1] or self.hours.value() * 3600

    @property
    def chosen_keys(self) -> list[str]:
        """The keys, one per line; blank lines are skipped, blanks inside a key are part of it."""
        # Qt's text has other characters for line ends and for some blanks in the keys of a list.
        if self._given and self.keys.toPlainText() == self._given_text:
            return list(self._given)
        return [line for line in self.keys.toPlainText().split("\n") if line.strip()]

    def set_keys(self, keys: Sequence[str]) -> None:
        """Fill in the keys, for example those selected in the browser."""
        self._given = ()  # not those of before while the text changes
        self.keys.setPlainText("\n".join(keys))
        self._given, self._given_text = tuple(keys), self.keys.toPlainText()
        self._on_keys()

    def set_choices(self, choices: LinkChoices) -> None:
        """Use other options for the next links."""
        self.choices = choices
        self._show_choices()

    def show_existence(self, found: Mapping[str, bool | None]) -> None:
        """Warn about keys without an object or, for uploads, about objects that would be replaced."""
        keys = self.chosen_keys
        upload = self.purpose.current != "GET"
        # Unknown keys are None, which is neither True nor False: no warning for them.
        named = [key for key in keys if found.get(key) is upload]
        self._missing = bool(named) and not upload
        warning = _replaced if upload else _missing
        checked = sum(key in found for key in keys)
        # Only the first keys are checked before the links are created.
        of = f"{'the first ' if checked < len(keys) else ''}{format_counted(checked, 'key')}"
        self._existence.setText(warning(named, of, alone=len(keys) == 1) if named else "")
        self._existence.setVisible(bool(named))
        self._name_button()

    def show_lifetime(self, life: Lifetime) -> None:
        """Show when a link created now would expire, and why if that is earlier than requested."""
        self._real.show_live(partial(_expiry_of_new_link, life, self.seconds))
        self._real.set_tone("warning" if life.limited_by else "muted")

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 12, 12, 12)
        box.setSpacing(8)
        box.addWidget(heading("Objects"))
        box.addWidget(self.keys, 1)
        box.addWidget(self._existence)
        box.addWidget(heading("Purpose"))
        box.addWidget(row(self.purpose, self.options, stretch=True))
        box.addWidget(self._hint)
        box.addWidget(self._chosen)
        box.addWidget(heading("Expires after"))
        box.addWidget(row(self.life, self.hours))
        box.addWidget(self._requested)
        box.addWidget(self._real)
        box.addWidget(self.make)

    def _on_life(self, *_changed: object) -> None:
        self.hours.setVisible(DURATIONS[self.life.currentIndex()][1] == 0)
        self._requested.setText(f"Requested: {_duration_text(self.seconds)}")
        self.life_changed.emit(self.seconds)

    def _on_purpose(self, purpose: str) -> None:
        self._hint.setText(_HINTS[purpose])
        self._on_keys()

    def _show_choices(self) -> None:
        texts = self.choices.texts(self.purpose.current, len(self.chosen_keys))
        # A text with an invisible character would change the layout of the line.
        self._chosen.setText("; ".join(map(shown, texts)))
        self._chosen.setVisible(bool(texts))

    def _on_keys(self) -> None:
        """Clear the warnings about the former keys, and check the new ones when typing pauses."""
        self.show_existence({})
        self._show_choices()
        self._typing.start()

    def _name_button(self) -> None:
        count = len(self.chosen_keys)
        if self.purpose.current == FORM:
            forms = format_counted(count, "form")
            self.make.setText(f"Create {forms}" if count > 1 else "Create form")
        elif count > 1:
            links = format_counted(count, "link")
            self.make.setText(f"Create {links} anyway" if self._missing else f"Create {links}")
        else:
            self.make.setText("Create link anyway" if self._missing else "Create link")
        self.make.allow(count > 0, "Enter at least one key first.")


def _keys_editor() -> QPlainTextEdit:
    editor = QPlainTextEdit()
    editor.setFont(theme.mono_font())
    editor.setPlaceholderText("One key per line, for example\nanalytics/daily/report.json")
    editor.setAccessibleName("Keys of the objects")
    editor.setTabChangesFocus(True)
    # Keys differ at their ends, so they must not be cut off.
    editor.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
    return editor


def _hours_field() -> QSpinBox:
    field = inset(QSpinBox())
    field.setRange(1, _HOURS_MOST)
    field.setValue(48)
    field.setSuffix(" hours")
    field.setAccessibleName("Hours")
    field.setToolTip("S3 allows at most 7 days (168 hours).")
    return field


def _missing(named: Sequence[str], of: str, *, alone: bool) -> str:
    """Return the warning that download links point to no object; `of` describes the checked keys."""
    if alone:
        return "There is no object with this key. A link to it works only once the object exists."
    if len(named) == 1:
        return f"1 of {of} has no object now: {_list(named)}. Its link works only once the object exists."
    return (
        f"{format_count(len(named))} of {of} have no object now: {_list(named)}. Their links work "
        "only once the objects exist."
    )


def _replaced(named: Sequence[str], of: str, *, alone: bool) -> str:
    """Return the warning that an upload through a link replaces an object."""
    if alone:
        return "An object exists under this key: an upload through the link replaces it."
    have = "has" if len(named) == 1 else "have"
    return f"{format_count(len(named))} of {of} {have} an object, which an upload replaces: {_list(named)}."


def _list(keys: Sequence[str]) -> str:
    names = ", ".join(shown(_end_of(key)) for key in keys[:_NAMED])
    more = len(keys) - _NAMED
    return f"{names} and {format_count(more)} more" if more > 0 else names


def _end_of(key: str) -> str:
    """Return the name in a key, marked as such: alone it would read like a word of the sentence."""
    folder, _, name = key.rpartition("/")
    return f"…/{name}" if folder and name else key


def _duration_text(seconds: int) -> str:
    hours = seconds // 3600
    if hours % 24 == 0:
        return format_counted(hours // 24, "day")
    return format_counted(hours, "hour")


def _expiry_of_new_link(life: Lifetime, seconds: int) -> str:
    """Return when a link created now would expire, and what limits that."""
    ends = life.expires_at if life.limited_by else utc_now() + timedelta(seconds=seconds)
    when = expiry_text(ends, known=life.known)
    return f"Expires {when}: {life.limited_by}." if life.limited_by else f"Expires {when}."
