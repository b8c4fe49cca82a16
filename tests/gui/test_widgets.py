"""The shared widgets show foreign text as plain text and explain what is disabled."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QLabel, QSpinBox, QStackedWidget, QWidget

from core.errors import AccessDenied, Cancelled, Throttled
from core.local.settings import Settings
from core.redaction import Secret
from gui import theme
from gui.dialogs.confirm import ask
from gui.dialogs.name import NameDialog
from gui.models.roles import ASIDE_ROLE, DOT_ROLE, MONO_ROLE, PILL_ROLE, PROGRESS_ROLE, TONE_ROLE
from gui.widgets.banner import Banner
from gui.widgets.buttons import icon_button, plain_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import combo_box, inset
from gui.widgets.icons import icon
from gui.widgets.labels import AgePill, Elided, Pill, Text, shown, tooltip
from gui.widgets.pairs import PairsField
from gui.widgets.panel import SectionHead
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_table, make_tree

pytestmark = pytest.mark.usefixtures("themed")
_HTML = '<b>paid</b> <img src="file:///etc/passwd">'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("market-data/BTC", "market-data/BTC"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("a\x00\x1b[31m\n", r"a\x00\x1b[31m\x0a"),
        ("größe 日本", "größe 日本"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_foreign_text_shows_what_would_be_invisible(text, expected):
    assert shown(text) == expected


def test_labels_and_tooltips_never_read_html(qtbot):
    for label in (Text(_HTML), Elided(_HTML), Pill(_HTML)):
        qtbot.addWidget(label)
        assert label.textFormat() is Qt.TextFormat.PlainText
        assert label.text() == _HTML
    assert "<b>" not in tooltip(_HTML)
    assert Elided(_HTML).toolTip() == tooltip(_HTML)


def test_a_pill_hides_without_text_and_never_becomes_a_window(qtbot):
    pill = Pill("")
    qtbot.addWidget(pill)
    pill.set("late")
    assert not pill.isVisible()
    host = QWidget()
    qtbot.addWidget(host)
    pill.setParent(host)
    host.show()
    pill.set("again", "good")
    assert pill.isVisible()
    pill.set("")
    assert not pill.isVisible()


def test_the_banner_reports_what_why_and_what_to_do(qtbot):
    banner, tries = Banner(), []
    qtbot.addWidget(banner)
    error = AccessDenied("Denied", cause="No right.", remedy="Ask.", action="s3:GetObject")
    banner.show_error(error, lambda: tries.append(1))
    assert banner.text == "Denied"
    assert banner.failed
    assert "No right. Ask." in banner.accessibleName()
    retry, _act, details, copy, _close = banner._buttons
    details.click()
    copy.click()
    assert "s3:GetObject" in QGuiApplication.clipboard().text()
    retry.click()
    assert tries == [1]
    assert banner.text == ""


def test_details_of_a_failure_hold_no_secret(qtbot):
    secret = Secret("wJalrXUtnFEMI/K7MDENG")
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_error(Throttled("Slow", details=f"sent {secret.reveal()}"))
    banner._buttons[2].click()
    assert secret.reveal() not in banner._text.toPlainText()


def test_a_cancel_is_no_failure(qtbot):
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_error(Cancelled("Cancelled"))
    assert banner.isHidden()


def test_a_disabled_button_says_why(qtbot):
    button = plain_button("Delete…")
    qtbot.addWidget(button)
    button.set_hint("Moves to the trash")
    button.allow(False, "needs s3:DeleteObject")
    assert not button.isEnabled()
    assert "needs s3:DeleteObject" in button.toolTip()
    button.allow(True)
    assert "trash" in button.toolTip()
    assert button.accessibleName() == "Delete"
    named = icon_button("refresh", "Refresh")
    qtbot.addWidget(named)
    assert named.accessibleName() == "Refresh"


def test_every_icon_can_be_drawn():
    names = [path.stem for path in (theme.RESOURCES / "icons").glob("*.svg")]
    assert len(names) > 40
    for name in names:
        picture = icon(name).pixmap(16, 16).toImage()
        colours = {picture.pixelColor(x, y).alpha() for x in range(16) for y in range(16)}
        assert max(colours) > 100, name


def test_segmented_text_are_chosen_by_click_and_by_call(qtbot):
    text, chosen = Segmented([("c", "Chart"), ("t", "Table")], name="View"), []
    qtbot.addWidget(text)
    text.selected.connect(chosen.append)
    assert text.current == "c"
    text._buttons["t"].click()
    text.select("c")
    assert chosen == ["t", "c"]
    text.set_items(["x"])
    assert text.current == "x"
    assert text._buttons["x"].accessibleDescription() == "View"
    assert "View" in text._buttons["x"].toolTip()


def test_a_screen_reader_chooses_a_word_by_each_of_its_actions(qtbot):
    text, chosen = Segmented(["Chart", "Table", "JSON"], name="View"), []
    qtbot.addWidget(text)
    text.show()
    text.selected.connect(chosen.append)
    for name in ("JSON", "Chart"):
        control = QAccessible.queryAccessibleInterface(text._buttons[name])
        assert control.role() == QAccessible.Role.RadioButton
        assert control.actionNames()[0] == "Toggle"
        control.doAction("Toggle")
        assert text.current == name
    control = QAccessible.queryAccessibleInterface(text._buttons["Table"])
    control.doAction("Press")
    qtbot.waitUntil(lambda: text.current == "Table" or "Press" not in control.actionNames())
    assert chosen[:2] == ["JSON", "Chart"]


def test_an_empty_view_offers_what_fills_it(qtbot):
    clicks = []
    empty = EmptyState("No links", "Make one.", "Make a link…", lambda: clicks.append(1))
    assert empty.button.accessibleName() == "Make a link"
    empty.set_text("No links", button_text="Make links…")
    assert empty.button.accessibleName() == "Make links"
    view = QLabel()
    complete = Loadable(view, empty)
    qtbot.addWidget(complete)
    empty.button.click()
    assert clicks == [1]
    complete.show_view()
    complete.show_loading()
    assert complete._stack.currentWidget() is view, "old content stays while new is loaded"


def test_confirm_needs_the_typed_name_and_is_safe_by_default(qtbot):
    done, host = [], QWidget()
    qtbot.addWidget(host)
    host.show()
    dialog = ask(host, "Drop it?", "Gone.", lambda: done.append(1), typed="users", danger=True)
    assert not dialog.go.isEnabled()
    qtbot.keyClicks(dialog.field, "users")
    assert dialog.go.isEnabled()
    dialog.go.click()
    assert done == [1]
    refused = ask(host, "Delete?", _HTML, lambda: done.append(2), names=["a"] * 500, danger=True)
    assert not refused.go.isDefault()
    qtbot.keyClick(refused, Qt.Key.Key_Escape)
    assert done == [1]


def test_a_name_must_be_given(qtbot):
    names, host = [], QWidget()
    qtbot.addWidget(host)
    dialog = NameDialog(host, "Bucket", "Which?", names.append)
    assert not dialog.go.isEnabled()
    dialog.field.setText(" other ")
    dialog.go.click()
    assert names == ["other"]


def test_spin_boxes_have_room_at_their_left(qtbot):
    box = inset(QSpinBox())
    qtbot.addWidget(box)
    assert box.lineEdit().textMargins().left() == 8


@pytest.fixture
def model():
    model = QStandardItemModel(0, 5)
    model.setHorizontalHeaderLabels(["Name", "Size", "State", "Part", "More"])
    looks = (
        {MONO_ROLE: True, DOT_ROLE: "good"},
        {Qt.ItemDataRole.TextAlignmentRole: Qt.AlignmentFlag.AlignRight},
        {PILL_ROLE: "warning"},
        {PROGRESS_ROLE: 0.5},
        {ASIDE_ROLE: "1,234", TONE_ROLE: "muted"},
    )
    for number in range(5):
        items = [QStandardItem(f"cell {number} \u202e") for _ in looks]
        for item, look in zip(items, looks, strict=True):
            for role, value in look.items():
                item.setData(value, role)
        items[0].setCheckable(True)
        items[0].setCheckState(Qt.CheckState.PartiallyChecked)
        model.appendRow(items)
    return model


def test_tables_draw_every_kind_of_cell_in_rows_of_28(qtbot, model):
    view = make_table(model, "Cells", multiple=True)
    qtbot.addWidget(view)
    view.resize(700, 300)
    view.show()
    view.selectRow(1)
    view.setFocus()
    assert view.accessibleName() == "Cells"
    assert view.rowHeight(0) == theme.ROW
    assert not view.grab().isNull()
    tree = make_tree(model, "Tree")
    qtbot.addWidget(tree)
    assert not tree.grab().isNull()


def test_columns_follow_the_view_until_a_border_is_moved(qtbot, model, tmp_path):
    settings = Settings(tmp_path)
    model.item(0, 0).setText("market-data/ohlcv/BTC-USD")
    view = make_table(model, "Cells", settings=settings, key="cells")
    qtbot.addWidget(view)
    view.resize(460, 300)
    view.show()
    qtbot.waitUntil(lambda: view.columnWidth(0) != 100)
    narrow = [view.columnWidth(column) for column in range(4)]
    view.resize(900, 300)
    assert [view.columnWidth(column) for column in range(4)] != narrow
    assert settings.get("columns/cells") is None, "nothing was chosen, nothing is remembered"
    view.horizontalHeader().resizeSection(1, 150)
    view.resize(460, 300)
    assert view.columnWidth(1) == 150


def test_widths_are_remembered(qtbot, model, tmp_path):
    settings = Settings(tmp_path)
    view = make_table(model, "Cells", settings=settings, key="cells")
    qtbot.addWidget(view)
    view.show()
    qtbot.waitUntil(lambda: view.columnWidth(0) != 100)
    view.horizontalHeader().resizeSection(0, 222)
    settings.flush()
    again = make_table(model, "Cells", settings=Settings(tmp_path), key="cells")
    qtbot.addWidget(again)
    assert again.columnWidth(0) == 222


def test_a_heading_is_never_shortened_and_a_name_only_at_last(qtbot, themed):
    head = SectionHead("Permissions", plain_button("Test connection"), note="as strongroom-admin")
    age = head.add_pill(AgePill())
    age.set_fetched()
    holder = QWidget()  # a top-level window could not become narrower than its content
    qtbot.addWidget(holder)
    head.setParent(holder)
    holder.show()

    def lacks():
        title = head.title
        return title.fontMetrics().horizontalAdvance(title.text()) > title.width()

    for width in (600, 320, head.minimumSizeHint().width()):
        head.resize(width, head.height())
        qtbot.waitUntil(lambda: not lacks())
    assert head.minimumSizeHint().width() < 260
    head.set_title("cryptotrading/a-very-long-name-of-a-secret", "1 day ago")
    head.resize(700, head.height())
    qtbot.waitUntil(lambda: not lacks())
    head.resize(320, head.height())
    qtbot.waitUntil(lacks)
    assert head.minimumSizeHint().width() < 260, "a long name needs no wider window"


def test_an_age_without_room_still_shows_that_a_refresh_failed(qtbot):
    holder = QWidget()
    qtbot.addWidget(holder)
    age = AgePill(holder)
    holder.show()
    age.set_fetched()
    age.set_failed()
    age.resize(age.sizeHint().width(), 24)
    assert "could not be refreshed" in age.text()
    for width in (150, 90, 60):
        age.resize(width, 24)
        assert "stale" in age.text(), width
    age.set_fetched()
    assert "stale" not in age.text()


def test_an_age_without_any_room_shows_no_empty_pill_when_it_is_set(qtbot):
    holder = QWidget()
    qtbot.addWidget(holder)
    age = AgePill(holder)
    holder.show()
    age.resize(22, 24)
    age.set_fetched()
    assert age.text() == ""
    age.resize(200, 24)
    assert age.text().endswith("ago")


def test_the_list_of_a_combo_box_has_its_name(qtbot):
    box = combo_box("Storage class")
    qtbot.addWidget(box)
    assert box.view().accessibleName() == "Storage class"


def test_the_text_of_a_low_empty_view_is_in_its_tooltip(qtbot):
    empty = EmptyState(
        "The tables could not be listed", "The server does not answer. " * 4, "Retry"
    )
    qtbot.addWidget(empty)
    empty.resize(240, 300)
    empty.show()
    assert empty._text.isVisible()
    assert empty.toolTip() == ""
    empty.resize(240, 90)
    assert not empty._text.isVisible()
    assert "does not answer" in empty.toolTip()
    empty.set_text("Short", "Fits.", "")
    assert empty._text.isVisible()


def test_a_text_that_is_set_while_an_empty_view_is_hidden_is_shown_with_it(qtbot):
    view = QStackedWidget()
    qtbot.addWidget(view)
    empty = EmptyState("No secrets")
    view.addWidget(QLabel("a list"))
    view.addWidget(empty)
    view.resize(400, 200)
    view.show()
    view.setCurrentWidget(empty)
    view.resize(420, 210)
    assert not empty._text.isVisible()
    view.setCurrentIndex(0)
    empty.set_text("Access is denied", "This needs secretsmanager:ListSecrets.")
    view.setCurrentWidget(empty)
    assert empty._text.isVisible()


def test_a_field_for_pairs_is_as_tall_as_its_lines_also_above_a_scroll_bar(qtbot):
    field = PairsField("Tags")
    qtbot.addWidget(field)
    field.resize(200, 100)
    field.show()
    low = field.height()
    field.set_pairs([(f"tag-{number}", "v" * 60) for number in range(10)])
    assert field.height() > low
    assert field.horizontalScrollBar().maximum() > 0
    assert field.verticalScrollBar().maximum() == 0
    field.clear()
    assert field.height() == low
