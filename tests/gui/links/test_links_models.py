from datetime import timedelta

from PySide6.QtCore import Qt

from core.links.ledger import Entry
from core.units import utc_now
from gui.models.roles import PILL_ROLE
from gui.tabs.links.models import LedgerModel


def entry(key, hours):
    now = utc_now()
    return Entry("b", key, "GET", now, now + timedelta(hours=hours), "me", "AKIA")


def test_a_sorted_row_stands_for_its_own_entry(qapp):
    model = LedgerModel()
    model.show([entry("b", 1), entry("a", -1), entry("c", 2)])
    model.sort(0, Qt.SortOrder.DescendingOrder)
    assert [model.entry(row).key for row in range(3)] == ["c", "b", "a"]
    assert [model.index(row, 2).data(PILL_ROLE) for row in range(3)] == ["good", "good", "neutral"]
    model.show([entry("x", 1), entry("y", 1)])
    assert model.entry(0).key == "y", "a later filling keeps the order"
    model.sort(-1)
    model.show([entry("x", 1), entry("y", 1)])
    assert model.entry(0).key == "x"
