"""What a remedy proposes is named on the command line by an option or a command."""

import pickle
import shlex

import pytest
from helpers.command_tree import complete_program

from core.cli import common
from core.cli.hints import COMMON_TEXTS, TEXTS, remedy_with_options
from core.errors import Conflict, NotFound
from core.hints import Hint


def options_by_command(command, name=""):
    """Return the options of each command of a program, by the name of the command."""
    if not hasattr(command, "commands"):
        return {name: {text for param in command.params for text in param.opts}}
    return {
        found: options
        for part, each in command.commands.items()
        for found, options in options_by_command(each, f"{name} {part}".strip()).items()
    }


def test_every_hint_has_options_and_commands_that_exist():
    known = options_by_command(complete_program())
    anywhere = set().union(*known.values())
    assert {*TEXTS, *COMMON_TEXTS} == set(Hint)
    assert {text.split()[0] for text in COMMON_TEXTS.values()} <= {*common._FLAGS, *common._VALUES}
    for hint, text in TEXTS.items():
        parts = shlex.split(text.strip("`"))
        options = {part for part in parts if part.startswith("--")}
        if not text.startswith("`"):
            assert parts[0] in anywhere, hint
            continue
        assert parts[0] == "strongroom"
        name = next(name for name in known if f"{' '.join(parts[1:])} ".startswith(f"{name} "))
        assert options <= known[name], hint


def test_only_options_of_the_command_are_named():
    error = NotFound(
        "x", remedy="Choose another.", hint_value="a b",
        hints=Hint.CHOOSE_TIME | Hint.LIST_BACKUPS | Hint.CHOOSE_BACKUP | Hint.UNLOCK,
    )  # fmt: skip
    every = "Choose another. On the command line: `strongroom backups 'a b'`, --id ID, --at TIME, --unlock."
    assert remedy_with_options(error) == every
    assert remedy_with_options(error, {"--id"}) == every.replace(" --at TIME,", "")
    assert remedy_with_options(NotFound("x", remedy="Wait."), {"--id"}) == "Wait."
    copy = pickle.loads(pickle.dumps(error))
    assert remedy_with_options(copy) == every


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("drill", "t", "--id", "no"), 20, ""),
        (("schedule", "--remove", "nightly", "--yes"), 20, "`strongroom schedule --list`"),
        (("retention", "--daily", "0"), 24, "--daily 7"),
        (("ls", "--profile", "none"), 20, ""),
        (("ls", "--region", "no region"), 24, "--region NAME"),
    ],
)
def test_an_error_names_what_helps(command, arguments, code, named):
    shown = command(*arguments, code=code).err
    assert f"On the command line: {named}." in shown if named else "On the command" not in shown
    if named:
        assert f"On the command line: {named}." in command(*arguments, "--json", code=code).err


def test_an_error_of_core_names_no_option_itself():
    assert "--" not in str(Conflict("x", remedy="Choose one.", hints=Hint.ANY_SOURCE))
