"""The program starts the window or a command, and the first paint loads nothing that is slow."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.widget_tree import descriptions_with_html, labels_with_html, unnamed
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication

import gui.app.run
from core.errors import ErrorKind
from core.local.state.database import FILE_NAME
from core.paths import data_dir
from gui import theme
from gui.__main__ import main
from gui.app.folders import unusable_folder
from gui.app.options import Options, UsageProblem, display_missing, parse
from gui.app.run import Program
from gui.main_window.connecting import Connector
from gui.main_window.window import MainWindow
from gui.tab_list import TABS

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Options()),
        (["--demo"], Options(demo=True)),
        (["--profile", "dev", "--theme=dark"], Options(profile="dev", theme="dark")),
        (
            ["--screenshots", "out", "--size", "1920x1080"],
            Options(screenshots=Path("out"), size=(1920, 1080)),
        ),
        (
            ["--demo", "--screenshots", "out", "--screenshots-of=previews"],
            Options(demo=True, screenshots=Path("out"), screenshots_of="previews"),
        ),
        (["stats", "--demo"], None),
        (["--demo", "ls"], None),
        (["--help"], None),
        (["--version"], None),
        (["--no-such-option"], None),
    ],
)
def test_sub_commands_go_to_the_command_line_and_the_rest_to_the_window(arguments, expected):
    assert parse(arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["--size", "big"],
        ["--theme", "pink"],
        ["--profile"],
        ["--profile", ""],
        ["--profile="],
        ["--theme="],
        ["--demo", "--profile", "x"],
        ["--demo", "--screenshots-of", "everything"],
        ["--screenshots", "out", "--screenshots-of", "previews"],
    ],
)
def test_wrong_values_are_reported_and_nothing_opens(arguments, capsys):
    with pytest.raises(UsageProblem):
        parse(arguments)
    assert main(arguments) == 2
    assert "strongroom: --" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "system", "missing"),
    [
        ({}, "linux", True),
        ({"QT_QPA_PLATFORM": "xcb"}, "linux", True),
        ({"DISPLAY": ":0"}, "linux", False),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", False),
        ({"QT_QPA_PLATFORM": "offscreen"}, "linux", False),
        ({}, "darwin", False),
        ({}, "win32", False),
    ],
)
def test_a_missing_display_is_noticed(environment, system, missing):
    assert display_missing(environment, system) is missing


def _strongroom(*arguments, **environment):
    names = ("PATH", "HOME", "STRONGROOM_HOME", "LANG", "SYSTEMROOT")
    stored = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=_ROOT,
        env={**stored, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_display_it_says_how_to_get_one():
    ended = _strongroom("-m", "gui", "--demo")
    assert ended.returncode == 2
    assert "xvfb" in ended.stderr
    assert "offscreen" in ended.stderr
    assert "Traceback" not in ended.stderr


_WITH_DIALOG = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QPushButton
from gui.__main__ import main
from gui.app import run

app = run._application()

def close():
    (dialog,) = [each for each in app.topLevelWidgets() if each.isVisible()]
    print(*[label.text() for label in dialog.findChildren(QLabel)], sep="|")
    dialog.findChild(QPushButton).click()

QTimer.singleShot(0, close)
sys.exit(main(["--theme", "dark"]))
"""


@pytest.mark.parametrize("name", ["data", "config", "cache"])
def test_a_folder_that_cannot_be_used_is_named_in_a_dialog_and_no_window_opens(tmp_path, name):
    """Users who start the program from their desktop do not see its standard error."""
    file = tmp_path / "<b>file"
    file.write_bytes(b"x")
    ended = _strongroom(
        "-c", _WITH_DIALOG, QT_QPA_PLATFORM="offscreen", HOME=str(tmp_path), STRONGROOM_HOME="",
        **{f"XDG_{name.upper()}_HOME": str(file)},
    )  # fmt: skip
    assert ended.returncode == ErrorKind.LOCAL_IO.value
    folder = file / "strongroom"
    parts = [
        f"The folder {folder} could not be used.",
        f"A part of the path {folder} is a file, not a folder.",
        "Correct the path.",
    ]
    assert ended.stdout == "|".join(["Strongroom cannot start", *parts]) + "\n"
    assert ended.stderr.startswith(f"strongroom: {' '.join(parts)}\n")


