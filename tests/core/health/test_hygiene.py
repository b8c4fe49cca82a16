"""The ages and the reuse of secret values are calculated on the demo server."""

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from helpers.demo import plain_client

from core.aws.clients import ClientFactory
from core.backup.encryption_keys import create_key
from core.errors import AccessDenied, InvalidInput
from core.health.hygiene import DEFAULT_DAYS, LIMIT_TAG, hygiene_report, set_limit
from core.storage.aws_secrets_manager import SecretsManager
from core.units import utc_now


@pytest.fixture
def vault(demo_server):
    client = plain_client(demo_server, "secretsmanager", demo_server.admin)
    yield client
    client.close()


@pytest.fixture
def secrets(demo_server):
    clients = ClientFactory(demo_server.connection)
    yield SecretsManager(clients=clients)
    clients.close()


@pytest.fixture
def prefix():
    return f"cryptotrading/hygiene-{uuid4().hex[:8]}/"


def rows(found):
    return {row.info.name.rpartition("/")[2]: row for row in found.rows}


def test_the_same_value_is_found_wherever_it_is_used_twice(vault, secrets, prefix):
    shared = "one password for all"
    contents = {
        "a": json.dumps({"password": shared, "region": "us-east-1", "host": "db.example.com"}),
        "b": json.dumps({"api_secret": shared, "region": "us-east-1", "host": "db.example.com"}),
        "c": json.dumps({"x_token": "another value", "y_token": "another value"}),
        "d": "a plain text, not JSON",
        "e": json.dumps({"password": "short", "secret": "short"}),
    }
    for name, text in contents.items():
        vault.create_secret(Name=prefix + name, SecretString=text)
    found = rows(hygiene_report(secrets, prefix))
    assert found["a"].same_as == (f"{prefix}b / api_secret",)
    assert found["b"].same_as == (f"{prefix}a / password",)
    assert found["c"].same_as == (f"{prefix}c / x_token", f"{prefix}c / y_token")
    assert found["d"].same_as == ()
    assert found["e"].same_as == (), "short values are no secrets"
    assert shared not in repr(found)


def test_age_limit_and_overdue(vault, secrets, prefix):
    for name in ("a", "b"):
        vault.create_secret(Name=prefix + name, SecretString="a value")
    set_limit(secrets, prefix + "a", 30)
    later = utc_now() + timedelta(days=40)
    found = hygiene_report(secrets, prefix, clock=lambda: later)
    assert [row.info.name for row in found.rows] == [prefix + "a", prefix + "b"], "urgent first"
    own, default = found.rows
    assert (own.limit_days, own.limit_is_own, own.overdue.days) == (30, True, 10)
    assert (default.limit_days, default.limit_is_own) == (DEFAULT_DAYS, False)
    assert default.overdue == timedelta()
    assert own.never_rotated
    tags = vault.describe_secret(SecretId=prefix + "a")["Tags"]
    assert tags == [{"Key": LIMIT_TAG, "Value": "30"}]
    set_limit(secrets, prefix + "a", None)
    assert rows(hygiene_report(secrets, prefix))["a"].limit_days == DEFAULT_DAYS


def test_the_key_of_backups_is_never_overdue(vault, secrets, prefix):
    create_key(SimpleNamespace(secrets=secrets), name=f"secret:{prefix}k")
    later = utc_now() + timedelta(days=400)
    (found,) = hygiene_report(secrets, prefix, clock=lambda: later).rows
    assert (found.info.name, found.info.is_backup_key) == (f"{prefix}k", True)
    assert (found.overdue, found.never_rotated) == (timedelta(), False)


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_an_impossible_limit_is_refused_before_anything_is_sent(secrets, prefix, days):
    with pytest.raises(InvalidInput, match="1 to 3,650"):
        set_limit(secrets, prefix + "none", days)


def test_a_secret_that_waits_for_its_deletion_comes_first(vault, secrets, prefix):
    for name in ("a", "z"):
        vault.create_secret(Name=prefix + name, SecretString="a value")
    vault.delete_secret(SecretId=prefix + "z", RecoveryWindowInDays=7)
    found = hygiene_report(secrets, prefix)
    assert [row.info.name for row in found.rows] == [prefix + "z", prefix + "a"]


def test_what_may_not_be_read_is_reported_and_the_tag_names_its_action(vault, demo_server):
    clients = ClientFactory(demo_server.platform_connection)
    name = f"elsewhere/{uuid4().hex}"
    vault.create_secret(Name=name, SecretString="a value")
    try:
        secrets = SecretsManager(clients=clients)
        (row,) = hygiene_report(secrets, name).rows
        assert row.unseen == "requires secretsmanager:GetSecretValue"
        with pytest.raises(AccessDenied, match="TagResource"):
            set_limit(secrets, "cryptotrading/database", 30)
    finally:
        clients.close()


def test_a_tag_makes_no_value_young(vault, secrets, prefix, monkeypatch):
    vault.create_secret(Name=prefix + "a", SecretString="a value")
    later = utc_now() + timedelta(days=100, hours=1)
    tagged = [replace(info, changed=later) for info in secrets.list_infos(prefix)]
    monkeypatch.setattr(secrets, "list_infos", lambda *_where, **_how: tuple(tagged))
    (row,) = hygiene_report(secrets, prefix, clock=lambda: later).rows
    assert (row.age.days, row.overdue.days) == (100, 10)
    assert row.never_rotated
