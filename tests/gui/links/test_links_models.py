"""The list of links shows each link with its real expiry and state."""

from dataclasses import replace
from datetime import timedelta

from PySide6.QtCore import Qt

from core.links.ledger import Entry
from core.links.make import Link
from core.objects.presign import Lifetime
from core.redaction import Secret
from core.units import utc_now
from gui.models.roles import PILL_ROLE
from gui.tabs.links.form import LinkForm
from gui.tabs.links.models import LedgerModel, NewLinksModel, warning_text
from gui.widgets.fitted import FittedText


def entry(key, hours):
    now = utc_now()
    return Entry("b", key, "GET", now, now + timedelta(hours=hours), "me", "AKIA")


def test_a_sorted_row_stands_for_its_own_entry(qapp):
    model = LedgerModel()
    model.show_existence("me", "b", dict.fromkeys("abc", True))
    model.show([entry("b", 1), entry("a", -1), entry("c", 2)])
    model.sort(0, Qt.SortOrder.DescendingOrder)
    assert [model.entry(row).key for row in range(3)] == ["c", "b", "a"]
    assert [model.index(row, 2).data(PILL_ROLE) for row in range(3)] == ["good", "good", "neutral"]
    model.show([entry("x", 1), entry("y", 1)])
    assert model.entry(0).key == "y", "a later filling keeps the order"
    model.sort(-1)
    model.show([entry("x", 1), entry("y", 1)])
    assert model.entry(0).key == "x"


def test_an_unknown_end_is_shown_as_unknown_and_never_as_alive(qapp):
    now = utc_now()
    known = Entry("b", "known", "GET", now, now + timedelta(hours=2), "me", "AKIA")
    unknown = replace(known, key="unknown", expiry_known=False)
    ended = replace(unknown, key="ended", expires=now - timedelta(hours=1))
    model = LedgerModel()
    model.show_existence("me", "b", {"known": True, "unknown": True, "ended": True})
    model.show([known, unknown, ended])
    texts = [[model.index(row, column).data() for column in (2, 3)] for row in range(3)]
    assert texts[0][0] == "active"
    assert texts[1][0] == "expiry unknown"
    assert texts[1][1].startswith("at most ")
    assert texts[2][0] == "expired"
    pills = [model.index(row, 2).data(PILL_ROLE) for row in range(3)]
    assert pills == ["good", "warning", "neutral"]


def test_a_link_is_alive_only_once_its_object_was_found(qapp):
    model = LedgerModel()
    upload = replace(entry("new", 1), method="PUT")
    elsewhere = replace(entry("here", 1), made_by="other profile")
    model.show([entry("here", 1), entry("gone", 1), entry("denied", 1), upload, elsewhere])
    text = [model.index(row, 2).data() for row in range(5)]
    assert text == ["not checked", "not checked", "not checked", "active", "not checked"]
    assert model.keys_to_check("me", "b", 100) == ["here", "gone", "denied"]
    model.show_existence("me", "b", {"here": True, "gone": False, "denied": None})
    text = [model.index(row, 2).data() for row in range(5)]
    assert text == ["active", "no object", "not checked", "active", "not checked"]
    assert [model.index(row, 2).data(PILL_ROLE) for row in range(2)] == ["good", "warning"]
    assert "404" in model.index(1, 2).data(Qt.ItemDataRole.ToolTipRole)


def test_a_link_to_a_version_is_not_judged_by_the_latest_object(qapp):
    model = LedgerModel()
    pinned = replace(entry("gone", 1), version_id="v1")
    model.show([entry("gone", 1), pinned])
    assert model.keys_to_check("me", "b", 100) == ["gone"]
    model.show_existence("me", "b", {"gone": False})
    assert [model.index(row, 2).data() for row in range(2)] == ["no object", "not checked"]
    assert model.index(1, 0).data() == "b/gone (version v1)"
    assert "in the trash" in model.index(1, 2).data(Qt.ItemDataRole.ToolTipRole)


