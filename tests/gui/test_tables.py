"""Tables shorten the right texts, highlight the row under the pointer, and store their columns."""

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication, QHeaderView, QStyleOptionViewItem

from core.local.settings import Settings
from gui import theme
from gui.models.columns import RIGHT, Columns
from gui.models.roles import MONO_ROLE
from gui.widgets.cells import PADDING
from gui.widgets.elide import differing_part, elided_name, elided_sentence
from gui.widgets.table import choose_row, columns_of, make_list, make_table, make_tree

pytestmark = pytest.mark.usefixtures("themed")


@pytest.mark.parametrize(
    ("text", "neighbours", "part"),
    [
        ("2024-01-15T10:00:00Z.json", ["2024-01-15T11:00:00Z.json"], "15T10"),
        ("2024-01-15T10:00:00Z.json", ["2024-01-16T10:00:00Z.json"], "15T10"),
        ("a-long-name.json", ["b-long-name.json"], "a"),
        ("trades-1.json", ["trades-10.json"], "1"),
        ("same", ["same", ""], ""),
    ],
)
def test_the_differing_part_is_complete_text(text, neighbours, part):
    begin, end = differing_part(text, neighbours)
    assert text[begin:end] == part


def test_a_short_text_is_left_alone_and_a_moment_loses_its_end():
    metrics = QFontMetrics(theme.text_font())
    assert elided_name("BTC-USD", ["ETH-USD"], metrics, 200) == "BTC-USD"
    moment = "15 Jan 2024 10:00:00 UTC"
    drawn = [elided_name(moment, [], metrics, width) for width in (150, 125, 100, 60)]
    assert drawn == ["15 Jan 2024 10:00:00", "15 Jan 2024 10:00", "15 Jan 10:00", "15 Jan"]


@pytest.mark.parametrize(
    ("neighbour", "drawn"),
    [
        ("data/BTC-USD/2024/01/15/11.json", "…/01/15/10.json"),
        ("data/BTC-USD/2024/01/14/10.json", "…/01/15/10.json"),
        ("else/BTC-USD/2024/01/15/10.json", "data/BT…10.json"),
    ],
)
def test_of_a_key_below_a_shared_folder_the_end_is_complete(neighbour, drawn):
    metrics = QFontMetrics(theme.mono_font())
    width = metrics.horizontalAdvance("data/...10.json")
    key = "data/BTC-USD/2024/01/15/10.json"
    assert elided_name(key, [neighbour], metrics, width) == drawn


def test_folders_that_alone_differ_are_not_left_out_although_the_name_repeats_them():
    metrics = QFontMetrics(theme.mono_font())
    key, other = "exports/data/1/2/file-12.json", "exports/data/2/1/file-12.json"
    width = metrics.horizontalAdvance("x" * (len(key) - 2))
    drawn = elided_name(key, [other], metrics, width), elided_name(other, [key], metrics, width)
    assert drawn[0] != drawn[1]
    assert "1/2" in drawn[0]


def test_folders_that_alone_differ_from_one_of_two_neighbours_are_not_left_out():
    metrics = QFontMetrics(theme.mono_font())
    first, second = (
        f"crypto/{folders}/2024-01-02_1h_BTC-USD.parquet" for folders in ("01/02", "02/01")
    )
    before, after = first.replace("BTC", "AVAX"), second.replace("BTC", "ETH")
    width = metrics.horizontalAdvance("x" * (len(first) - 2))
    drawn = elided_name(first, [before, second], metrics, width)
    assert drawn != elided_name(second, [first, after], metrics, width)


_HOURLY = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"


@pytest.mark.parametrize(
    ("neighbour", "width", "drawn"),
    [
        ("T11", 60, "market-data/ohlcv/BTC-USD/1h/…/2024-01-15T10:00:00Z.json"),
        ("T11", 45, "…/BTC-USD/1h/…/2024-01-15T10:00:00Z.json"),
        ("14/2024-01-14", 45, "…/BTC-USD/1h/…/2024-01-15T10:00:00Z.json"),
        ("ETH-USD", 45, "…/BTC-USD/1h/…/2024-01-15T10:00:00Z.json"),
        ("T11", 30, "…/15/2024-01-15T10:00:00Z.json"),
    ],
)
def test_of_a_key_first_the_folders_that_its_name_repeats_are_left_out(neighbour, width, drawn):
    metrics = QFontMetrics(theme.mono_font())
    part = {"T11": "T10", "ETH-USD": "BTC-USD"}.get(neighbour, "15/2024-01-15")
    other = _HOURLY.replace(part, neighbour)
    assert elided_name(_HOURLY, [other], metrics, metrics.horizontalAdvance("x" * width)) == drawn


