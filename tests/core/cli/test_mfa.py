"""A command prompts for an MFA code on a terminal, and never waits for one without a terminal."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.stub_server import StubServer
from helpers.stub_sts import MFA_ROLE, StubSts

from core.cli import program
from core.cli.output import Output
from core.errors import ErrorKind
from core.units import utc_now


@pytest.fixture
def sts(monkeypatch):
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(MFA_ROLE)
    stub = StubSts(utc_now() + timedelta(hours=1))
    with StubServer(stub) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_PROFILE", "team")
        yield stub


def test_a_terminal_is_asked_for_the_code(sts, monkeypatch):
    prompts = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(
        Output, "ask_hidden", lambda _self, prompt: prompts.append(prompt) or "123456"
    )
    code = program.run(["ls", "--bucket", "any"])
    assert sts.codes == ["123456"]
    assert len(prompts) == 1
    assert "mfa/me" in prompts[0]
    assert code == ErrorKind.NO_SUCH_BUCKET.value


def test_without_a_terminal_no_one_waits(sts, capsys):
    assert program.run(["ls"]) == ErrorKind.CREDENTIALS_MISSING.value
    output = capsys.readouterr().err
    assert "mfa/me" in output
    assert "terminal" in output
    assert sts.codes == []
