"""Labels whose text changes, messages beside each other, and controls that replace each other."""

from datetime import timedelta

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from core.units import utc_now
from gui import theme
from gui.dialogs.name import NameDialog
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.elide import elided_name
from gui.widgets.exchange import show_only
from gui.widgets.fields import combo_box
from gui.widgets.labels import AgePill, Elided, Pill
from gui.widgets.panel import SectionHead

pytestmark = pytest.mark.usefixtures("themed")


def test_a_pill_is_beside_the_title_also_after_a_longer_one(qtbot):
    head = SectionHead("Preview")
    pill = head.add_pill(Pill("60 rows"))
    qtbot.addWidget(head)
    head.resize(475, head.height())
    head.show()
    for title in ("BTC-USD_daily.csv", "logo.png", "averylongnameofjson.json", "logo.png"):
        head.set_title(title)
        end = head.title.x() + head.title.fontMetrics().horizontalAdvance(title)
        qtbot.waitUntil(lambda end=end: 0 < pill.x() - end < 16)


def test_an_age_with_enough_room_is_never_shortened(qtbot, monkeypatch):
    holder = QWidget()
    qtbot.addWidget(holder)
    box = QHBoxLayout(holder)
    free = QLabel()
    free.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    age = AgePill(holder)
    box.addWidget(free)
    box.addWidget(age)
    holder.resize(540, 60)
    holder.show()
    now = utc_now()
    age.set_fetched(now)
    for second in range(130):
        moment = now + timedelta(seconds=second)
        monkeypatch.setattr("core.units.utc_now", lambda moment=moment: moment)
        age._update_live()
        box.activate()
        assert age.text().startswith("loaded"), second


def test_a_message_of_a_view_does_not_cover_one_of_the_window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    view = QFrame()
    QVBoxLayout(window).addWidget(view)
    window.resize(900, 600)
    window.show()
    hint, banner = Banner(window, over=view), Banner(view)
    hint.show_info("There is no filter to clear.")
    banner.show_warning("This place is in another bucket.", "Choose another profile. " * 6)

    def places():
        return [
            QRect(each.mapToGlobal(each.rect().topLeft()), each.size()) for each in (hint, banner)
        ]

    first, second = places()
    assert not first.intersects(second)
    hint.keep_clear()
    banner.keep_clear()
    assert places() == [first, second], "neither moves away from itself"


def test_a_control_that_replaces_another_one_gets_its_focus(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    box = QHBoxLayout(window)
    other, run, stop = plain_button("Other"), plain_button("Run"), plain_button("Stop")
    for each in (run, stop, other):
        box.addWidget(each)
    show_only((stop, run), {run})
    window.show()
    window.activateWindow()
    run.setFocus()
    show_only((stop, run), {stop})
    assert window.focusWidget() is stop
    show_only((stop, run), {run})
    assert window.focusWidget() is run
    other.setFocus()
    show_only((stop, run), {stop})
    assert window.focusWidget() is other, "only the focus of what is hidden moves"


def test_a_combo_box_elides_what_it_cannot_show(qtbot, monkeypatch):
    box = combo_box("Table")
    box.setSizeAdjustPolicy(box.SizeAdjustPolicy.AdjustToContents)
    qtbot.addWidget(box)
    text = "ohlcv_btc_usd_1h (OHLCV candles of BTC-USD, 10 to 15 Jan 2024)"
    box.addItem(text)
    drawn = []
    monkeypatch.setattr(
        QStylePainter, "drawControl", lambda _self, _kind, option: drawn.append(option.currentText)
    )
    box.resize(200, 28)
    box.grab()
    assert drawn[-1].startswith("ohlcv_")
    assert "…" in drawn[-1]
    assert box.fontMetrics().horizontalAdvance(drawn[-1]) < 200 - 22, "beside the arrow"
    for name in (text, "BTC-USD", "1h", "OHLCV candles"):
        box.setItemText(0, name)
        box.resize(box.sizeHint())
        box.grab()
        assert drawn[-1] == name


def test_a_dialog_that_is_rounded_down_by_a_pixel_needs_no_scroll_bar(qtbot):
    dialog = NameDialog(None, "New name", "The object is copied to its new key. " * 3, print)
    qtbot.addWidget(dialog)
    dialog.show()
    # As at a scale factor of 1.5 on X11.
    dialog.resize(dialog.width() - 1, dialog.height() - 1)
    qtbot.waitUntil(lambda: dialog._area.width() == dialog.width())
    assert dialog._area.verticalScrollBar().maximum() == 0


def test_a_message_covers_other_controls_rather_than_the_primary_button(qtbot):
    view = QWidget()
    qtbot.addWidget(view)
    view.resize(500, 130)
    save, copy, remove = primary_button("Save"), plain_button("Copy"), plain_button("Remove")
    for button, x, y in ((save, 300, 90), (copy, 200, 12), (remove, 300, 12)):
        button.setParent(view)
        button.setGeometry(x, y, 90, 28)
    banner = Banner(view)
    view.show()
    banner.show_info("Nothing was discarded. Your unsaved changes are still in the editor.")
    assert not banner.geometry().intersects(save.geometry())


def test_dots_replace_more_than_one_shared_character():
    metrics = QFontMetrics(theme.mono_font())
    width = metrics.horizontalAdvance('"a ""quo')
    drawn = elided_name('"a ""quoted"" name"', ['"prices"'], metrics, width)
    assert drawn.startswith('"a ')


@pytest.mark.parametrize("name", ["new\nline.txt", "tab\there", "\u2028separator"])
def test_a_label_of_one_line_escapes_line_breaks_in_names(qtbot, name):
    label, plain = Elided(name), Elided("plain")
    for each in (label, plain):
        qtbot.addWidget(each)
    assert label.text().isprintable()
    assert label.sizeHint().height() == plain.sizeHint().height()
