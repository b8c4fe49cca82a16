"""Standard streams that the caller has closed."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.output import Output, warnings_in
from core.work import CancelToken

CHILD = "import os; [os.fstat(number) for number in range(3)]"
COMMAND = f"""
import subprocess, sys
from core.cli.standard_streams import open_closed_streams
open_closed_streams()
sys.exit(subprocess.call([sys.executable, "-c", {CHILD!r}]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")
def test_a_child_process_has_standard_streams_although_those_of_the_command_are_closed() -> None:
    """Otherwise the first file or socket of the child would get their numbers."""
    shell = 'exec "$0" -c "$1" <&- >&- 2>&-'
    command = ["/bin/sh", "-c", shell, sys.executable, COMMAND]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="it has no limit of the size of a file")
@pytest.mark.parametrize("unbuffered", ["1", ""])
def test_an_output_of_which_a_part_was_written_is_no_success(
    tmp_path: Path, unbuffered: str
) -> None:
    code = (
        "import resource, sys\n"
        "from core.cli.output import flush, write\n"
        "from core.cli.standard_streams import buffer_standard_output\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"  # like a full disk
        "buffer_standard_output()\n"
        "write('x' * 300_000)\n"
        "flush()\n"
    )
    with (tmp_path / "out").open("wb") as file:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=file,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            timeout=60,
            check=False,
        )
    assert done.returncode != 0
    assert b"Standard output could not be written" in done.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_a_warning_of_the_log_is_a_note(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    log = logging.getLogger("core.somewhere")
    with warnings_in(Output(as_json=as_json, token=CancelToken())):
        log.warning("a file remains: %s", "https://h/k?X-Amz-Signature=0123456789abcdef\x1b")
        log.info("nothing")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("" if as_json else "Warning: a file remains: https://h/k?")
    assert shown.err.count("\n") == (not as_json)
    assert "0123456789abcdef" not in shown.err
    assert "\x1b" not in shown.err


def test_a_warning_that_is_logged_for_many_files_is_one_note(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = logging.getLogger("core.somewhere")
    with warnings_in(Output(as_json=False, token=CancelToken())):
        for number in (1, 1, 2, 1):
            log.warning("the state cannot be read: %s", number)
    assert capsys.readouterr().err.splitlines() == [
        "Warning: the state cannot be read: 1", "Warning: the state cannot be read: 2",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_characters_that_the_locale_lacks_are_escaped(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    shown = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", shown)
    out = Output(as_json=False, token=CancelToken())
    out.table(("", "Permission"), [("✓", "s3:ListBucket")])
    out.line("café \udce9")  # the second name is not UTF-8
    shown.flush()
    text = shown.buffer.getvalue().decode(encoding)
    assert text.startswith("✓\t" if encoding == "utf-8" else "\\u2713\t")
    assert text.endswith(("café \\udce9\n", "caf\\xe9 \\udce9\n"))
