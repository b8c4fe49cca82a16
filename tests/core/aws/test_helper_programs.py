"""Credential programs that are slow, silent, verbose or odd cause clear errors."""

import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest
from helpers.aws import CANARY

from core import errors
from core.aws import helper_programs
from core.aws.clients import ClientFactory
from core.aws.current_work import in_work
from core.model.connection import Connection, KeySource, Profile
from core.work import CancelToken, Work

TEAM = Profile("p", KeySource.AWS_PROFILE, aws_profile="team")


@pytest.fixture
def helper(monkeypatch, tmp_path):
    """Write a program, and an AWS profile that uses it."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    def write(script, *, through_a_role=False):
        program = tmp_path / "keys-helper"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        section = "base" if through_a_role else "team"
        role = "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n"
        text = f"[profile {section}]\ncredential_process = {program} --token {CANARY}\n"
        (tmp_path / "config").write_text(text + f"[profile team]\n{role}" * through_a_role)
        return tmp_path

    return write


def failure():
    clients = ClientFactory(Connection(TEAM))
    try:
        with pytest.raises(errors.StorageError) as raised:
            clients.frozen_keys()
    finally:
        clients.close()
    assert CANARY not in f"{raised.value} {vars(raised.value)}"
    return raised.value


@pytest.mark.parametrize("through_a_role", [False, True])
def test_a_program_that_hangs_is_cut_off_and_named(helper, monkeypatch, through_a_role):
    assert helper_programs.HELPER_SECONDS == 30
    monkeypatch.setattr(helper_programs, "HELPER_SECONDS", 0.3)
    folder = helper('echo $$ > "$(dirname $0)/pid"; exec sleep 60', through_a_role=through_a_role)
    began = time.monotonic()
    error = failure()
    assert isinstance(error, errors.CredentialsMissing)
    assert "keys-helper" in error.summary
    assert time.monotonic() - began < 5
    assert not Path(f"/proc/{(folder / 'pid').read_text().strip()}").exists()


def test_what_the_program_has_started_does_not_hold_us_up(helper, monkeypatch):
    monkeypatch.setattr(helper_programs, "HELPER_SECONDS", 0.3)
    folder = helper('sleep 20 & echo $! > "$(dirname $0)/pid"; wait')
    began = time.monotonic()
    assert "keys-helper" in failure().summary
    assert time.monotonic() - began < 5
    os.kill(int((folder / "pid").read_text()), 9)


def test_a_cancel_ends_the_wait_within_two_seconds(helper):
    helper("exec sleep 60")
    work, began = Work(CancelToken()), time.monotonic()
    timer = threading.Timer(0.2, work.token.cancel)
    timer.start()
    with in_work(work):
        assert isinstance(failure(), errors.Cancelled)
    assert time.monotonic() - began < 2.2
    timer.join()


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        (f"echo 'aws_secret_access_key={CANARY}' >&2; echo 'vault is sealed' >&2; exit 3", "vault is sealed"),
        (f"echo 'vault is sealed: {CANARY}' >&2; exit 3", "vault is sealed: ***"),
        (f"echo 'sealed'; echo 'got SessionToken {CANARY}==' >&2; exit 1", "got SessionToken ***"),
        ("seq -s ' word' 400 >&2; exit 3", "…"),
        ("exit 3", "failed: nothing"),
        ("printf '\\377\\376' >&2; exit 3", "team"),
        ("echo 'InvalidClientTokenId: not now' >&2; exit 1", "InvalidClientTokenId"),
    ],
)  # fmt: skip
def test_of_what_a_failing_program_says_the_last_line_is_shown_without_secrets(
    helper, script, shown
):
    helper(script)
    error = failure()
    assert isinstance(error, errors.CredentialsMissing)
    assert "credential_process of the AWS profile team" in error.cause
    assert shown in error.cause
    assert len(error.cause) < 250


@pytest.mark.parametrize(
    "output",
    [
        "",
        "[]",
        "null",
        '"text"',
        "not JSON",
        json.dumps({"Version": 2}),
        json.dumps({"Version": 1, "AccessKeyId": CANARY}),
        json.dumps({"Version": 1, "AccessKeyId": 1, "SecretAccessKey": CANARY}),
        json.dumps(
            {
                "Version": 1,
                "AccessKeyId": "A",
                "SecretAccessKey": CANARY,
                "SessionToken": "t",
                "Expiration": "soon",
            }
        ),
    ],
)
def test_an_odd_answer_of_a_program_is_an_error_in_text(helper, output):
    helper(f"cat <<'END'\n{output}\nEND")
    error = failure()
    assert isinstance(error, errors.CredentialsMissing)
    assert "credential_process of the AWS profile team" in error.cause
