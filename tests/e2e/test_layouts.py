"""Nothing is clipped or unreachable at any size of the window, and no message moves it."""

from helpers.geometry import cut_cells, positions, problems
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from core.errors import Throttled
from gui.app.samples import show_sample
from gui.tab_list import TABS

#: The usual ones, then 1920 x 1080 at 200 % and 1280 x 800 at 150 %: a window that becomes smaller
#: shows what keeps the width that it had.
SIZES = ((1920, 1080), (1280, 800), (1100, 640), (960, 540), (853, 533))
#: From this width on, times are shown in full.
MOMENTS_FROM = 1280
#: Milliseconds for loading a view on a busy machine.
LONG = 60_000


def _settle(user, tab):
    """Wait until a tab is loaded and laid out."""
    user.until(lambda: not tab.busy, LONG)
    laid_out = []
    QTimer.singleShot(0, lambda: laid_out.append(True))
    user.until(lambda: laid_out)


def _loaded(user, spec):
    tab = user.window.show_tab(spec.id)
    tab.ensure_loaded()
    _settle(user, tab)
    show_sample(tab)
    _settle(user, tab)
    tab.banner.clear()
    return tab


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


def test_every_tab_fits_at_every_size_and_no_message_moves_it(user):
    window, found = user.window, {}
    for spec in TABS:
        tab = _loaded(user, spec)
        for width, height in SIZES:
            window.resize(width, height)
            _settle(user, tab)
            assert window.size().toTuple() == (width, height), "the window cannot be that small"
            seen = problems(window) + cut_cells(window, moments=width >= MOMENTS_FROM)
            for problem in seen:
                found.setdefault(f"{spec.id}: {problem}", []).append(f"{width}x{height}")
        window.resize(1280, 800)
        _settle(user, tab)
        # An age that counts on may widen its label just then; a message would move things each time.
        if all(_moved_by_a_message(user, tab) for _attempt in range(3)):
            found[f"{spec.id}: a message moves widgets"] = ["1280x800"]
    assert found == {}, "\n" + "\n".join(f"{what} {at}" for what, at in found.items())
