"""The object of a killed permission test is removed by the next test, with all versions."""

import json
import os
import signal
from dataclasses import replace
from unittest.mock import Mock

import pytest
from helpers.demo import plain_client
from helpers.forked_runs import run_script

from core.aws.clients import ClientFactory
from core.errors import Offline
from core.health.check_secrets import delete_check_secret, remove_left_check_secrets
from core.health.permissions import check_permissions
from core.local.pending_uploads import note, of_dead_processes
from core.local.state.database import state_database
from core.objects.bucket import Bucket
from core.objects.check_objects import CHECK_BYTES, CHECK_PREFIX, remove_left_check_objects
from core.transfer.sweep import sweep_at_start
from core.work import Work

BUCKET = "tentimecrypto"

_CHILD = """
import json, os, signal, sys
from datetime import timedelta
from core.aws.clients import REQUEST_OBSERVERS, ClientFactory
from core.errors import Offline
from core.health.check_secrets import delete_check_secret, remove_left_check_secrets
from core.health.permissions import check_permissions
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.model.rotation import RotationTiming
from core.redaction import Secret
from core.rotation.key_proof import prove_key
from core.storage.setup import set_up
from core.work import Work

given = json.load(sys.stdin)
profile = Profile("demo", KeySource.SESSION, region="us-east-1", bucket=given["bucket"],
                  endpoint_url=given["url"], access_key_id=given["id"])
keys = AccessKeys(given["id"], Secret(given["secret"]))
connection = Connection(profile, keys, unlocked=True)
stored = False

def observe(service, operation):
    global stored
    if stored and operation == given["kill_at"]:
        os.kill(os.getpid(), signal.SIGKILL)
    stored = stored or operation == given["after"]

REQUEST_OBSERVERS.append(observe)
if given["test"] in ("set-up", "transfer"):
    set_up(connection, store=False)
elif given["test"] == "permissions":
    check_permissions(ClientFactory(connection))
else:
    prove_key(connection, "", "rotation-0123abcd", RotationTiming(test_seconds=5, pause=0.01), Work())
"""


@pytest.fixture
def clients(demo_server):
    factory = ClientFactory(demo_server.connection)
    yield factory
    factory.close()


@pytest.fixture
def killed(demo_server, forks):
    """Run a test in another process, which kills itself before a request."""

    def run(test, kill_at, after="PutObject"):
        keys = demo_server.admin
        given = {
            "test": test, "kill_at": kill_at, "after": after, "url": demo_server.endpoint_url, "bucket": BUCKET,
            "id": keys.access_key_id, "secret": keys.secret_access_key.reveal(),
        }  # fmt: skip
        ended = run_script(forks, _CHILD, environment=os.environ, stdin=json.dumps(given).encode())
        assert ended.returncode == -signal.SIGKILL, ended.stderr

    return run


@pytest.fixture
def left(demo_s3):
    """Return a function: the keys of check objects in the bucket; none at the start of the test."""

    def entries():
        found = demo_s3.list_object_versions(Bucket=BUCKET, Prefix=CHECK_PREFIX)
        return [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]

    for entry in entries():  # of other tests on this server
        demo_s3.delete_object(Bucket=BUCKET, Key=entry["Key"], VersionId=entry["VersionId"])
    return lambda: {entry["Key"] for entry in entries()}


@pytest.mark.parametrize(
    ("test", "kill_at"),
    [
        ("set-up", "GetObject"),
        ("permissions", "DeleteObject"),
        ("new key", "GetObject"),
        ("transfer", "GetObject"),
    ],
)
def test_what_a_killed_test_left_is_removed_by_the_next(clients, killed, left, test, kill_at):
    killed(test, kill_at)
    (record,) = of_dead_processes()
    assert left() == {record.key}
    if test == "permissions":
        check_permissions(clients, extras=False)
    elif test == "transfer":
        assert sweep_at_start(Bucket(clients, BUCKET), Work()).failed == ()
    else:
        remove_left_check_objects(Bucket(clients, BUCKET), Work())
    assert left() == set()
    assert of_dead_processes() == []


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (f"{CHECK_PREFIX}mine.txt", CHECK_BYTES),
        (f"{CHECK_PREFIX}{'0' * 32}.txt", b"of another size"),
        (f"other/{CHECK_PREFIX}{'0' * 32}.txt", CHECK_BYTES),
    ],
)
def test_what_is_no_test_object_is_never_deleted(clients, demo_s3, demo_server, key, body):
    demo_s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    note(demo_server.endpoint_url, BUCKET, key, probe=True).abandon()
    sweep_at_start(Bucket(clients, BUCKET), Work())
    assert demo_s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body
    for version in demo_s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]:
        demo_s3.delete_object(Bucket=BUCKET, Key=key, VersionId=version["VersionId"])


def test_a_test_object_in_a_bucket_that_does_not_exist_is_forgotten(clients, demo_server, caplog):
    key = f"{CHECK_PREFIX}{'0' * 32}.txt"
    note(demo_server.endpoint_url, "none-such-bucket", key, probe=True).abandon()
    remove_left_check_objects(Bucket(clients, "none-such-bucket"), Work())
    assert of_dead_processes() == []
    assert caplog.messages == []


@pytest.fixture
def secrets_left(demo_server):
    """Return a function: the names of test secrets; none at the start of the test."""
    vault = plain_client(demo_server, "secretsmanager", demo_server.admin)

    def names():
        wanted = [{"Key": "name", "Values": ["cryptotrading/strongroom-check-"]}]
        found = vault.list_secrets(Filters=wanted, IncludePlannedDeletion=True)["SecretList"]
        return [entry["Name"] for entry in found]

    assert names() == []
    yield names
    vault.close()


@pytest.mark.parametrize(
    ("after", "kill_at", "left"),
    [
        ("DeleteSecret", "CreateSecret", 0),  # it is recorded, not created
        ("CreateSecret", "UpdateSecret", 1),
        ("UpdateSecret", "DeleteSecret", 1),
    ],
)
def test_the_test_secret_of_a_killed_check_is_deleted_by_the_next(
    clients, killed, secrets_left, after, kill_at, left
):
    killed("permissions", kill_at, after)
    assert len(secrets_left()) == left
    assert len(recorded_secrets()) == 1
    assert remove_left_check_secrets(ClientFactory(elsewhere(clients)), Work()) == 0
    check_permissions(clients, extras=False)
    assert secrets_left() == []
    assert recorded_secrets() == []


def recorded_secrets():
    return state_database().rows("SELECT name FROM check_secrets")


def elsewhere(clients):
    """The same keys with another bucket: perhaps another account, whose secrets stay."""
    connection = clients.connection
    return replace(connection, profile=replace(connection.profile, bucket="another"))


def test_a_secret_that_could_not_be_deleted_is_recorded_and_deleted_later(
    clients, secrets_left, monkeypatch
):
    with monkeypatch.context() as patch:
        refused = Mock(side_effect=Offline("gone"))
        patch.setattr("core.health.permission_probe.delete_check_secret", refused)
        check_permissions(clients, extras=False)
    assert len(secrets_left()) == 1
    assert remove_left_check_secrets(clients, Work()) == 1
    assert secrets_left() == []


def test_only_test_secrets_are_ever_deleted(clients):
    for name in ("cryptotrading/database", "cryptotrading/strongroom-check-mine"):
        with pytest.raises(ValueError, match=name):
            delete_check_secret(clients, name, Work())


def test_a_test_that_ends_leaves_no_record(clients, left):
    before = left()
    check_permissions(clients, extras=False)
    assert left() == before
    assert of_dead_processes() == []
