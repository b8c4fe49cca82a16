"""What the window writes without waiting for a database that another process has locked."""

import threading
import time
from contextlib import contextmanager

import apsw
import pytest

from core.errors import LocalIOError
from core.local.activity import ChangeLog
from core.local.settings import Settings
from core.local.state.database import state_database
from core.local.writer_thread import WriterThread
from core.model.change import Change, ChangeKind
from core.units import utc_now


def change(subject):
    return Change(ChangeKind.OBJECTS, "Uploading", subject, "tests", utc_now())


@contextmanager
def locked(folder):
    """Lock the database of a folder, as another process does while it writes."""
    state_database(folder).rows("SELECT 1")
    other = apsw.Connection(str(state_database(folder).path))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.fixture
def settings(tmp_path):
    found = Settings(tmp_path)
    found.set("a", 0)
    found.flush()
    return found


def refuse(error):
    raise AssertionError(error)


def test_changes_are_logged_in_order_without_waiting_for_a_lock(tmp_path):
    log = ChangeLog(tmp_path)
    log.append(change("first"))
    began = time.monotonic()
    with locked(tmp_path):
        for subject in ("second", "third"):
            log.append_later(change(subject), profile="work", failed=refuse)
        assert time.monotonic() - began < 5  # half of the time that a writer waits for a lock
    logged = log.read()  # waits for both
    assert [each.change.subject for each in logged] == ["first", "second", "third"]
    assert logged[-1].profile == "work"


def test_a_change_that_cannot_be_logged_is_reported_and_the_next_one_is_logged(
    tmp_path, monkeypatch
):
    log, errors = ChangeLog(tmp_path), []
    with monkeypatch.context() as patch:
        patch.setattr("core.local.state.opening.BUSY_SECONDS", 0.01)
        with locked(tmp_path):
            log.append_later(change("lost"), profile="", failed=errors.append)
            log.append_later(change("lost, too"), profile="", failed=errors.append)
            log._writer.wait()
    assert [type(each) for each in errors] == [LocalIOError, LocalIOError]
    log.append_later(change("logged"), profile="", failed=refuse)
    assert [each.change.subject for each in log.read()] == ["logged"]


def test_settings_are_read_and_changed_while_a_write_waits_for_a_lock(settings, tmp_path):
    settings.set("a", 1)
    began = time.monotonic()
    with locked(tmp_path):
        settings.flush_later(refuse)
        settings.set("a", 2)
        settings.set("b", 3)
        assert (settings.get("a"), settings.get("b")) == (2, 3)
        assert time.monotonic() - began < 5
    settings._writer.wait()
    assert (settings.get("a"), settings.get("b")) == (2, 3)
    settings.flush()
    again = Settings(tmp_path)
    assert (again.get("a"), again.get("b")) == (2, 3)


def test_settings_that_could_not_be_written_are_written_the_next_time(
    settings, tmp_path, monkeypatch
):
    errors = []
    settings.set("a", 1)
    with monkeypatch.context() as patch:
        patch.setattr("core.local.state.opening.BUSY_SECONDS", 0.01)
        with locked(tmp_path):
            settings.flush_later(errors.append)
            settings._writer.wait()
    assert [type(each) for each in errors] == [LocalIOError]
    settings.flush_later(refuse)
    settings._writer.wait()
    assert Settings(tmp_path).get("a") == 1


def test_only_a_changed_setting_is_announced(settings):
    heard = []
    settings.changed = lambda: heard.append(threading.current_thread())
    settings.set("a", 0)
    assert not heard
    settings.set("a", 1)
    assert heard == [threading.main_thread()]


def test_a_bug_in_one_write_does_not_prevent_the_others(monkeypatch):
    bugs, written, gate = [], [], threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda found: bugs.append(found.exc_value))
    writer = WriterThread("settings")
    writer.add(gate.wait)
    writer.add(lambda: 1 / 0)
    writer.add(lambda: written.append("second"))
    gate.set()
    writer.wait()
    writer.add(lambda: written.append("third"))
    writer.wait()
    assert written == ["second", "third"]
    assert [type(each) for each in bugs] == [ZeroDivisionError]
