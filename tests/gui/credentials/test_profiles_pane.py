"""The list of profiles keeps what the user has selected."""

import pytest

from core.model.connection import KeySource, Profile
from gui.tabs.credentials.profiles.profiles_pane import ProfilesPane

FIRST, SECOND, THIRD = (Profile(name, KeySource.SESSION) for name in ("a", "b", "c"))


@pytest.fixture
def pane(themed, qtbot):
    made = ProfilesPane()
    qtbot.addWidget(made)
    made.show_profiles((FIRST, SECOND, THIRD), "a")
    return made


def select(pane, row):
    pane.list.setCurrentIndex(pane.model.index(row, 0))


def test_a_refresh_keeps_the_selected_profile(pane):
    assert pane.current == FIRST
    select(pane, 2)
    pane.show_profiles((Profile("0", KeySource.SESSION), FIRST, THIRD), "a")
    assert pane.current == THIRD
    pane.show_profiles((FIRST, SECOND), "a")
    assert pane.current == FIRST, "the selected one was deleted"


def test_another_profile_that_comes_into_use_is_selected(pane):
    select(pane, 2)
    pane.show_profiles((FIRST, SECOND, THIRD), "b")
    assert pane.current == SECOND
