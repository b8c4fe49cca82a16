"""The time since which a secret has its value is read from its versions."""

import json
from datetime import timedelta

import pytest
from helpers.rotation_world import World

from core.aws.clients import ClientFactory
from core.errors import Offline
from core.health.secret_age import current_since
from core.storage.aws_secrets_manager import SecretsManager
from core.units import utc_now


@pytest.fixture
def secrets(demo_server):
    clients = ClientFactory(demo_server.connection)
    yield SecretsManager(clients=clients)
    clients.close()


def test_a_tag_or_a_staged_value_makes_no_old_value_young(demo_server, secrets):
    world = World(demo_server)
    before = current_since(secrets, secrets.list_infos(world.secret))[world.secret]
    secrets.tag(world.secret, "strongroom:limit-days", "30")
    world.vault.put_secret_value(
        SecretId=world.secret, SecretString="{}", VersionStages=["AWSPENDING"]
    )
    assert current_since(secrets, secrets.list_infos(world.secret)) == {world.secret: before}
    world.vault.put_secret_value(SecretId=world.secret, SecretString=json.dumps({"a": "b"}))
    after = current_since(secrets, secrets.list_infos(world.secret))[world.secret]
    assert before <= after
    assert utc_now() - after < timedelta(minutes=5)
    world.close()


def test_a_version_that_is_known_needs_no_request_until_it_changes(
    demo_server, secrets, monkeypatch
):
    world, known, asked = World(demo_server), {}, []
    list_versions = secrets.list_versions

    def counted(name, **more):
        asked.append(name)
        return list_versions(name, **more)

    def ages(infos):
        asked.clear()
        return current_since(secrets, infos, known=known)

    monkeypatch.setattr(secrets, "list_versions", counted)
    old = secrets.list_infos(world.secret)
    first = ages(old)
    assert asked == [world.secret]
    assert ages(secrets.list_infos(world.secret)) == first
    assert asked == []
    world.vault.put_secret_value(SecretId=world.secret, SecretString=json.dumps({"a": "b"}))
    second = ages(secrets.list_infos(world.secret))
    assert asked == [world.secret]
    assert second[world.secret] >= first[world.secret]
    assert ages(old) == second, "an outdated list does not bring an outdated age"
    assert asked == [world.secret]
    world.close()


def test_who_may_not_list_versions_gets_no_ages_and_no_error(demo_server):
    clients = ClientFactory(demo_server.platform_connection)
    theirs = SecretsManager(clients=clients)
    infos = theirs.list_infos()
    assert infos
    assert current_since(theirs, infos) == {}
    clients.close()


def test_an_outage_is_reported(demo_server, secrets, monkeypatch):
    infos = secrets.list_infos()

    def cut(*_args, **_named):
        raise Offline("cut")

    monkeypatch.setattr(secrets, "list_versions", cut)
    with pytest.raises(Offline):
        current_since(secrets, infos)
