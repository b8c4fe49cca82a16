"""The start of the program loads no module that it does not need yet."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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


#: Modules that a backup needs in special cases only: they would delay each connection to a
#: database.
NOT_FOR_A_BACKUP = {
    "core.aws": ("credential_errors", "expiry", "faults"),
    "core.backup": (
        "choice", "encryption", "encryption_keys", "failure_notice", "listing", "old_form", "package",
        "schedule",
    ),
    "core.backup.databases": ("row_statements", "single_rows"),
    "core.engine": ("operations",),
    "core.layout": ("kinds", "places"),
    "core.model": (
        "backup_listing", "backup_plan", "database", "identity", "listing", "restore", "row_restore",
        "schedule", "secrets", "verification",
    ),
}  # fmt: skip
#: By the address of a database the modules of its engine that only a restore needs.
ONLY_FOR_A_RESTORE = {
    "postgresql://user@localhost/shop": {
        "core.backup.databases.postgresql": (
            "compare", "dependants", "former", "orphans", "row_restore", "swap", "takeover", "trial",
            "undo", "volatile",
        ),
    },
    "mariadb://user@localhost/shop": {
        "core.backup.databases.mysql": (
            "compare", "completion", "dependants", "future_orphans", "load", "long_lines", "notes",
            "orphans", "recovery", "referring", "routines", "row_restore", "swap",
        ),
    },
    "shop.db": {
        "core.backup.databases.sqlite": ("compare", "dependants", "orphans", "row_restore", "undo"),
    },
}  # fmt: skip
BACKUP = """
import json, os, sys
from core.backup.databases import engine_of

def report_modules(*_arguments, **_options):
    print(json.dumps(list(sys.modules)), flush=True)
    os._exit(0)

engine_of(sys.argv[1]).open = report_modules
from core.cli import main
main(["backup", sys.argv[1], "orders"])
"""


@pytest.mark.parametrize("address", ONLY_FOR_A_RESTORE)
def test_a_backup_loads_only_what_it_needs_before_it_connects(address):
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x" * 40}
    done = subprocess.run(
        [sys.executable, "-c", BACKUP, address],
        capture_output=True, text=True, timeout=60, check=True, env={**os.environ, **keys},
    )  # fmt: skip
    found = set(json.loads(done.stdout))
    assert "core.backup.run" in found
    packages = NOT_FOR_A_BACKUP | ONLY_FOR_A_RESTORE[address]
    never = {f"{package}.{name}" for package, names in packages.items() for name in names}
    assert found & never == set()
    missing = [name for name in never if not (ROOT / f"{name.replace('.', '/')}.py").exists()]
    assert missing == []  # a module that was renamed would never be found


def test_writing_an_object_does_not_load_the_kinds_of_data():
    code = f"import core.objects.writing; {LOADED.replace('{}; ', '')}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "core.layout.kinds" not in json.loads(done.stdout)
