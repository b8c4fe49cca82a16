"""The sizes of panes that the next window has."""

import pytest
from PySide6.QtWidgets import QLabel, QWidget

from core.local.settings import Settings
from gui.main_window.window_state import WindowState
from gui.widgets.panel import set_last_shown, splitter

_SIZES = [250, 550, 400]


@pytest.fixture
def made(themed, qtbot):
    """A factory of tabs with a splitter of three parts."""

    def make():
        tab = QWidget()
        qtbot.addWidget(tab)
        split = splitter(*(QLabel(name, tab) for name in "abc"), sizes=tuple(_SIZES))
        split.setParent(tab)
        split.resize(sum(_SIZES) + 2, 300)
        tab.show()
        split.setSizes(_SIZES)
        return tab, split

    return make


@pytest.mark.parametrize("shown", [True, False])
def test_a_part_that_was_hidden_at_the_end_has_its_size_in_the_next_window(made, tmp_path, shown):
    state = WindowState(Settings(tmp_path))
    tab, split = made()
    split.setSizes([200, 600, 400])
    state.save({}, "browser", {"browser": tab})
    set_last_shown(split, shown=shown)
    state.save({}, "browser", {"browser": tab})
    tab, split = made()
    state.restore_splitters("browser", tab)
    assert split.sizes() == ([200, 600, 400] if shown else _SIZES)
