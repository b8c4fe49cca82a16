"""The models of previews return their rows, lines, bytes and tree nodes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

from core.preview import HexDump, Lines, Number, Table, preview
from gui.models.roles import PROGRESS_ROLE, TONE_ROLE
from gui.views.json_model import JsonModel
from gui.views.ladder_model import BAR_ROLE, HoldingsModel, LadderModel
from gui.views.lines_model import HexModel, LinesModel
from gui.views.rows_model import RowsModel

ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


def column(model, number):
    return [model.index(row, number).data() for row in range(model.rowCount())]


@pytest.fixture
def checked(qapp, qtmodeltester):
    def check(model):
        qtmodeltester.check(model)
        return model

    return check


def test_rows_sort_by_number_and_keep_their_own_numbers(checked):
    model = RowsModel()
    rows = (("9", "b"), ("10.50", "B"), ("1e3", "a"), ("", "c"))
    model.set_table(Table(("n", "side"), rows, (True, False), signs="side"))
    checked(model)
    stored = QPersistentModelIndex(model.index(1, 0))
    model.sort(0, DESCENDING)
    assert column(model, 0) == ["1e3", "10.50", "9", ""]
    assert stored.data() == "10.50"
    assert model.place_of(0).row() == 2
    model.sort(-1)
    assert column(model, 0) == ["9", "10.50", "1e3", ""]
    assert model.index(0, 1).data(TONE_ROLE) == "good"


def test_lines(checked):
    model = LinesModel()
    model.set_lines(Lines(("one", "two\tTWO", "three"), "EWI"))
    checked(model)
    assert column(model, 1)[1] == "two TWO"
    assert [model.index(row, 1).data(TONE_ROLE) for row in range(3)] == ["danger", "warning", None]
    assert model.found("TWO") == [1]
    assert model.found("") == []
    assert model.longest() == 7


def test_bytes(checked):
    model = HexModel()
    model.set_dump(HexDump(bytes(range(60, 80))))
    checked(model)
    assert column(model, 0) == ["00000000", "00000010"]
    assert column(model, 2) == ["<=>?@ABCDEFGHIJK", "LMNO"]


def test_a_tree_builds_only_what_is_opened(checked):
    model = JsonModel()
    model.set_root({"big": [Number(str(n)) for n in range(1200)], "t": True, "n": None, "s": "x"})
    big = model.index(0, 0)
    assert model.rowCount(big) == 0
    assert model.canFetchMore(big)
    model.fetchMore(big)
    assert model.rowCount(big) == 500
    while model.canFetchMore(big):
        model.fetchMore(big)
    assert model.rowCount(big) == 1200
    assert model.index(1199, 1, big).data() == "1199"
    assert column(model, 1) == ["[1,200]", "true", "null", '"x"']
    assert model.parent(model.index(3, 0, big)) == big
    checked(model)


def test_a_tree_of_one_value(checked):
    model = JsonModel()
    model.set_root(Number("1.50"))
    checked(model)
    assert (model.rowCount(QModelIndex()), model.index(0, 1).data()) == (1, "1.50")


def test_ladder(checked):
    book = preview(b'{"orderbook": {"bids": [["1.50", 2], [1, 8]], "asks": [[2, 4]]}}', "x.json")
    model = LadderModel()
    model.set_book(book.representations[0])
    checked(model)
    assert [model.index(0, n).data() for n in range(4)] == ["2", "1.50", "2", "4"]
    assert model.index(1, 2).data() == ""
    assert model.index(0, 0).data(BAR_ROLE) == 0.25


def test_holdings(checked):
    assets = (
        b'[{"symbol":"A","quantity":1,"value_usd":25},{"symbol":"B","quantity":2,"value_usd":75}]'
    )
    found = preview(b'{"portfolio": {"assets": ' + assets + b"}}", "x.json")
    model = HoldingsModel()
    model.set_holdings(found.representations[0])
    checked(model)
    assert column(model, 0) == ["B", "A"]
    assert column(model, 4) == ["75.0%", "25.0%"]
    assert model.index(0, 4).data(PROGRESS_ROLE) == 0.75
    model.sort(3, ASCENDING)
    assert column(model, 0) == ["A", "B"]
