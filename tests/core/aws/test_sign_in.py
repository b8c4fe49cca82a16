"""An MFA code is requested once, and its session is used for all requests of a connection."""

import json
import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from helpers.stub_server import StubServer
from helpers.stub_sts import MFA_ROLE, StubSts

from core import errors
from core.aws.clients import ClientFactory
from core.aws.identity import identity
from core.aws.sign_in import code_of, no_code, signed_in
from core.model.connection import Connection, KeySource, Profile
from core.units import utc_now
from core.workspace import Workspace

TEAM = Connection(Profile("prod", KeySource.AWS_PROFILE, aws_profile="team"))
ENDS = (utc_now() + timedelta(hours=1)).replace(microsecond=0)


@pytest.fixture
def sts(monkeypatch):
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(MFA_ROLE)
    stub = StubSts(ENDS)
    with StubServer(stub) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield stub


def test_the_code_is_asked_once_and_its_session_serves_everybody_else(sts):
    asked = []
    opened = signed_in(TEAM, lambda question: asked.append(question) or "123 456")
    assert (asked[0].profile, asked[0].section) == ("prod", "team")
    assert asked[0].device.endswith(":mfa/me")
    assert sts.codes == ["123456"]
    for _process in range(2):
        clients = ClientFactory(opened)
        assert clients.frozen_keys().access_key_id == "ASIAROLE1"
        assert clients.credentials_expire() == ENDS
        clients.sts().get_caller_identity()
        clients.close()
    assert len(asked) == 1
    assert "role-secret" not in repr(opened)


def test_a_refused_code_is_reported_as_such(sts):
    sts.refuse_code = True
    with pytest.raises(errors.CredentialsInvalid, match="MFA code was refused"):
        signed_in(TEAM, lambda _question: "000000")


def test_turning_the_question_down_says_whose_code_is_wanted(sts):
    def refuse(question):
        raise no_code(question)

    with pytest.raises(errors.CredentialsMissing) as raised:
        signed_in(TEAM, refuse)
    assert "mfa/me" in raised.value.cause
    assert sts.codes == []


def test_who_needs_no_code_is_not_asked(sts, monkeypatch):
    def never(_question):
        raise AssertionError

    base = Connection(Profile("b", KeySource.AWS_PROFILE, aws_profile="base"))
    assert signed_in(base, never) is base
    environment = Connection(Profile("e", KeySource.ENVIRONMENT))
    assert signed_in(environment, never) is environment
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert signed_in(environment, lambda _question: "654321").keys is not None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    assert signed_in(environment, never) is environment


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345x", "١٢٣٤٥٦"])
def test_what_is_no_code_is_not_sent(text):
    with pytest.raises(errors.InvalidInput):
        code_of(text)


def test_the_embedded_server_opens_a_session_whose_keys_work(demo_server, monkeypatch):
    """A real AssumeRole; the server knows no devices, so it takes any code."""
    admin = ClientFactory(demo_server.connection)
    account = admin.sts().get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    name = f"reader-{uuid4().hex[:8]}"
    role = admin.iam().create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )["Role"]["Arn"]
    keys = demo_server.admin
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        f"[profile team]\nrole_arn = {role}\nsource_profile = base\nduration_seconds = 900\n"
        f"mfa_serial = arn:aws:iam::{account}:mfa/me\n[profile base]\n"
        f"aws_access_key_id = {keys.access_key_id}\n"
        f"aws_secret_access_key = {keys.secret_access_key.reveal()}\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", demo_server.endpoint_url)
    opened = signed_in(TEAM, lambda _question: "123456")
    clients = ClientFactory(opened)
    who = identity(clients)
    assert f"assumed-role/{name}" in who.arn
    assert timedelta(minutes=13) < who.expires - utc_now() < timedelta(minutes=16)
    with pytest.raises(errors.AccessDenied):  # the role has no policy: its keys are not the admin's
        Workspace(opened, clients=clients).secrets.list_infos()
    clients.close()
    admin.iam().delete_role(RoleName=name)
    admin.close()