@pytest.mark.parametrize(
    ("neighbour", "drawn"),
    [
        ("15 Jan 2023 12:00:00", "15 Jan 2024"),
        ("14 Jan 2024 10:00:00", "15 Jan 10:00"),
        ("15 Jan 2024 10:00:30", "15 Jan 10:00:00"),
        ("\N{EN DASH}", "15 Jan 10:00"),
    ],
)
def test_what_a_moment_does_not_share_with_its_neighbours_is_stored(neighbour, drawn):
    metrics = QFontMetrics(theme.text_font())
    width = metrics.horizontalAdvance("15 Jan 10:00:00") + 2
    assert elided_name("15 Jan 2024 10:00:00 UTC", [neighbour], metrics, width) == drawn


def test_moments_in_a_sentence_become_shorter_before_it_is_cut():
    metrics = QFontMetrics(theme.text_font())
    text = "15 Jan 2024 10:00:00 UTC (31 days ago)"
    drawn = [
        elided_sentence(text, metrics, Qt.TextElideMode.ElideRight, width)
        for width in (300, 220, 200, 170, 100)
    ]
    assert drawn[:4] == [
        text,
        "15 Jan 2024 10:00:00 (31 days ago)",
        "15 Jan 2024 10:00 (31 days ago)",
        "15 Jan 10:00 (31 days ago)",
    ]
    assert drawn[4].startswith("15 Jan 10:00")


@pytest.fixture
def hours(qtbot):
    """A table of hourly files that is too narrow for all of its columns."""
    model = QStandardItemModel(0, 3)
    model.setHorizontalHeaderLabels(["Name", "Size", "Modified"])
    for hour in range(9, 13):
        cells = [f"2024-01-15T{hour:02}:00:00Z.json", "1.1 KB", f"15 Jan 2024 {hour}:11:00 UTC"]
        row = [QStandardItem(text) for text in cells]
        row[0].setData(True, MONO_ROLE)
        row[1].setData(
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            Qt.ItemDataRole.TextAlignmentRole,
        )
        model.appendRow(row)
    view = make_table(model, "Hours")
    qtbot.addWidget(view)
    view.resize(420, 200)
    view.show()
    qtbot.waitUntil(lambda: view.columnWidth(0) != 100)
    return view


def _drawn(view, row, column):
    """Return the text of a cell as it is drawn."""
    option = QStyleOptionViewItem()
    option.initFrom(view)
    option.widget = view
    index = view.model().index(row, column)
    return view.itemDelegate().line(option, index, view.columnWidth(column) - 2 * PADDING)


def test_a_name_keeps_the_part_in_which_its_neighbours_differ(hours):
    for width in (110, 130, 150, 170):
        hours.setColumnWidth(0, width)
        drawn = [_drawn(hours, row, 0) for row in range(4)]
        assert len(set(drawn)) == 4, drawn
    assert drawn[1] == "…15T10:00:00Z.json"


def test_moments_give_way_before_names_and_numbers(hours, qtbot):
    widths = []
    for width in (420, 360, 320):
        hours.resize(width, 200)
        widths.append([hours.columnWidth(column) for column in range(3)])
        assert _drawn(hours, 0, 1) == "1.1 KB"
        assert len({_drawn(hours, row, 2) for row in range(4)}) == 4, "what differs is lost"
    assert widths[0][0] > 190, "the name has all its room while the moments are short"
    assert _drawn(hours, 1, 2) == "15 Jan 10:11"


def test_digits_of_texts_and_moments_stand_below_each_other(hours):
    metrics = hours.itemDelegate().measured_font(hours.model().index(0, 2)).font
    metrics = QFontMetrics(metrics)
    assert metrics.horizontalAdvance("11:11:11") == metrics.horizontalAdvance("00:00:00")


