"""Every parameter of every command refuses empty, invalid and contradictory values."""

import json
import os

import pytest
from helpers.command_tree import complete_program

from core.cli import COMMANDS, main
from core.cli.parameters import EXCLUSIVE, MAY_BE_EMPTY, file_path, shown_name
from core.errors import ErrorKind

NOT_UTF8 = os.fsdecode(b"caf\xe9")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Some commands write files below the present folder."""
    monkeypatch.chdir(tmp_path)


def leaves(command=None, names=()):
    """Yield every command that runs something: its path and its click command."""
    command = command or complete_program()
    for name, below in sorted(getattr(command, "commands", {}).items()):
        path = (*names, name)
        if hasattr(below, "commands"):
            yield from leaves(below, path)
        else:
            yield path, below


def takes_text(param):
    """Whether a parameter takes any text: flags and numbers do not."""
    return not getattr(param, "is_flag", False) and "int" not in param.type.name


def filled(command, chosen, value):
    """A command line in which every argument has some value, and the chosen parameter this one."""
    text = [] if chosen.opts[0].startswith("-") is False else [f"{shown_name(chosen)}={value}"]
    arguments = [param for param in command.params if not param.opts[0].startswith("-")]
    if chosen in arguments:  # everything before it, too: arguments are identified by their position
        arguments = arguments[: arguments.index(chosen) + 1] + [
            param for param in arguments[arguments.index(chosen) + 1 :] if param.required
        ]
    else:
        arguments = [param for param in arguments if param.required]
    return [*text, "--", *(value if param is chosen else "x" for param in arguments)]


PARAMETERS = [
    pytest.param(names, command, param, id=f"{'-'.join(names)}-{param.name}")
    for names, command in leaves()
    for param in command.params
    if param.name != "help" and takes_text(param)
]


def test_the_walk_meets_every_command_and_the_tables_name_real_parameters():
    found = {" ".join(text): command for text, command in leaves()}
    assert {text.split()[0] for text in found} == set(COMMANDS)
    named = {(text, name) for text, pairs in EXCLUSIVE.items() for pair in pairs for name in pair}
    known = {(text, param.name) for text, command in found.items() for param in command.params}
    assert named | MAY_BE_EMPTY <= known
    assert len(PARAMETERS) > 25


@pytest.mark.parametrize(("arguments", "command", "param"), PARAMETERS)
def test_an_empty_value_is_an_error_that_names_its_parameter(arguments, command, param, capsys):
    line = [*arguments, "--endpoint-url=http://127.0.0.1:1", "--json", *filled(command, param, "")]
    code = main(line)
    output = capsys.readouterr().err
    if (" ".join(arguments), param.name) in MAY_BE_EMPTY:
        assert "is empty" not in output
    else:
        assert code == ErrorKind.USAGE.value, output
        error = json.loads(output)["error"]
        assert error["kind"] == "usage"
        assert error["summary"] == f"{shown_name(param)} is empty"
        assert error["remedy"]


@pytest.mark.parametrize(("arguments", "command", "param"), PARAMETERS)
def test_bytes_that_are_no_text_are_refused_where_no_local_file_is_named(
    arguments, command, param, capsys
):
    line = [*arguments, "--endpoint-url=http://127.0.0.1:1", *filled(command, param, NOT_UTF8)]
    code = main(line)
    output = capsys.readouterr().err
    assert "Traceback" not in output
    if param.type.name == "path":
        assert "is not UTF-8" not in output
    else:
        assert code == ErrorKind.INVALID_INPUT.value, output
        assert output.startswith(f"Error: {shown_name(param)} is not UTF-8\n")
        assert "caf\\udce9" in output


COMMON = ["--profile", "--endpoint-url", "--region", "--bucket"]


@pytest.mark.parametrize("option", COMMON)
@pytest.mark.parametrize("form", ["{} ", "{}="])
def test_common_options_are_never_empty(option, form, capsys):
    assert main(["ls", *form.format(option).split(" ")]) == ErrorKind.USAGE.value
    assert capsys.readouterr().err.startswith(f"Error: {option} is empty\n")
    assert main(["ls", option, NOT_UTF8]) == ErrorKind.INVALID_INPUT.value
    assert capsys.readouterr().err.startswith(f"Error: {option} is not UTF-8\n")


@pytest.mark.parametrize("option", ["--profile", "--endpoint-url"])
def test_the_demo_brings_its_own_profile_and_address(option, capsys):
    assert main(["ls", "--demo", option, "x"]) == ErrorKind.USAGE.value
    assert "cannot be combined" in capsys.readouterr().err


PAIRS = [
    pytest.param(names.split(), pair, id=f"{names}-{'-'.join(pair)}")
    for names, pairs in EXCLUSIVE.items()
    for pair in pairs
]


@pytest.mark.parametrize(("text", "pair"), PAIRS)
def test_what_excludes_each_other_is_refused(text, pair, capsys):
    command = dict(leaves())[tuple(text)]
    params = {param.name: param for param in command.params}
    line = list(text)
    for name in pair:
        if not params[name].opts[0].startswith("-"):
            continue
        line.append(shown_name(params[name]))
        if not params[name].is_flag:
            line.append("value")
    line += ["x" for param in command.params if param.opts[0][0] != "-" and param.required]
    line += ["FIELD" for name in pair if name == "fields"]
    assert main(line) == ErrorKind.USAGE.value
    output = capsys.readouterr().err
    assert output.startswith("Error: ")
    assert "cannot be combined" in output
    for name in pair:
        assert shown_name(params[name]) in output


def test_a_common_flag_takes_no_value(capsys):
    assert main(["ls", "--json=1"]) == ErrorKind.USAGE.value
    assert "--json takes no value" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["ls", "s3://"],
        ["put", "a.txt", "s3://"],
        ["get", "s3://"],
        ["cp", "a", "s3://"],
        ["rm", "s3://", "--yes", "--recursive"],
        ["sync", ".", "s3://", "--delete", "--yes"],
        ["sync", "s3://", "."],
    ],
)
def test_an_address_without_bucket_and_key_is_refused(arguments, capsys, tmp_path):
    (tmp_path / "a.txt").touch()
    assert main(arguments) == ErrorKind.USAGE.value
    assert "s3:// names neither a bucket nor a key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "path"),
    [("-", "-"), ("a/-", "a/-"), ("./a", "./a"), ("./-", "{}/-"), (".//-", "{}/-"), ("-/", "{}/-")],
)
def test_only_a_dash_alone_is_a_standard_stream(text, path, tmp_path):
    assert file_path(text) == path.format(tmp_path)
