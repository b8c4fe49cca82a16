"""The appearance of the window: colour tokens, fonts, palette and style sheet."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

Mode = Literal["light", "dark", "system"]

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
#: The bundled copy of Inter is renamed, since Qt prefers an installed font of the same name.
_TEXT_FACE = "Inter Strongroom"
#: The fonts of the first paint, and those loaded after it.
_FIRST_FONTS = ("Inter-Regular.ttf", "Inter-SemiBold.ttf")
_MORE_FONTS = ("Inter-Medium.ttf", "JetBrainsMono-Regular.ttf", "JetBrainsMono-Medium.ttf")

#: The fixed measures of the window, in device-independent pixels.
ROW, HEADER, TABS, SECTION, STATUS = 28, 48, 40, 36, 28
TEXT_SIZE, MONO_SIZE, SMALL_SIZE, FIGURE_SIZE = 13, 12, 11, 20


class Tokens(NamedTuple):
    """The colours of one theme. `…_soft` are fills, `…_ink` the text on a fill.

    `disabled` is the text of disabled controls; it is pale on purpose.
    """

    background: QColor
    panel: QColor
    line: QColor
    text: QColor
    muted: QColor
    accent: QColor
    on_accent: QColor
    selection: QColor
    hover: QColor
    good: QColor
    danger: QColor
    warning: QColor
    neutral_soft: QColor
    accent_soft: QColor
    good_soft: QColor
    danger_soft: QColor
    warning_soft: QColor
    neutral_ink: QColor
    accent_ink: QColor
    good_ink: QColor
    danger_ink: QColor
    warning_ink: QColor
    disabled: QColor

    @property
    def dark(self) -> bool:
        """Whether these are the tokens of the dark theme."""
        return self.panel.lightness() < 128


def _tokens(colours: str) -> Tokens:
    return Tokens(*(QColor(colour) for colour in colours.split()))


LIGHT = _tokens(
    "#f6f7f9 #ffffff #dfe3e8 #1b2430 #66717f #2f6fed #ffffff #e8f0fe #f6f7f9"
    " #12805c #c4314b #a15c00 #f1f3f6 #e8f0fe #e2f4ec #fde8ec #fff4e0"
    " #5f6a78 #2863db #0f7553 #c4314b #965500 #a2acb8"
)
DARK = _tokens(
    "#12161c #191f27 #2b333e #e6eaf0 #93a0b0 #6ea1ff #10151c #1f3157 #1e252f"
    " #3fb98c #f0667d #e0a040 #202833 #1f3157 #143427 #3a1a22 #33270f"
    " #a3afbe #7fabff #3fb98c #f98496 #e0a040 #566375"
)


class Theme(QObject):
    """The current theme.

    Signals:
        changed: the tokens have changed; custom-painted widgets repaint.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.mode: Mode = "system"
        self.tokens = LIGHT

    def set_mode(self, mode: Mode) -> None:
        """Use the light or the dark theme, or that of the desktop."""
        self.mode = mode
        self.refresh()

    def refresh(self) -> None:
        """Use the tokens for the mode and the present desktop theme."""
        app = QApplication.instance()
        if not isinstance(app, QApplication):
            return
        self._draw(
            app, dark=_desktop_is_dark(app) if self.mode == "system" else self.mode == "dark"
        )

    def prepare(self, app: QApplication, mode: Mode) -> None:
        """Prepare the first paint; the desktop's theme is taken from its palette."""
        self.mode = mode
        desktop = app.palette().window().color().lightness() < 128
        self._draw(app, dark=desktop if mode == "system" else mode == "dark")

    def follow_desktop(self, app: QApplication) -> None:
        """Load the other fonts, and follow the desktop in `system` mode from now on."""
        from PySide6.QtCore import Qt

        _add_fonts(_MORE_FONTS)
        app.styleHints().colorSchemeChanged.connect(
            self.refresh, Qt.ConnectionType(Qt.ConnectionType.UniqueConnection.value)
        )
        if self.mode == "system" and _desktop_is_dark(app) is not self.tokens.dark:
            self.refresh()

    def _draw(self, app: QApplication, *, dark: bool) -> None:
        self.tokens = DARK if dark else LIGHT
        # Replacing a style sheet, Qt 6 polishes each widget once for each of its ancestors, which
        # takes seconds for a window with all tabs; after none, once.
        app.setStyleSheet("")
        app.setPalette(_palette(self.tokens))
        app.setStyleSheet(_style_sheet(self.tokens))
        self.changed.emit()


