"""The program's folders are those of platformdirs, found without loading it on Linux."""

import platformdirs
import pytest

from core import paths


@pytest.fixture
def no_root(monkeypatch):
    monkeypatch.delenv(paths.HOME_VARIABLE)
    return monkeypatch


@pytest.mark.parametrize("given", [None, "", "  ", "/somewhere/else"])
@pytest.mark.parametrize("kind", ["config", "data", "cache"])
def test_folders_are_those_of_platformdirs(no_root, kind, given):
    variable = f"XDG_{kind.upper()}_HOME"
    no_root.delenv(variable, raising=False)
    if given is not None:
        no_root.setenv(variable, given)
    usual = getattr(platformdirs, f"user_{kind}_dir")("strongroom", appauthor=False)
    assert str(paths._usual(kind)) == usual


def test_a_relative_folder_is_ignored_as_the_specification_asks(no_root, tmp_path):
    no_root.setenv("XDG_DATA_HOME", "relative")
    no_root.setenv("HOME", str(tmp_path))
    assert paths._usual("data") == tmp_path / ".local/share/strongroom"


def test_other_systems_ask_platformdirs(no_root):
    no_root.setattr("core.paths.sys.platform", "darwin")
    asked = platformdirs.user_config_dir("strongroom", appauthor=False)
    assert str(paths._usual("config")) == asked
