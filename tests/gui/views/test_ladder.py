"""The ladder of an order book in a narrow pane."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PySide6.QtWidgets import QStyleOptionViewItem

from core.preview import Book, Level
from gui.views.depth_view import DepthView


def _book() -> Book:
    bids = [Level(Decimal("41997.50") - n, Decimal("0.8444")) for n in range(50)]
    asks = [Level(Decimal("42002.50") + n, Decimal("0.0011")) for n in range(50)]
    return Book("BTC-USD", None, bids, asks)


@pytest.mark.parametrize("width", [290, 315, 360, 508])
def test_all_columns_are_visible_at_any_width(show, width):
    view = show(DepthView(), size=(width, 300))
    view.show_content(_book())
    ladder = view.ladder
    assert ladder.horizontalScrollBar().maximum() == 0
    columns = ladder.horizontalHeader()
    assert sum(columns.sectionSize(at) for at in range(4)) <= ladder.viewport().width()
    # Both sides are equally wide, so that the best prices are in the middle.
    assert abs(columns.sectionSize(0) - columns.sectionSize(3)) <= 1


def test_quantities_and_prices_are_complete_in_a_narrow_pane(show):
    view = show(DepthView(), size=(300, 300))
    view.show_content(_book())
    ladder = view.ladder
    option = QStyleOptionViewItem()
    # The last column may use its margin at the edge.
    spare = (0, 0, 0, 8)
    for column in range(4):
        needed = ladder.itemDelegate().sizeHint(option, ladder.model().index(0, column)).width()
        assert needed <= ladder.columnWidth(column) + spare[column] + 1
