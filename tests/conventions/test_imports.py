"""The start of the program loads no library that it does not need yet."""

import json
import subprocess
import sys

import pytest

LOADED = "import json, sys; {}; json.dump(sorted(sys.modules), sys.stdout)"
EVERYTHING = (
    "import pkgutil, importlib, core\n"
    "for m in pkgutil.walk_packages(core.__path__, 'core.'):\n"
    "    if not m.name.endswith('__main__'): importlib.import_module(m.name)\n"
)


def loaded(code):
    """The top-level packages that a fresh Python has loaded after `code`."""
    program = LOADED.replace("{}; ", "") if "\n" in code else LOADED.format(code)
    done = subprocess.run(
        [sys.executable, "-c", code + program if "\n" in code else program],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize(
    ("code", "never"),
    [
        ("import core", {"boto3", "botocore", "PySide6", "typer"}),
        ("import core.cli", {"boto3", "botocore", "PySide6", "typer", "rich"}),
        ("import core.cli.program", {"boto3", "botocore", "PySide6", "moto", "sqlalchemy"}),
        ("import gui.__main__", {"boto3", "botocore", "PySide6", "typer"}),
        ("import gui.app.run, gui.main_window", {"boto3", "botocore", "moto", "sqlalchemy"}),
        (EVERYTHING, {"PySide6", "shiboken6"}),
    ],
    ids=["core", "core.cli", "the command line", "gui.__main__", "the window", "all of core"],
)
def test_what_is_not_needed_is_not_loaded(code, never):
    assert loaded(code) & never == set()
