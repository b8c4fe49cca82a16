"""Nothing is clipped or unreachable at any size of the window, and no message moves it."""

import contextlib
import shutil
import sqlite3
from functools import partial

import pytest
from helpers.demo import plain_client
from helpers.geometry import cut_cells, positions, problems
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QScrollBar, QWidget

from core.errors import Throttled
from gui import theme
from gui.app.samples import show_sample
from gui.tab_list import TABS
from gui.tabs.backups.models import BackupsModel

#: The usual ones, then 1280 x 800 at 150 %: a window that becomes smaller shows what keeps the width
#: that it had.
SIZES = ((1920, 1080), (1280, 800), (1100, 640), (853, 533))
#: From this width on, times are shown in full.
MOMENTS_FROM = 1280
#: Turns of the event loop in which nested layouts pass their minimum sizes on.
_TURNS = 5
#: Milliseconds for loading a view on a busy machine.
LONG = 60_000


def _settle(user, tab):
    """Wait until a tab is loaded and laid out, which may take several turns of the event loop."""
    user.until(lambda: not tab.busy, LONG)
    turns = []
    for turn in range(1, _TURNS + 1):
        QTimer.singleShot(0, partial(turns.append, turn))
        user.until(lambda: len(turns) == turn)  # noqa: B023 - it is called before the next turn


def _loaded(user, spec):
    tab = user.window.show_tab(spec.id)
    tab.ensure_loaded()
    _settle(user, tab)
    show_sample(tab)
    _settle(user, tab)
    tab.banner.clear()
    return tab


def _seen(user, tab, *, moments=False):
    """Return what does not fit, also after another moment: an age may just have become wider."""
    former, seen = [], None
    while seen is None or (seen and seen != former):
        former, seen = seen, problems(user.window) + cut_cells(user.window, moments=moments)
        if _moving(user, tab):
            seen.append("is laid out again and again")
    return seen


def _moving(user, tab):
    """Return whether something moves all the time; an age that counts on does so once a second."""
    for _attempt in range(3):
        before = positions(user.window)
        _settle(user, tab)
        if positions(user.window) == before:
            return False
    return True


def _moved_by_a_message(user, tab):
    """Return how many widgets of the window are elsewhere while a message is shown, or after it."""
    window, focus = user.window, QApplication.focusWidget()
    before = positions(window)
    tab.banner.show_error(Throttled("Slow", details="x"), lambda: None)
    _settle(user, tab)
    during = positions(window)
    tab.banner.clear()
    _settle(user, tab)
    after = positions(window)
    assert QApplication.focusWidget() is focus
    return sum(before[key] != places.get(key) for places in (during, after) for key in before)


