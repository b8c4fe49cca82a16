import json

import pytest
from helpers.aws import CANARY
from helpers.keyrings import MemoryKeyring, RefusingKeyring, allow

from core.errors import InvalidInput, LocalIOError, NotFound
from core.local.connections import Connections
from core.local.profile_check import profile_problems
from core.local.profiles import ProfileStore
from core.local.vault import Vault
from core.model.connection import AccessKeys, KeySource, Profile, ProfileColour
from core.redaction import Secret

STAGING = Profile("staging", KeySource.KEYRING, colour=ProfileColour.AMBER, access_key_id="AKIA1")
PRODUCTION = Profile(
    "production",
    KeySource.AWS_PROFILE,
    aws_profile="team",
    region="eu-west-1",
    colour=ProfileColour.RED,
    role_arn="arn:aws:iam::123456789012:role/reader",
)
KEYS = AccessKeys("AKIA1", Secret(CANARY))


@pytest.fixture
def store(tmp_path):
    return ProfileStore(tmp_path / "profiles.json")


def test_profiles_come_back_whole_in_order_from_another_start(store):
    store.save(STAGING)
    store.save(PRODUCTION)
    again = ProfileStore(store.path)
    assert again.list() == (STAGING, PRODUCTION)
    assert again.get("production").production
    assert again.current() == STAGING
    again.set_current("production")
    assert ProfileStore(store.path).current() == PRODUCTION
    assert store.path.stat().st_mode & 0o077 == 0


def test_a_profile_is_renamed_in_place_and_deleted(store):
    store.save(STAGING)
    store.save(PRODUCTION)
    renamed = Profile("stage", KeySource.ROLE)
    store.save(renamed, replaces="staging")
    assert store.list() == (renamed, PRODUCTION)
    assert store.current() == renamed
    with pytest.raises(InvalidInput):
        store.save(renamed.__class__("production", KeySource.ROLE), replaces="stage")
    store.delete("stage")
    store.delete("stage")
    assert store.current() is None
    with pytest.raises(NotFound):
        store.get("stage")


def test_the_demo_is_never_stored(store):
    with pytest.raises(InvalidInput):
        store.save(Profile("demo", KeySource.SESSION))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"profiles": 3}', "\x00\xff"])
def test_a_broken_file_is_set_aside_and_told(store, content):
    store.path.write_text(content)
    assert store.list() == ()
    assert "Kept in" in store.problem
    asides = list(store.path.parent.glob("profiles.json.broken-*"))
    assert [aside.read_text() for aside in asides] == [content]
    store.save(STAGING)
    assert store.list() == (STAGING,)


def test_a_broken_entry_does_not_take_the_others_with_it(store):
    store.save(STAGING)
    content = json.loads(store.path.read_text())
    content["profiles"].append({"name": "odd", "source": "carrier-pigeon"})
    content["profiles"][0]["a_field_of_a_later_version"] = "kept out"
    store.path.write_text(json.dumps(content))
    assert store.list() == (STAGING,)
    assert "odd" in store.problem


def test_a_failed_write_leaves_the_old_file(store, monkeypatch):
    store.save(STAGING)
    before = store.path.read_bytes()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(LocalIOError) as raised:
        store.save(PRODUCTION)
    assert "disk is full" in raised.value.cause
    assert store.path.read_bytes() == before
    names = sorted(path.name for path in store.path.parent.iterdir())
    assert names == ["profiles.json", "profiles.json.lock"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"region": "EU West"}, "region"),
        ({"bucket": "No_Bucket"}, "bucket"),
        ({"endpoint_url": "localhost:9000"}, "endpoint_url"),
        ({"endpoint_url": "https://user:password@host"}, "endpoint_url"),
        ({"endpoint_url": "https://host:notaport"}, "endpoint_url"),
        ({"role_arn": "reader"}, "role_arn"),
        ({"access_key_id": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, "access_key_id"),
        ({"source": KeySource.AWS_PROFILE}, "aws_profile"),
    ],
)
def test_unusable_fields_are_named_and_never_written(store, changes, field):
    values = {"name": "p", "source": KeySource.KEYRING, **changes}
    profile = Profile(**values)
    assert list(profile_problems(profile)) == [field]
    with pytest.raises(InvalidInput):
        store.save(profile)
    assert not store.path.exists()


# Profiles together with their keys.


@pytest.fixture
def backend(monkeypatch):
    allow(monkeypatch, MemoryKeyring, RefusingKeyring)
    return MemoryKeyring()


@pytest.fixture
def connections(store, backend):
    return Connections(store, Vault(backend))


def test_keys_go_to_the_keyring_and_no_file_has_them(connections, backend, tmp_path):
    connection = connections.save(STAGING, KEYS)
    assert connection.keys == KEYS
    assert connections.connect("staging") == connection
    assert any(CANARY in text for text in backend.entries.values())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(CANARY.encode() in path.read_bytes() for path in files)


def test_a_renamed_profile_takes_its_keys_along(connections, backend):
    connections.save(STAGING, KEYS)
    moved = Profile("stage", KeySource.KEYRING)
    assert connections.save(moved, replaces="staging").keys == KEYS
    assert [name for _service, name in backend.entries] == ["stage"]


def test_keys_for_the_session_only_leave_the_keyring(connections, backend):
    connections.save(STAGING, KEYS)
    for_now = Profile("staging", KeySource.SESSION)
    assert connections.save(for_now).keys == KEYS
    assert backend.entries == {}
    assert connections.connect("staging").keys == KEYS
    other_start = Connections(ProfileStore(connections.profiles.path), Vault(backend))
    with pytest.raises(Exception, match="missing"):
        other_start.connect("staging")


def test_keys_for_the_session_only_never_wake_the_keyring(store, backend):
    asleep = Connections(store, Vault(RefusingKeyring(OSError("asked to unlock"))))
    for_now = Profile("staging", KeySource.SESSION)
    assert asleep.save(for_now, KEYS).keys == KEYS
    assert asleep.save(Profile("s", KeySource.SESSION), replaces="staging").keys == KEYS
    asleep.delete("s")


def test_without_a_usable_keyring_the_profile_is_not_stored_either(store):
    locked = Connections(store, Vault(RefusingKeyring(OSError("no D-Bus"))))
    with pytest.raises(Exception, match="keyring"):
        locked.save(STAGING, KEYS)
    assert store.list() == ()


def test_deleting_a_profile_forgets_its_keys(connections, backend):
    connections.save(STAGING, KEYS)
    connections.delete("staging")
    assert backend.entries == {}
    assert connections.profiles.list() == ()


def test_sources_that_keep_their_own_keys_need_none_of_ours(connections):
    assert connections.save(PRODUCTION).keys is None