def test_a_link_ends_while_it_is_shown(qapp, monkeypatch):
    """Texts are made while drawing: no loading is needed for a link to end."""
    short = replace(entry("here", 0), expires=utc_now() + timedelta(seconds=90))
    model = LedgerModel()
    model.show([short])
    assert model.index(0, 3).data() in {"1 min 29 s", "1 min 30 s"}
    later = utc_now() + timedelta(seconds=60)
    monkeypatch.setattr("core.units.utc_now", lambda: later)
    assert model.index(0, 3).data() in {"29 s", "30 s"}
    over = utc_now() + timedelta(minutes=5)
    monkeypatch.setattr("core.units.utc_now", lambda: over)
    monkeypatch.setattr("core.links.ledger.utc_now", lambda: over)
    assert model.index(0, 2).data() == "expired"
    assert model.index(0, 3).data().startswith("expired ")
    assert model.keys_to_check("me", "b", 100) == []


def test_warnings_of_links_just_made_stand_in_their_rows(qapp):
    later = utc_now() + timedelta(minutes=1)
    link = Link("a", "GET", Secret("https://h/a?X-Amz-Signature=s1"), 60, later)
    model = NewLinksModel()
    warned = replace(
        link, key="../b", exists=False, warnings=("missing", "path"), expiry_known=False
    )
    model.show([link, warned])
    assert [model.index(row, 3).data() for row in range(2)] == [
        "",
        "no object now, not for browsers",
    ]
    assert model.index(1, 3).data(PILL_ROLE) == "warning"
    assert [model.index(row, 2).data() for row in range(2)] == [
        link.expiry_text,
        warned.expiry_text,
    ]
    assert warned.expiry_text == f"{link.expiry_text} at the latest"
    model.set_test("../b", "works", "good")
    assert model.index(1, 3).data() == "works"
    assert model.index(1, 3).data(PILL_ROLE) == "good"


def test_the_form_shows_the_real_end_and_offers_no_more_than_seven_days(qtbot):
    form = LinkForm()
    qtbot.addWidget(form)
    assert form.hours.maximum() == 7 * 24
    end = utc_now() + timedelta(hours=1)
    form.show_lifetime(Lifetime(end))
    assert form._real.text().startswith("Expires ")
    form.show_lifetime(Lifetime(end, known=False, limited_by="it ends with the credentials"))
    assert " at the latest: " in form._real.text()
    assert form._real.text().endswith("it ends with the credentials.")


def test_the_warning_about_many_links_counts_those_that_were_not_checked():
    def link(exists, method="GET"):
        warnings = ("there is no object",) if exists is False else ()
        ends = utc_now() + timedelta(hours=1)
        url = Secret("https://example.test", remembered=False)
        return Link("key", method, url, 3600, ends, exists=exists, warnings=warnings)

    checked = [link(False)] * 3 + [link(True)]
    text = "3 of {} links may not work (3 without an object{}): see the Test column."
    assert warning_text(3, checked) == text.format(4, "")
    assert warning_text(3, checked + [link(None)] * 2) == text.format(6, ", 2 not checked")
    assert warning_text(3, [*checked, link(None, "PUT")]) == text.format(5, "")


def test_keys_of_another_tab_are_used_as_they_are_until_they_are_edited(qtbot):
    """The editor replaces no-break spaces, and a key with a line end became two keys."""
    form = LinkForm()
    qtbot.addWidget(form)
    keys = ["a\u00a0b.csv", "two\nlines", "\u2029", "a\r\nb", "   "]
    form.set_keys(keys)
    assert form.chosen_keys == keys
    assert form.make.text() == "Create 5 links"
    form.keys.appendPlainText("more")
    assert form.chosen_keys == [
        "a b.csv", "two", "lines", "a", "b", "more",
    ]  # fmt: skip
    form.set_keys(["x"])
    assert form.chosen_keys == ["x"]


def test_the_form_states_how_many_keys_its_warning_is_about(themed, qtbot):
    form = LinkForm()
    qtbot.addWidget(form)
    form.set_keys([f"many/{number}" for number in range(30)])
    form.show_existence({f"many/{number}": False for number in range(20)})
    texts = [label.full for label in form.findChildren(FittedText)]
    assert texts[0].startswith("20 of the first 20 keys have no object now: …/0, ")
    form.set_keys(["a", "b"])
    form.show_existence({"a": False, "b": True})
    texts = [label.full for label in form.findChildren(FittedText)]
    assert texts[0].startswith("1 of 2 keys has no object now: a. ")
