"""Settings and the log of changes are written while the window is open, and failures are shown."""

from core.errors import LocalIOError
from core.local.settings import Settings
from core.model.change import Change, ChangeKind
from core.units import utc_now


def test_settings_are_on_the_disk_while_the_window_is_open(context, qtbot, tmp_path):
    context._writes._timer.setInterval(10)
    context.settings.set("browser/bookmarks", ["market-data/"])
    qtbot.waitUntil(lambda: Settings(tmp_path).get("browser/bookmarks") == ["market-data/"])


def test_several_changes_are_written_once(context, qtbot, monkeypatch):
    writes = []
    monkeypatch.setattr(context.settings, "flush_later", writes.append)
    context._writes._timer.setInterval(10)
    for number in range(5):
        context.settings.set("width", number)
    qtbot.waitUntil(lambda: bool(writes))
    qtbot.wait(50)
    assert len(writes) == 1


def test_a_change_that_cannot_be_logged_is_shown_and_announced(context, qtbot, monkeypatch):
    def refuse(*_change, **_profile):
        raise LocalIOError("The database is locked", cause="Test.", remedy="Close it.")

    monkeypatch.setattr(context.log, "append", refuse)
    change = Change(ChangeKind.OBJECTS, "Uploading", "a", "tests", utc_now())
    announced = []
    context.changed.connect(announced.append)
    with qtbot.waitSignal(context.trouble) as trouble:
        context.announce(change)
        assert announced == [change]
    assert trouble.args[0].summary == "The database is locked"


def test_settings_of_a_closed_window_can_be_changed(context, qtbot):
    settings = context.settings
    writes = context._writes
    with qtbot.waitSignal(writes.destroyed):
        writes.deleteLater()
    settings.set("a", 1)
    assert settings.get("a") == 1
