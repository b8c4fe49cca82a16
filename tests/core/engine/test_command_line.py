"""The command line of each operation is accepted by the program and contains no secret."""

import shlex

import pytest
from helpers.command_tree import complete_program

from core.cli.common import split_common_options
from core.engine.command_line import command_line
from core.engine.operations import OPERATIONS, operation
from core.local.profiles import DEMO_NAME
from core.model.connection import KeySource, Profile
from core.redaction import Secret

PROFILE = Profile("my team", KeySource.KEYRING)


@pytest.fixture(autouse=True)
def no_known_secrets(monkeypatch):
    """Each test starts without the values that other tests of this process remembered."""
    monkeypatch.setattr("core.redaction._known", set())


WITH_COMMAND = [one for one in OPERATIONS if one.command]


def read(line):
    """Return the subcommand, its parameters and the common options, as the program reads a line."""
    program, *arguments = shlex.split(line)
    assert program == "strongroom"
    common, left = split_common_options(arguments)
    command = complete_program()
    path, context = [], command.make_context(program, left)
    while hasattr(command, "commands"):
        name, command, left = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        path.append(name)
        context = command.make_context(name, left, parent=context)
    return " ".join(path), context.params, common


@pytest.mark.parametrize("one", WITH_COMMAND, ids=lambda one: one.name)
def test_the_program_reads_the_line_of_each_operation(one):
    names = [word for word in one.command.split() if not word.startswith("-")]
    flags = [word[2:].replace("-", "_") for word in one.command.split() if word.startswith("-")]
    command = complete_program()
    for name in names:
        command = command.commands[name]
    required = [each for each in command.params if each.opts[0][0] != "-" and each.required]
    # A caller always states these options.
    options = {
        each.opts[0]: "2024-01-01"
        for each in command.params
        if each.opts[0][0] == "-" and each.required
    }
    line = command_line(one.name, *("it's one" for _ in required), profile=PROFILE, options=options)
    path, params, common = read(line)
    assert path == " ".join(names)
    assert common.profile == "my team"
    for param in required:
        assert "it's one" in str(params[param.name])
    given = {name for name, value in params.items() if value is True}
    renamed = {option: param.name for param in command.params for option in param.opts}
    assert given >= {renamed["--" + flag.replace("_", "-")] for flag in flags}


@pytest.mark.parametrize("name", ["-rf", "two words", "$(rm -rf x)", "a\nb", "'", "--yes", "*"])
def test_no_argument_is_taken_for_an_option_or_for_the_shell(name):
    line = command_line("backup.restore", name, name, options={"--as": name, "--id": ""})
    path, params, _common = read(line)
    assert path == "restore"
    assert (params["database_url"], params["tables"], params["name"]) == (name, (name,), name)
    assert (params["yes"], params["backup_id"]) == (True, "")


def test_the_embedded_server_is_named_by_its_address():
    demo = Profile(DEMO_NAME, KeySource.SESSION, endpoint_url="http://127.0.0.1:9", bucket="b")
    path, _params, common = read(command_line("statistics.scan", profile=demo))
    assert path == "stats"
    assert (common.endpoint_url, common.bucket, common.profile) == ("http://127.0.0.1:9", "b", "")


@pytest.mark.parametrize(
    "secret",
    [
        "a-password-of-a-user",
        "https://b.s3.amazonaws.com/k?X-Amz-Signature=0123456789abcdef",
        "postgresql://user:hunter2@host/db",
        "password=hunter2",
    ],
)
def test_a_secret_or_a_signature_is_never_in_a_line(secret):
    Secret("a-password-of-a-user")
    for one in WITH_COMMAND:
        assert command_line(one.name, secret) == ""
    assert command_line("backup.run", "t.db", options={"--note": secret}) == ""


def test_what_has_no_command_or_is_no_text_gives_no_line():
    assert operation("objects.copy").command == ""
    assert command_line("objects.copy", "a", "b") == ""
    assert command_line("transfer.upload", "caf\udce9", "a/") == ""
    with pytest.raises(KeyError):
        command_line("no.operation")