def test_the_complete_row_under_the_pointer_is_lit(hours, qtbot):
    def lit():
        picture = hours.viewport().grab().toImage()
        row = hours.rowViewportPosition(1) + 3
        ground = theme.tokens().panel.rgb()
        return [picture.pixel(hours.columnViewportPosition(c) + 3, row) != ground for c in range(3)]

    assert lit() == [False] * 3
    qtbot.mouseMove(hours.viewport(), hours.visualRect(hours.model().index(1, 0)).center())
    assert lit() == [True] * 3
    QApplication.sendEvent(hours.viewport(), QEvent(QEvent.Type.Leave))
    assert lit() == [False] * 3


@pytest.mark.parametrize("make", [make_table, make_tree, make_list])
def test_home_and_end_go_to_the_first_and_last_row(qtbot, make):
    model = QStandardItemModel(9, 3)
    view = make(model, "Rows", multiple=True)
    qtbot.addWidget(view)
    choose_row(view, 4)
    selected = view.selectionModel().selectedRows
    for key, row in ((Qt.Key.Key_End, 8), (Qt.Key.Key_Home, 0)):
        qtbot.keyClick(view, key)
        assert [index.row() for index in selected()] == [row]
        assert view.currentIndex().column() == 0, "the list must not scroll sideways"
    choose_row(view, 6)
    qtbot.keyClick(view, Qt.Key.Key_End, Qt.KeyboardModifier.ShiftModifier)
    assert sorted(index.row() for index in selected()) == [6, 7, 8]


def test_home_and_end_do_nothing_in_an_empty_table(qtbot):
    view = make_table(QStandardItemModel(0, 3), "Rows")
    qtbot.addWidget(view)
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert not view.currentIndex().isValid()


