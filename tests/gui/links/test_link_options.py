"""The dialog with the options of links."""

import pytest
from PySide6.QtWidgets import QWidget

from core.links.make import FORM
from core.links.options import LinkOptions
from gui.tabs.links.options_dialog import LinkChoices, LinkOptionsDialog


@pytest.fixture
def holder(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.mark.parametrize(
    ("method", "count", "expected"),
    [
        ("GET", 1, LinkOptions(True, "a.csv", "text/csv", "v1")),
        ("GET", 2, LinkOptions(True, "", "text/csv")),
        ("PUT", 1, LinkOptions(content_type="text/csv")),
        (FORM, 1, LinkOptions(content_type="text/csv")),
    ],
)
def test_only_the_options_that_apply_are_used_and_named(method, count, expected):
    choices = LinkChoices(LinkOptions(True, "a.csv", "text/csv", "v1"), 20_000_000)
    assert choices.for_method(method, count) == expected
    texts = choices.texts(method, count)
    assert ("type text/csv" in texts, "up to 20.0 MB" in texts) == (True, method == FORM)


def test_the_dialog_returns_what_was_typed(holder):
    found = []
    dialog = LinkOptionsDialog(holder, "GET", 1, LinkChoices(), found.append)
    dialog.download.setChecked(True)
    dialog.kind.setText(" text/csv ")
    dialog.go.click()
    assert found == [LinkChoices(LinkOptions(True, "", "text/csv", ""))]


def test_the_size_of_a_form_is_in_megabytes_and_the_maximum_is_that_of_s3(holder):
    found = []
    for size in (20_000_000, LinkChoices().largest):
        dialog = LinkOptionsDialog(holder, FORM, 1, LinkChoices(largest=size), found.append)
        dialog.go.click()
    assert [one.largest for one in found] == [20_000_000, LinkChoices().largest]