def test_no_dialog_opens_while_pictures_are_taken(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setenv("DISPLAY", ":0")
    assert main(["--profile", "x", "--screenshots", "out"]) == ErrorKind.LOCAL_IO.value
    assert capsys.readouterr().err.startswith("strongroom: The folder ")


def test_pictures_of_the_demo_do_not_need_the_folders_of_the_user(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(gui.app.run, "run", lambda _options: 0)
    assert main(["--demo", "--screenshots", "out"]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix closes the stream")
def test_a_closed_standard_error_does_not_prevent_the_report_of_a_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    command = f"exec {shlex.quote(sys.executable)} -m gui --screenshots out 2>&-"
    home = {"STRONGROOM_HOME": str(tmp_path / "file" / "home"), "DISPLAY": ":0"}
    ended = subprocess.run(["sh", "-c", command], env=os.environ | home, cwd=_ROOT, check=False)
    assert ended.returncode == ErrorKind.LOCAL_IO.value


@pytest.mark.parametrize("known", [False, True])
def test_a_data_folder_without_the_right_to_write_is_used_if_it_has_a_database(
    tmp_path, monkeypatch, known
):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    if known:
        (data_dir() / FILE_NAME).touch()
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    error = unusable_folder()
    assert (error is None) is known
    assert known or error.cause.startswith("You do not have permission to use ")


def test_the_command_line_never_imports_qt():
    code = (
        "import sys, gui.__main__ as m\n"
        "try: m.main(['--version'])\n"
        "except SystemExit: pass\n"
        "print(any(name.startswith(('PySide6', 'shiboken6')) for name in sys.modules))"
    )
    ended = _strongroom("-c", code)
    assert ended.stdout.splitlines()[-1] == "False", ended.stderr


def test_the_frame_comes_up_without_the_aws_libraries():
    code = (
        "import sys\n"
        "from gui.app import run\n"
        "from gui.app.options import Options\n"
        "program = run.Program(run._application(), Options())\n"
        "program.window.show()\n"
        "slow = {'boto3', 'botocore', 'sqlalchemy', 'keyring', 'moto', 'flask'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
        "program.stop()"
    )
    ended = _strongroom("-c", code, QT_QPA_PLATFORM="offscreen")
    assert ended.stdout.splitlines()[-1] == "[]", ended.stderr


def test_a_window_that_is_still_open_when_the_program_ends_ends_well():
    """As with a signal, or after pictures were taken."""
    code = (
        "from PySide6.QtCore import QTimer\n"
        "from gui.app import run\n"
        "from gui.app.options import Options\n"
        "from gui.clock import current\n"
        "app = run._application()\n"
        "program = run.Program(app, Options())\n"
        "program.window.show()\n"
        "app.processEvents()\n"
        "assert current().running\n"
        "QTimer.singleShot(0, lambda: app.exit(0))\n"
        "app.exec()\n"
        "program.stop()\n"
        "print('ended')\n"
    )
    ended = _strongroom("-c", code, QT_QPA_PLATFORM="offscreen")
    assert (ended.returncode, ended.stdout) == (0, "ended\n"), ended.stderr


def test_windows_with_popups_that_qt_has_made_are_removed_at_the_end():
    """A popup of a completer has no parent, and must not be deleted before its completer."""
    code = (
        "from PySide6.QtWidgets import QApplication, QComboBox, QCompleter, QLineEdit, QMenu, QWidget\n"
        "from gui.app import run\n"
        "app, windows = QApplication([]), []\n"
        "for number in range(40):\n"
        "    window = QWidget()\n"
        "    field, box, menu = QLineEdit(window), QComboBox(window), QMenu(window)\n"
        "    window.completer = QCompleter(['a', 'b'], window)\n"
        "    window.completer.popup().setObjectName('popup')\n"
        "    box.view().setObjectName('list')\n"
        "    menu.addAction('entry')\n"
        "    field.setCompleter(window.completer)\n"
        "    windows.append(window)\n"
        "    del field, box, menu\n"
        "run._remove_windows()\n"
        "print(len(QApplication.topLevelWidgets()))\n"
    )
    ended = _strongroom("-c", code, QT_QPA_PLATFORM="offscreen")
    assert (ended.returncode, ended.stdout) == (0, "0\n"), ended.stderr


def test_the_first_picture_waits_for_nothing_that_is_slow_to_load():
    """The names that PySide6 loads with `Qt` are known once one of them was imported."""
    code = (
        "import sys\n"
        "from gui.app import run\n"
        "from gui.app.options import Options\n"
        "app = run._application()\n"
        "shell = run.Program(app, Options()).shell\n"
        "shell.show()\n"
        "shell.grab()\n"
        "slow = {'dataclasses', 'platformdirs', 'ctypes', 'gui.actions', 'gui.shortcuts', 'asyncio'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
        "from time import process_time as now\n"
        "begun = now()\n"
        "from PySide6.QtCore import Qt\n"
        "first = now() - begun\n"
        "begun = now()\n"
        "from PySide6.QtCore import Qt\n"
        "print(first > 20 * (now() - begun))\n"
    )
    ended = _strongroom("-c", code, QT_QPA_PLATFORM="offscreen")
    assert ended.stdout.splitlines() == ["[]", "True"], ended.stderr


def test_the_first_picture_is_the_window_itself_and_nothing_moves_afterwards(qtbot):
    program = Program(QApplication.instance(), Options(theme="dark", size=(1180, 700)))
    shell = program.shell
    qtbot.addWidget(shell)
    shell.show()
    first, places = shell.grab().toImage(), _places(shell)
    assert not shell.completed
    assert first.pixelColor(3, 3) == theme.DARK.panel
    try:
        program.complete_window()
        assert program.window is shell
        assert _places(shell) == places
        furnished = shell.grab().toImage()
        assert furnished.size() == first.size()
        tabs = QRect(shell.bar.mapTo(shell, QPoint()), shell.bar.size())
        assert furnished.copy(tabs) == first.copy(tabs)
    finally:
        program.stop()


def _places(window):
    return window.geometry(), QRect(window.bar.mapTo(window, QPoint()), window.bar.size())


def test_pictures_without_any_profile_end_with_a_reason(tmp_path):
    ended = _strongroom(
        "-m", "gui", "--screenshots", str(tmp_path / "out"), QT_QPA_PLATFORM="offscreen"
    )
    assert ended.returncode == 1
    assert "There is no profile" in ended.stderr
    assert "--demo" in ended.stderr


def test_every_tab_can_be_made_and_each_control_has_a_name(context, qtbot):
    window = MainWindow(context.settings).complete(context, Connector(context))
    qtbot.addWidget(window)
    assert [spec.id for spec in TABS] == [
        "credentials",
        "browser",
        "uploads",
        "links",
        "statistics",
        "backups",
        "bucket",
    ]
    for spec in TABS:
        tab = window.tab(spec.id)
        assert unnamed(tab) == [], spec.id
        assert labels_with_html(tab) == [], spec.id
    assert descriptions_with_html(window) == []