def _scrolled(window):
    """Return each visible scroll bar that can be moved, in the middle of its range."""
    bars = [
        each for each in window.findChildren(QScrollBar) if each.isVisible() and each.maximum() > 0
    ]
    for bar in bars:
        bar.setValue(bar.maximum() // 2)
    return bars


def _moved_by_the_theme(user, tab):
    """Return which widgets and scroll bars are elsewhere in another theme, or after it."""
    window, places = user.window, []
    bars = _scrolled(window)
    _settle(user, tab)
    for mode in ("", "dark", "system"):
        if mode:
            theme.current().set_mode(mode)
            _settle(user, tab)
        # Ages and times that count on change widths by themselves.
        heights = {key: (place.y(), place.height()) for key, place in positions(window).items()}
        places.append({**heights, **{-id(bar): bar.value() for bar in bars}})
    before, *others = places
    named = {id(each): type(each).__name__ for each in window.findChildren(QWidget)}
    return [
        f"{named.get(abs(key))} {before[key]} {place.get(key)}"
        for place in others
        for key in before
        if before[key] != place.get(key)
    ]


def test_every_tab_fits_at_every_size_and_no_message_moves_it(user):
    window, found = user.window, {}
    for spec in TABS:
        tab = _loaded(user, spec)
        for width, height in SIZES:
            window.resize(width, height)
            _settle(user, tab)
            assert window.size().toTuple() == (width, height), "the window cannot be that small"
            for problem in _seen(user, tab, moments=width >= MOMENTS_FROM):
                found.setdefault(f"{spec.id}: {problem}", []).append(f"{width}x{height}")
        window.resize(1280, 800)
        _settle(user, tab)
        # An age that counts on may widen its label just then; a message would move things each
        # time.
        if all(_moved_by_a_message(user, tab) for _attempt in range(3)):
            found[f"{spec.id}: a message moves widgets"] = ["1280x800"]
        # So may the activity of the window, which a repetition does not find again.
        moved = _moved_by_the_theme(user, tab)
        for _repetition in range(2):
            moved = moved and _moved_by_the_theme(user, tab)
        if moved:
            found[f"{spec.id}: another theme moves widgets"] = moved
    assert found == {}, "\n" + "\n".join(f"{what} {at}" for what, at in found.items())


#: A table whose name is as long as PostgreSQL allows, with a mnemonic of Qt and a trigger.
_LONG_NAME = "daily_account_balances_of_all_customers_before_the_R&D_migration"
_LONG_TABLE = f"""
CREATE TABLE "{_LONG_NAME}" (id INTEGER PRIMARY KEY, balance TEXT);
CREATE TRIGGER "{_LONG_NAME}_is_written_to_the_log" AFTER INSERT ON "{_LONG_NAME}"
    BEGIN SELECT 1; END;
"""
#: From larger to smaller, and back: 1280 x 800 at 150 % inside of a frame, then the least height.
_RESIZED = ((1280, 800), (1100, 640), (852, 517), (852, 500), (1000, 520), (1100, 500), (1280, 500))
#: For tables with usual names: the largest and the least size.
_EXTREMES = (_RESIZED[0], _RESIZED[3])


def test_the_backups_of_every_table_fit_after_the_window_was_resized(user, database):
    """The minimum of a column must not depend on a name: what is wider would never become narrow."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(_LONG_TABLE)
    tab = _loaded(user, next(spec for spec in TABS if spec.id == "backups"))
    others = [str(shutil.copy(database, database.with_name(f"{n}.db"))) for n in range(4)]
    tab._show_databases([str(database), *others])
    assert tab.sources.model.rowCount() == 6
    found = {}
    for info in tab.tables.model.tables:
        tab.open_target(info.name)
        user.until(lambda: tab.restoring.preview is not None, LONG)
        _settle(user, tab)
        assert tab.restoring.preview.table == info.name
        tab.former_bar.show_former(
            str(database), info.name, f"{info.name}__before_20261129T112119Z"
        )
        checked = "verified on 2026-11-29T11:21:19+00:00"
        tab.backups.set_checked(tab.backups.model.backups[0], checked)
        assert tab.backups.model.index(0, BackupsModel.CHECKED).data() == "verified 29 Nov 2026"
        for shape in ("list", "calendar"):
            tab.backups.shape.select(shape)
            # Below the calendar of a low window there is no room for it.
            tab.former_bar.setVisible(shape == "list")
            for width, height in _RESIZED if info.name == _LONG_NAME else _EXTREMES:
                user.window.resize(width, height)
                _settle(user, tab)
                for problem in _seen(user, tab):
                    found.setdefault(f"{info.name}, {shape}: {problem}", []).append((width, height))
    assert _LONG_NAME in {info.name for info in tab.tables.model.tables}
    assert found == {}, "\n" + "\n".join(f"{what} {at}" for what, at in found.items())


def test_the_message_about_former_rows_is_in_sight_below_the_calendar(user, database):
    tab = _loaded(user, next(spec for spec in TABS if spec.id == "backups"))
    user.window.resize(852, 480)
    tab.open_target("orders")
    user.until(lambda: tab.restoring.preview is not None, LONG)
    tab.backups.shape.select("calendar")
    _settle(user, tab)
    bar = tab.former_bar
    bar.show_former(str(database), "orders", "orders__before_20261129T112119Z")
    user.until(lambda: bar.visibleRegion().boundingRect().height() == bar.height(), LONG)


def test_every_tab_that_is_first_opened_in_a_small_window_fits(user):
    """A tab shows all of its columns only if its page is wide enough, from the beginning."""
    window, found = user.window, {}
    window.resize(852, 517)
    for spec in TABS:
        tab = window.show_tab(spec.id)
        tab.ensure_loaded()
        _settle(user, tab)
        for problem in _seen(user, tab):
            found.setdefault(f"{spec.id}: {problem}", []).append("852x517")
    assert found == {}, "\n" + "\n".join(f"{what} {at}" for what, at in found.items())


@pytest.fixture
def secrets_without_form(demo_server):
    """The names of secrets that are no JSON objects; the second one has the longest note."""
    client = plain_client(demo_server, "secretsmanager", demo_server.admin)
    texts = {"cryptotrading/layout-a": '{"a": 1', "cryptotrading/layout-b": "\u202ea\r\nb\n"}
    for name, text in texts.items():
        client.create_secret(Name=name, SecretString=text)
    binary = "cryptotrading/layout-c"
    client.create_secret(Name=binary, SecretBinary=bytes(range(200)) * 2)
    yield (*texts, binary)
    for name in (*texts, binary):
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def test_a_secret_without_a_form_fits_into_a_small_window(secrets_without_form, user):
    tab, found = _loaded(user, next(spec for spec in TABS if spec.id == "credentials")), {}
    pages = tab.secret.editor.json, tab.secret.binary.bytes
    for width, height in ((852, 560), (852, 517), (800, 480)):
        user.window.resize(width, height)
        for name in secrets_without_form:
            tab.secrets.go_to(name)
            user.until(lambda: tab.secret.value is not None and tab.secret.value.name == name, LONG)  # noqa: B023 - called before the next turn
            _settle(user, tab)
            (page,) = (each for each in pages if each.isVisible())
            assert not page.revealed
            for problem in _seen(user, tab):
                found.setdefault(f"{name}: {problem}", []).append((width, height))
    assert found == {}, "\n" + "\n".join(f"{what} {at}" for what, at in found.items())


def test_the_plan_of_an_upload_is_in_sight_and_fits(user, tmp_path):
    """Its buttons are below the visible part of a low window, and its list takes half of the queue."""
    user.window.resize(852, 517)
    tab = user.window.show_tab("uploads")
    tab.ensure_loaded()
    for number in range(6):
        (tmp_path / f"{number}.json").write_text("{}")
    tab.form.add([str(tmp_path)])
    user.until(lambda: tab.form.plan.plan is not None, LONG)
    _settle(user, tab)
    assert not tab.form.plan.start.visibleRegion().isEmpty()
    assert _seen(user, tab) == []
    tab.form.plan.list.click()
    _settle(user, tab)
    assert tab.plan.isVisible()
    assert _seen(user, tab) == []
