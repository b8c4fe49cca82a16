"""Changes of a bucket that end while another one is shown leave its rows and its undo alone."""

import pytest
from helpers.browser import in_other_thread, names, settled

from core.errors import NotFound
from core.objects.property_edits import PropertyEdit
from core.objects.reading import head
from gui.tabs.browser import removal
from gui.tabs.browser.undo_steps import NOTHING_TO_UNDO


def delete(tab):
    tab.removal.ask(tab.folder.selected)


def edit(tab):
    tab.tools.edits._start(["note.txt"], PropertyEdit(metadata=(("team", "desk"),)))


def move(tab):
    tab.tools.copying.rename(tab.folder.selected)
    dialog = tab.tools.copying.name_dialog
    dialog.field.setText("new.txt")
    dialog.go.click()


@pytest.mark.parametrize("change", [delete, edit, move])
def test_a_change_that_ends_after_a_switch(tab, bucket, other, qtbot, monkeypatch, change):
    monkeypatch.setattr(removal, "_IN_THE_WINDOW", 0)  # such as a delete of a thousand objects
    begun, real = [], type(tab).bulk

    def bulk(*arguments, **options):
        begun.append(real(*arguments, **options))
        tab.context.set_workspace(other)

    monkeypatch.setattr(type(tab), "bulk", bulk)
    tab.folder.select_all_of(["note.txt"])
    change(tab)
    qtbot.waitUntil(lambda: bool(begun) and not begun[0].running, timeout=30_000)
    settled(qtbot, tab)
    assert begun[0].state == "done"
    if change is delete:
        with pytest.raises(NotFound):
            in_other_thread(head, bucket, "note.txt")
    assert "note.txt" in names(tab)
    assert tab.removal.reason_not_to_undo() == NOTHING_TO_UNDO
    assert f"s3://{bucket.name}" in tab.banner.text