@cache
def current() -> Theme:
    """Return the theme of this process."""
    return Theme()


def tokens() -> Tokens:
    """Return the current colours."""
    return current().tokens


def apply(app: QApplication, mode: Mode = "system") -> Theme:
    """Set the application's style, fonts and colours; follow the desktop in `system` mode."""
    theme = prepare(app, mode)
    theme.follow_desktop(app)
    return theme


def _desktop_is_dark(app: QApplication) -> bool:
    from PySide6.QtCore import Qt

    return app.styleHints().colorScheme() is Qt.ColorScheme.Dark


def prepare(app: QApplication, mode: Mode = "system") -> Theme:
    """Set the fonts and colours for the first paint; the application has the style Fusion.

    This function must not load the namespace `Qt` of QtCore, whose enumerations take a third of
    the startup time. `Theme.follow_desktop` is called after the first paint.
    """
    _add_fonts(_FIRST_FONTS)
    app.setFont(text_font())
    theme = current()
    theme.prepare(app, mode)
    return theme


@cache
def _add_fonts(names: tuple[str, ...]) -> None:
    for name in names:
        QFontDatabase.addApplicationFont(str(RESOURCES / "fonts" / name))


def text_font(
    size: int = TEXT_SIZE, weight: QFont.Weight = QFont.Weight.Normal, *, tabular: bool = False
) -> QFont:
    """Return the text font.

    Args:
        size: the size in device-independent pixels.
        weight: the weight; only Normal, Medium and DemiBold are bundled.
        tabular: give all digits the same width, so that numbers in a column are aligned.
    """
    font = QFont(_TEXT_FACE)
    font.setPixelSize(size)
    font.setWeight(weight)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if tabular:
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def bold_font(size: int = TEXT_SIZE, *, tabular: bool = False) -> QFont:
    """Return the font of headings."""
    return text_font(size, QFont.Weight.DemiBold, tabular=tabular)


def number_font(size: int = TEXT_SIZE) -> QFont:
    """Return the font of numbers, whose digits are aligned in columns."""
    return text_font(size, tabular=True)


def mono_font(size: int = MONO_SIZE) -> QFont:
    """Return the monospaced font of keys and code, without ligatures."""
    font = QFont("JetBrains Mono")
    font.setPixelSize(size)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setStyleHint(QFont.StyleHint.Monospace)
    # JetBrains Mono draws `->` and `!=` as one sign with its contextual alternates.
    font.setFeature(QFont.Tag("calt"), 0)
    return font


def _palette(t: Tokens) -> QPalette:
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, colour in (
        (roles.Window, t.panel),
        (roles.Base, t.panel),
        (roles.AlternateBase, t.background),
        (roles.Button, t.panel),
        (roles.ToolTipBase, t.text if not t.dark else t.neutral_soft),
        (roles.ToolTipText, t.panel if not t.dark else t.text),
        (roles.WindowText, t.text),
        (roles.Text, t.text),
        (roles.ButtonText, t.text),
        (roles.PlaceholderText, t.muted),
        (roles.Highlight, t.selection),
        (roles.HighlightedText, t.text),
        (roles.Accent, t.accent),
        (roles.Link, t.accent),
        (roles.LinkVisited, t.accent),
        (roles.Light, t.panel),
        (roles.Midlight, t.hover),
        (roles.Mid, t.line),
        (roles.Dark, t.line),
        (roles.Shadow, t.line),
    ):
        palette.setColor(role, colour)
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, t.disabled)
    return palette


def _style_sheet(t: Tokens) -> str:
    """Replace the `@name`s in the style sheet by colours and the icon folder, longest names first."""
    text = (RESOURCES / "style.qss").read_text(encoding="utf-8")
    values = {name: colour.name() for name, colour in t._asdict().items()}
    values["pictures"] = (RESOURCES / "icons" / ("dark" if t.dark else "light")).as_posix()
    for name in sorted(values, key=len, reverse=True):
        text = text.replace(f"@{name}", values[name])
    return text
