"""Both themes are legible, and switching between them repaints the window."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFontInfo, QFontMetrics, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.main_window.shell import TabBar
from gui.theme import DARK, LIGHT
from gui.widgets.buttons import (
    Button,
    icon_button,
    link_button,
    plain_button,
    primary_button,
    quiet_button,
)
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_list, make_table, make_tree

pytestmark = pytest.mark.usefixtures("no_earlier_windows")
_SOFT = ("neutral_soft", "accent_soft", "good_soft", "danger_soft", "warning_soft")


class Counted(QWidget):
    """Counts how often its style changes."""

    def __init__(self, parent):
        super().__init__(parent)
        self.styles = 0

    def event(self, event):
        self.styles += event.type() is QEvent.Type.StyleChange
        return super().event(event)


def a_plain_button():
    return plain_button("Go")


def a_primary_button():
    return primary_button("Go")


def a_button_for_loss():
    return Button("Go", kind="loss")


def a_link():
    return link_button("Go")


def a_quiet_button():
    return quiet_button("Go")


def an_icon():
    return icon_button("refresh", "Refresh")


def a_switch():
    text = Segmented(["Chart", "JSON"], name="View")
    text.setFocusProxy(text._buttons["JSON"])
    return text


def a_field():
    return QLineEdit("text")


def a_text():
    return QPlainTextEdit("text")


def a_choice():
    box = QComboBox()
    box.addItem("one")
    return box


def a_number():
    return QSpinBox()


def a_check_box():
    return QCheckBox("Check")


def a_radio_button():
    return QRadioButton("Choose")


def a_tab_bar():
    bar = TabBar()
    bar.addTab("One")
    return bar


def _model():
    model = QStandardItemModel(0, 1)
    model.appendRow(QStandardItem("row"))
    return model


def a_table():
    return make_table(_model(), "Table")


def a_tree():
    return make_tree(_model(), "Tree")


def a_list():
    return make_list(_model(), "List")


FOCUSABLE = (
    a_plain_button, a_primary_button, a_button_for_loss, a_link, a_quiet_button, an_icon, a_switch,
    a_field, a_text, a_choice, a_number, a_check_box, a_radio_button, a_tab_bar, a_table, a_tree,
    a_list,
)  # fmt: skip


def _luminance(colour):
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    dim, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read_where_it_stands(tokens):
    pairs = [(text, "panel") for text in ("text", "muted", "accent", "good", "danger", "warning")]
    pairs += [(text, "background") for text in ("text", "muted", "good", "danger", "warning")]
    pairs += [("on_accent", "accent"), ("on_accent", "danger"), ("text", "selection")]
    inks = [soft.replace("_soft", "_ink") for soft in _SOFT]
    pairs += [(ink, ground) for ink in inks for ground in ("selection", "panel")]
    pairs += list(zip(inks, _SOFT, strict=True))
    bad = {
        f"{text} on {ground}": round(_contrast(getattr(tokens, text), getattr(tokens, ground)), 2)
        for text, ground in pairs
        if _contrast(getattr(tokens, text), getattr(tokens, ground)) < 4.5
    }
    assert bad == {}


def test_the_bundled_faces_are_used_and_digits_stand_below_each_other(themed):
    assert QFontInfo(theme.text_font()).family() == "Inter Strongroom"
    assert QFontInfo(theme.mono_font()).family() == "JetBrains Mono"
    number = QFontMetrics(theme.number_font())
    assert number.horizontalAdvance("1111") == number.horizontalAdvance("0000")
    mono = QFontMetrics(theme.mono_font())
    assert mono.horizontalAdvance("->!=") == mono.horizontalAdvance("abcd")


def test_switching_repaints_with_the_other_tokens(themed, qtbot):
    for mode, tokens in (("dark", DARK), ("light", LIGHT)):
        with qtbot.waitSignal(theme.current().changed):
            theme.current().set_mode(mode)
        assert theme.tokens() is tokens
        assert themed.palette().window().color() == tokens.panel
        sheet = themed.styleSheet()
        assert "@" not in sheet.partition("*/")[2]
        assert tokens.accent.name() in sheet


def test_applying_twice_follows_the_desktop_once(themed):
    theme.apply(themed, "system")
    assert theme.current().mode == "system"


def test_the_licences_lie_beside_the_fonts():
    texts = [path.read_text() for path in (theme.RESOURCES / "fonts").glob("*LICENSE*")]
    assert len(texts) == 2
    assert all("SIL OPEN FONT LICENSE" in text.upper() for text in texts)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("kind", ["plain", "primary", "danger", "loss", "link", "quiet"])
def test_a_disabled_button_is_much_paler_than_an_enabled_one(themed, qtbot, mode, kind):
    theme.current().set_mode(mode)
    page = QWidget()
    qtbot.addWidget(page)
    button = Button("MMMMMMMM", kind=kind)
    QVBoxLayout(page).addWidget(button)
    page.show()
    enabled = _strongest_contrast(button)
    button.setEnabled(False)
    assert _strongest_contrast(button) < 0.7 * enabled
    assert _strongest_contrast(button) > 1.5, "it must still be legible"


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("make", FOCUSABLE, ids=lambda make: make.__name__)
def test_the_focus_is_visible_on_every_kind_of_control(themed, qtbot, mode, make):
    theme.current().set_mode(mode)
    page = QWidget()
    qtbot.addWidget(page)
    box, other = QVBoxLayout(page), QLineEdit()
    control = make()
    for part in (other, control):
        box.addWidget(part)
    page.show()
    page.activateWindow()
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    before = control.grab().toImage()
    control.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not other)
    assert control.grab().toImage() != before


@pytest.mark.parametrize("kind", ["plain", "primary", "danger", "loss", "link", "quiet"])
def test_the_focus_of_a_button_has_one_frame_also_after_tab(themed, qtbot, kind):
    page = QWidget()
    qtbot.addWidget(page)
    button = Button("Former rules…", kind=kind)
    QVBoxLayout(page).addWidget(button)
    page.show()
    page.activateWindow()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    page.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange, False)
    before = button.grab().toImage()
    page.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange, True)
    assert button.grab().toImage() == before


def _strongest_contrast(button):
    """Return the contrast between the ground of a button and the letter that stands out most."""
    picture = button.parentWidget().grab(button.geometry()).toImage()
    ground = picture.pixelColor(picture.width() - 5, 5)
    middle = picture.height() // 2
    row = [picture.pixelColor(x, middle) for x in range(6, picture.width() - 6)]
    return max(_contrast(colour, ground) for colour in row)


def test_a_theme_does_not_polish_a_widget_once_for_each_of_its_ancestors(themed, qtbot):
    outer = QWidget()
    qtbot.addWidget(outer)
    inner = outer
    for _level in range(20):
        inner = QWidget(inner)
        inner.setProperty("surface", "panel")
    counted = Counted(inner)
    outer.show()
    counted.styles = 0
    theme.current().set_mode("light" if theme.tokens().dark else "dark")
    assert 1 <= counted.styles <= 3
