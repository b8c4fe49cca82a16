"""A read-only profile refuses every changing request before it is sent."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session
from helpers.aws import connection

from core.aws.actions import CHANGING, READING, is_changing
from core.aws.clients import REQUEST_OBSERVERS, ClientFactory
from core.errors import ErrorKind, ReadOnlyProfile
from core.hints import Hint
from core.links.make import make_links
from core.model.connection import ProfileColour
from core.objects.presign import METHODS, presign
from core.workspace import Workspace

ROOT = Path(__file__).parents[2]
CHANGES = [(service, name) for service, names in CHANGING.items() for name in sorted(names)]
CLIENTS = {
    "s3": ClientFactory.s3,
    "s3control": ClientFactory.s3_account,
    "secretsmanager": ClientFactory.secrets,
    "iam": ClientFactory.iam,
    "sts": ClientFactory.sts,
    "cloudwatch": ClientFactory.cloudwatch,
    "athena": lambda clients: clients.athena("us-east-1"),
}


@pytest.fixture
def locked(stub_endpoint):
    workspace = Workspace.open(connection(colour=ProfileColour.RED, endpoint_url=stub_endpoint))
    yield workspace
    workspace.close()


@pytest.fixture
def stub_endpoint():
    """An address at which nothing listens: what is not refused beforehand fails otherwise."""
    return "http://127.0.0.1:9"


@pytest.fixture
def sent():
    seen = []

    def note(service, operation):
        seen.append((service, operation))

    REQUEST_OBSERVERS.append(note)
    yield seen
    REQUEST_OBSERVERS.remove(note)


@pytest.mark.parametrize(("service", "operation"), CHANGES)
def test_every_changing_call_is_refused_and_nothing_is_sent(locked, sent, service, operation):
    client = CLIENTS[service](locked.clients)
    with pytest.raises(ReadOnlyProfile) as caught:
        getattr(client, xform_name(operation))()
    assert sent == []
    assert caught.value.kind is ErrorKind.READ_ONLY
    assert caught.value.hints is Hint.UNLOCK
    assert "test" in caught.value.summary


@pytest.mark.parametrize("method", sorted(METHODS))
def test_links_that_change_something_are_not_signed(locked, method):
    locked.clients._regions["b"] = "us-east-1"
    bucket = replace(locked.bucket, name="b")
    if method in {"PUT", "DELETE"}:
        with pytest.raises(ReadOnlyProfile):
            presign(bucket, "key", method=method)
        with pytest.raises(ReadOnlyProfile):
            make_links(bucket, ["key"], method=method, seconds=60)
    else:
        assert presign(bucket, "key", method=method).method == method


def test_what_other_libraries_send_is_refused_as_well(locked):
    with pytest.raises(ReadOnlyProfile):
        locked.clients.note_use("s3", "PutObject")
    locked.clients.note_use("s3", "GetObjectVersion")
    with pytest.raises(ReadOnlyProfile):
        locked.clients.note_use("s3", "DeleteObjectVersion")


def test_unlocking_allows_changes_until_it_is_locked_again(locked):
    assert locked.read_only
    locked.set_unlocked(unlocked=True)
    assert not locked.read_only
    locked.clients.require_writable("s3:PutObject")
    locked.clients.renew(connection(colour=ProfileColour.RED))  # a fresh session stays unlocked
    assert not locked.read_only
    locked.set_unlocked(unlocked=False)
    with pytest.raises(ReadOnlyProfile):
        locked.clients.require_writable("s3:PutObject")


def test_only_production_profiles_open_read_only():
    for colour in ProfileColour:
        workspace = Workspace.open(connection(colour=colour))
        assert workspace.read_only is (colour is ProfileColour.RED)
        workspace.close()
    opened = Workspace.open(connection(colour=ProfileColour.RED), unlocked=True)
    assert not opened.read_only
    opened.close()


def test_reading_and_changing_do_not_overlap_and_are_operations_of_aws():
    session = get_session()
    for service in {*READING, *CHANGING}:
        known = set(session.get_service_model(service).operation_names)
        reading, changing = READING[service], CHANGING.get(service, frozenset())
        assert not reading & changing
        assert (reading | changing) <= known
        assert not any(is_changing(service, name) for name in reading)
        assert all(is_changing(service, name) for name in changing)
    assert is_changing("s3", "AnOperationOf2031")
    assert not is_changing("secrets-manager", "ListSecrets")


def test_every_aws_operation_of_the_code_is_listed():
    """An operation counts as used where its method, its name or its API name occurs in the code."""
    session = get_session()
    models = {name: session.get_service_model(name) for name in READING}
    methods = {}
    for service, model in models.items():
        for name in model.operation_names:
            methods.setdefault(xform_name(name), set()).add((service, name))
    listed = {
        (service, name)
        for table in (READING, CHANGING)
        for service, names in table.items()
        for name in names
    }
    used = set()
    for path in (ROOT / "core").rglob("*.py"):
        if "demo" not in path.parts and path.name != "actions.py":
            used |= {(path.name, name) for name in _names(path) if name in methods}
    found = {(path, name) for path, name in used if not methods[name] & listed}
    assert found == set()
    assert {name for _, name in used} >= {"put_object", "get_object", "delete_objects"}


def _names(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = re.fullmatch(r"[A-Z][A-Za-z0-9]+|[a-z_]+", node.value)
            if named:
                yield xform_name(node.value) if node.value[0].isupper() else node.value
