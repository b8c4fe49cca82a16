"""A folder that is too large to be cached is never shown in part as if it were complete."""

from functools import partial

from helpers.browser import DAY, names, settled

from core.objects.level import page_of
from gui.tabs.browser import listing, loading


def test_a_folder_that_was_loaded_in_many_steps_is_listed_again_and_not_shown_in_part(
    tab, qtbot, monkeypatch
):
    """Only the rows of the last step were shown on the return, as those of the complete folder."""
    monkeypatch.setattr(loading, "page_of", partial(page_of, size=1))
    monkeypatch.setattr(listing, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(listing, "_CACHED_ROWS", 1)
    tab.go_to(DAY)
    settled(qtbot, tab)
    first = names(tab)
    for step in (2, 3):
        tab.folder.more.click()
        settled(qtbot, tab)
        assert len(names(tab)) == step
    assert tab.folder.more.isHidden()
    tab.go_to("logs/")
    settled(qtbot, tab)
    tab.go_to(DAY)
    settled(qtbot, tab)
    assert names(tab) == first
    assert not tab.folder.more.isHidden()
