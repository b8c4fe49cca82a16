"""Unexpected errors and output that cannot be written end a command cleanly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli import main, objects
from core.errors import ErrorKind
from core.redaction import Secret


@pytest.fixture(params=[RecursionError, MemoryError, KeyError, UnicodeDecodeError, AssertionError])
def broken(request, monkeypatch):
    """Make every command raise an unexpected error whose text contains a secret."""
    canary = Secret("boundary-0123456789-xyz").reveal()

    def fail(_self, _work):
        if request.param is UnicodeDecodeError:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, canary)
        raise request.param(canary)

    monkeypatch.setattr("core.cli.common.Opener.workspace", fail)
    return request.param.__name__


def test_an_unexpected_error_is_one_line_and_exit_code_1(broken, capsys):
    assert main(["ls"]) == ErrorKind.BUG.value
    output = capsys.readouterr()
    assert output.out == ""
    line, *more = output.err.splitlines()
    assert more == []
    assert line.startswith(f"Error: Something went wrong inside Strongroom: {broken} at core.cli.")
    assert "--debug" in line
    assert "boundary-0123456789" not in line


def test_as_json_it_has_kind_cause_and_remedy(broken, capsys):
    assert main(["ls", "--json"]) == ErrorKind.BUG.value
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["kind"] == "bug"
    assert error["details"].startswith(f"{broken}: ")
    assert error["cause"]
    assert error["remedy"]
    assert "boundary-0123456789" not in json.dumps(error)


@pytest.mark.parametrize(("arguments", "variable"), [(["--debug"], ""), ([], "1")])
def test_the_traceback_is_shown_when_asked_for_and_redacted(
    broken, capsys, monkeypatch, arguments, variable
):
    monkeypatch.setenv("STRONGROOM_DEBUG", variable)
    assert main(["ls", *arguments]) == ErrorKind.BUG.value
    output = capsys.readouterr().err
    assert "Traceback (most recent call last)" in output
    assert broken in output
    assert "boundary-0123456789" not in output


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["nonsense"], ErrorKind.USAGE),
        (["ls", "--bogus"], ErrorKind.USAGE),
        (["ls", "--profile", ""], ErrorKind.USAGE),
        (["rotate", "x", "--resume", "--undo"], ErrorKind.USAGE),
        (["link", "k", "--expires", "soon"], ErrorKind.INVALID_INPUT),
        (["ls", "--profile", "none"], ErrorKind.NOT_FOUND),
        (["secrets", "put", "n", "--file", "/none/such"], ErrorKind.LOCAL_IO),
    ],
)
def test_every_error_is_json_where_that_is_asked_for(arguments, kind, capsys, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "boundary-secret-0123456789")
    assert main([*arguments, "--json"]) == kind.value
    output = capsys.readouterr()
    assert output.out == ""
    error = json.loads(output.err)["error"]
    assert error["kind"] == kind.name.lower()
    assert error["summary"]
    assert error["remedy"]
    assert "cause" in error


def test_an_interrupt_is_json_too(capsys, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("core.cli.common.Opener.workspace", interrupted)
    assert main(["ls", "--json"]) == ErrorKind.CANCELLED.value
    assert json.loads(capsys.readouterr().err)["error"]["kind"] == "cancelled"


KEY = "a\x1b[31mred\r\nforged line\tcell\u2028\x9b.txt"
SHOWN = r"a\x1b[31mred\r\nforged line\tcell\u2028\x9b.txt"


def test_no_text_of_a_key_acts_on_a_terminal_or_breaks_a_line(capsys):
    from core.cli.output import Output
    from core.errors import NotFound
    from core.work import CancelToken

    out = Output(as_json=False, token=CancelToken())
    out.line(KEY)
    out.table(("Key", "Other"), [(KEY, "x")])
    out.note(KEY)
    out.error(NotFound(KEY, cause=KEY, remedy=KEY))
    output = capsys.readouterr()
    assert output.out == f"{SHOWN}\n{SHOWN}\tx\n"
    assert output.err == f"{SHOWN}\nError: {SHOWN}\n{SHOWN}\n{SHOWN}\n"


def test_a_table_on_a_narrow_terminal_has_complete_cells_and_one_line_for_each_row(
    capsys, monkeypatch
):
    from core.cli.output import Output
    from core.work import CancelToken

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    rows = [
        ("84be93e77c45", "7", "market-data/ohlcv/" + 20 * "long/"),
        ("文" * 4, "1,000", KEY),
        ("k" * 90, "3", ""),
    ]
    Output(as_json=False, token=CancelToken()).table(("Id", "Rows", "Key"), rows, numbers=(1,))
    gap = " " * 48
    assert capsys.readouterr().out.splitlines() == [
        f"Id          {gap}   Rows  Key",
        f"84be93e77c45{gap}      7  {rows[0][2]}",
        f"文文文文    {gap}  1,000  {SHOWN}",
        f"{'k' * 90}      3",
    ]


def test_json_keeps_every_character(capsys):
    from core.cli.output import Output
    from core.work import CancelToken

    out = Output(as_json=True, token=CancelToken())
    out.result([{"key": KEY, "local": os.fsdecode(b"caf\xe9")}], lambda: None)
    assert json.loads(capsys.readouterr().out) == [{"key": KEY, "local": "caf\udce9"}]


def test_a_listing_in_a_pipe_has_one_line_for_each_key(command, demo_server, demo_prefix):
    from helpers.demo import plain_client

    client = plain_client(demo_server, "s3", demo_server.admin)
    client.put_object(Bucket="tentimecrypto", Key=f"{demo_prefix}\x1b[31m", Body=b"x")
    client.close()
    lines = command("ls", "-r", demo_prefix).out.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(f"{demo_prefix}\\x1b[31m")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("command", [("policy", "reader"), ("catalog",)], ids=["rows", "help"])
def test_output_that_cannot_be_written_is_an_error(command):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "core", *command],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
            env={**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        )  # fmt: skip
    assert done.returncode == ErrorKind.LOCAL_IO.value, done.stderr
    assert done.stderr.startswith("Error: Standard output could not be written\n")
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_enough_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "core", "--help"], stdout=writer, stderr=subprocess.PIPE,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == ""


def run_with(redirections, *command):
    """Run a command with redirections of a shell; its error output goes to standard output."""
    shell = f'exec 3>&1; exec "$0" -m core "$@" {redirections}'
    return subprocess.run(
        ["/bin/sh", "-c", shell, sys.executable, *command],
        stdout=subprocess.PIPE, text=True, timeout=60, check=False,
        env={**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")
@pytest.mark.parametrize(
    ("redirections", "command", "kind", "text"),
    [
        (">&- 2>&3", ("policy", "reader"), ErrorKind.LOCAL_IO, "Standard output could not be written"),
        (">&- 2>&3", ("ls", "--json", "--profile", "none"), ErrorKind.NOT_FOUND, '"not_found"'),
        ("<&- 2>&3", ("put", "-", "key"), ErrorKind.LOCAL_IO, "The input cannot be read"),
        ("2>&-", ("ls", "--profile", "none"), ErrorKind.NOT_FOUND, ""),
        ("<&- >&- 2>&-", ("ls", "--profile", "none"), ErrorKind.NOT_FOUND, ""),
        ("2>/dev/full", ("ls", "--profile", "none"), ErrorKind.NOT_FOUND, ""),
    ],
)  # fmt: skip
def test_closed_and_full_standard_streams_do_not_change_the_exit_code(
    redirections, command, kind, text
):
    done = run_with(redirections, *command)
    assert done.returncode == kind.value, done.stdout
    assert text in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("command", "kind"), [(("ls", "--help"), 0), (("links",), 42)])
def test_a_folder_for_data_that_cannot_be_used_is_an_error_where_it_is_needed(
    tmp_path, command, kind
):
    (tmp_path / "file").write_bytes(b"x")
    done = subprocess.run(
        [sys.executable, "-m", "core", *command],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "STRONGROOM_HOME": str(tmp_path / "file" / "home")},
    )  # fmt: skip
    assert done.returncode == kind, done.stderr
    assert "Traceback" not in done.stderr
    assert ("is a file, not a folder" in done.stderr) == bool(kind)


def test_all_commands_are_checked_before_they_run():
    from core.cli.parameters import StrictCommand
    from core.cli.program import program_of

    assert objects.ls in {info.callback for info in program_of().registered_commands}
    assert {info.cls for info in program_of().registered_commands} == {StrictCommand}


def test_a_reader_that_goes_during_a_command_is_no_error_but_a_lost_connection_is(
    monkeypatch, capsys
):
    from core.cli.output import ReaderClosed

    def gone(error):
        def fail(*_arguments):
            raise error

        monkeypatch.setattr("core.cli.common.Opener.workspace", fail)
        return main(["ls"])

    assert gone(BrokenPipeError(32, "Broken pipe")) == ErrorKind.LOCAL_IO.value
    assert "The other end closed" in capsys.readouterr().err
    monkeypatch.setattr("core.cli.program.discard", lambda _stream: None)
    assert gone(ReaderClosed()) == 0
    assert capsys.readouterr().err == ""