def test_a_double_click_of_the_tests_leaves_no_button_pressed(hours, qtbot):
    where = hours.visualRect(hours.model().index(1, 0)).center()
    qtbot.mouseDClick(hours.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert QApplication.mouseButtons() == Qt.MouseButton.NoButton


@pytest.fixture(params=[make_table, make_tree, make_list])
def long(qtbot, request):
    """A view of 40 rows and, but for the list, wide columns; about 10 rows are visible."""
    model = QStandardItemModel(40, 6)
    for row in range(40):
        model.setItem(row, 0, QStandardItem(f"row {row}"))
    view = request.param(model, "Rows")
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show()
    for header in view.findChildren(QHeaderView):
        for column in range(6 if header.orientation() == Qt.Orientation.Horizontal else 0):
            header.resizeSection(column, 200)
    return view


def is_visible(view, row):
    shown = view.visualRect(view.model().index(row, 0))
    return shown.top() >= 0 and shown.bottom() < view.viewport().height()


@pytest.mark.parametrize("height", [220, 150, 90])
def test_the_selected_row_stays_visible_in_a_smaller_view(long, height):
    last = long.indexAt(QPoint(5, long.viewport().height() - 30)).row()
    choose_row(long, last)
    long.verticalScrollBar().setValue(0)
    sideways = long.horizontalScrollBar()
    sideways.setValue(sideways.maximum())
    former = sideways.value()
    long.resize(300, height)
    assert is_visible(long, last)
    assert sideways.value() == former


def test_a_view_scrolled_elsewhere_stays_there_when_it_becomes_smaller(long):
    choose_row(long, 30)
    long.verticalScrollBar().setValue(3)
    long.resize(300, 150)
    assert long.verticalScrollBar().value() == 3


def test_the_sorting_is_remembered_and_widths_are_not_frozen_by_it(qtbot, hours, tmp_path):
    settings, model = Settings(tmp_path), hours.model()
    view = make_table(model, "Cells", settings=settings, key="cells", rising=1)
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.show()
    qtbot.waitUntil(lambda: view.columnWidth(0) != 100)
    assert view.horizontalHeader().sortIndicatorSection() == 1
    view.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    again = make_table(model, "Cells", settings=settings, key="cells", rising=1)
    qtbot.addWidget(again)
    header = again.horizontalHeader()
    assert header.sortIndicatorSection() == 0
    assert header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
    again.resize(900, 300)
    again.show()
    before = [again.columnWidth(column) for column in range(3)]
    again.resize(320, 300)
    assert [again.columnWidth(column) for column in range(3)] != before


@pytest.fixture
def queue(qtbot):
    """A table with columns of known widths; the rate is empty until something moves."""
    model = QStandardItemModel(0, 4)
    model.setHorizontalHeaderLabels(["Name", "Progress", "Rate", "State"])
    for number in range(3):
        cells = [f"reports-2024/daily-{number:02}.json", "", "", "done"]
        model.appendRow([QStandardItem(text) for text in cells])
        model.item(number, 2).setData(RIGHT, Qt.ItemDataRole.TextAlignmentRole)
    view = make_table(model, "Queue")
    columns_of(view).fill_with_names(164, 112, 96)
    qtbot.addWidget(view)
    view.resize(460, 200)
    view.show()
    qtbot.waitUntil(lambda: view.columnWidth(2) < 112)
    return view


def test_empty_columns_give_way_before_names_are_shortened(queue, qtbot):
    header = queue.horizontalHeader()
    assert _drawn(queue, 0, 0) == "reports-2024/daily-00.json"
    assert queue.horizontalScrollBar().maximum() == 0
    for column in (1, 2):
        title = QFontMetrics(header.font()).horizontalAdvance(header.model().headerData(
            column, Qt.Orientation.Horizontal
        ))  # fmt: skip
        assert header.sectionSize(column) >= title + 2 * PADDING
    queue.model().item(1, 2).setText("999.9 MB/s")
    qtbot.waitUntil(lambda: queue.columnWidth(2) == 112)
    queue.model().item(1, 2).setText("")
    qtbot.waitUntil(lambda: queue.columnWidth(2) < 112)


def test_a_table_without_rows_keeps_the_widths_that_it_will_need(queue, qtbot):
    queue.model().removeRows(0, 3)
    queue.resize(900, 200)
    assert [queue.columnWidth(column) for column in (1, 2, 3)] == [164, 112, 96]


class _Counting(Columns):
    heads = ("Name", "Size", "Modified")

    def __init__(self):
        super().__init__()
        self.asked = 0

    def _count(self):
        self.asked += 1
        return 25_000

    def data(self, _index, role=Qt.ItemDataRole.DisplayRole):
        return "x" if role == Qt.ItemDataRole.DisplayRole else None


def test_the_heading_is_drawn_without_walking_the_selected_rows(qtbot):
    model = _Counting()
    view = make_table(model, "Many", multiple=True)
    qtbot.addWidget(view)
    view.show()
    view.selectAll()
    model.asked = 0
    assert not view.horizontalHeader().grab().isNull()
    assert model.asked < 100


def test_the_last_column_in_sight_follows_the_window_when_others_are_hidden(qtbot):
    model = QStandardItemModel(0, 3)
    texts = ("f695…6ae6", "27 Oct 2026 15:40:00", "")
    model.appendRow([QStandardItem(text) for text in texts])
    settings = Settings()
    view = make_table(model, "Versions", settings=settings, key="versions")
    qtbot.addWidget(view)
    view.setColumnHidden(2, True)
    view.resize(600, 100)
    view.show()
    header = view.horizontalHeader()
    for width in (600, 900, 220):
        view.resize(width, 100)
        turned = []
        QTimer.singleShot(0, lambda seen=turned: seen.append(True))
        qtbot.waitUntil(lambda seen=turned: bool(seen))  # what Qt does later is done
        qtbot.waitUntil(lambda: header.length() == view.viewport().width())
    assert view.horizontalScrollBar().maximum() == 0
    stored = settings.get("columns/versions") or {}
    assert not stored.get("touched"), "the window moved the border, not the user"


def test_rows_behind_the_measured_ones_are_not_measured_again(qtbot, monkeypatch):
    def turn():
        """Let everything happen that Qt does later."""
        done = []
        QTimer.singleShot(0, lambda: done.append(True))
        qtbot.waitUntil(lambda: bool(done))

    model = QStandardItemModel(120, 2)
    table = make_table(model, "Many", sortable=False)
    qtbot.addWidget(table)
    columns_of(table).fill_with_names(80)
    turn()
    measured = []

    def measure(_columns, column, *_most):
        measured.append(column)
        return 90

    monkeypatch.setattr(type(columns_of(table)), "_measured", measure)
    model.insertRow(120)
    turn()
    assert measured == []
    model.insertRow(3)
    turn()
    assert measured
