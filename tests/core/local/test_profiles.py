"""Profiles are stored and read back; a corrupt entry is reported and does not affect others."""

import json
from dataclasses import replace

import pytest
from helpers.aws import CANARY
from helpers.keyrings import MemoryKeyring, RefusingKeyring, allow

from core.errors import InvalidInput, LocalIOError, NotFound
from core.local.connections import Connections
from core.local.profile_check import profile_problems, record_of
from core.local.profiles import ProfileStore
from core.local.state.database import state_database
from core.local.vault import Vault
from core.model.connection import AccessKeys, KeySource, Profile, ProfileColour
from core.paths import config_dir, data_dir
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
    return ProfileStore(tmp_path / "state")


def test_profiles_come_back_complete_in_order_from_another_start(store, tmp_path):
    store.save(STAGING)
    store.save(PRODUCTION)
    again = ProfileStore(tmp_path / "state")
    assert again.list() == (STAGING, PRODUCTION)
    assert again.get("production").production
    assert again.current() == STAGING
    again.set_current("production")
    assert ProfileStore(tmp_path / "state").current() == PRODUCTION


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
def test_a_broken_file_of_an_earlier_version_is_set_aside_and_reported(content):
    (config_dir() / "profiles.json").write_text(content)
    store = ProfileStore()
    assert store.list() == ()
    (aside,) = config_dir().glob("profiles.json.broken-*")
    assert aside.read_text() == content
    assert store.problem.endswith(f"the entire file. They are in {aside}.")
    store.save(STAGING)
    assert store.list() == (STAGING,)
    aside.unlink()
    assert store.problem == ""


def test_a_broken_entry_does_not_take_the_others_with_it(store, tmp_path):
    store.save(STAGING)
    store.save(PRODUCTION)
    database = state_database(tmp_path / "state")
    for odd in ('{"name": "production", "source": "telegram"}', "", "[]", '{"name": []}'):
        database.execute("UPDATE profiles SET record = ? WHERE name = 'production'", (odd,))
        assert store.list() == (STAGING,)
        assert store.problem == "Profiles that cannot be read: production."
    later = json.dumps({"name": "production", "a_field_of_a_later_version": {"left": "out"}})
    database.execute("UPDATE profiles SET record = ? WHERE name = 'production'", (later,))
    assert [profile.name for profile in store.list()] == ["staging", "production"]
    store.save(PRODUCTION)
    assert store.list() == (STAGING, PRODUCTION)
    assert store.problem == ""


def test_broken_entries_of_an_earlier_version_are_named():
    entries = [record_of(STAGING), {"name": "odd", "source": "telegram"}, 3]
    path = config_dir() / "profiles.json"
    path.write_text(json.dumps({"format": 1, "current": "staging", "profiles": entries}))
    store = ProfileStore()
    assert store.list() == (STAGING,)
    assert store.current() == STAGING
    assert store.problem == (
        f"Profiles that could not be imported: odd, ?. They are in {path}.imported."
    )


def test_a_damaged_database_is_reported_while_its_file_exists():
    ProfileStore().save(STAGING)
    state_database().close()
    state_database().path.write_bytes(b"no database" * 1000)
    state_database()._prepared = None  # as in the next process
    store = ProfileStore()
    assert store.list() == ()
    (aside,) = data_dir().glob("state.db.broken-*")
    assert str(aside) in store.problem
    assert "was damaged" in store.problem
    aside.unlink()
    assert store.problem == ""


def test_a_failed_write_changes_nothing(store, tmp_path):
    store.save(STAGING)
    with state_database(tmp_path / "state").transaction() as connection:
        connection.pragma("max_page_count", connection.pragma("page_count"))
    large = replace(PRODUCTION, secret_name="s" * 200_000)
    with pytest.raises(LocalIOError) as raised:
        store.save(large)
    assert f"The disk of {tmp_path / 'state'} is full" in raised.value.cause
    assert store.list() == (STAGING,)
    assert store.current() == STAGING


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
    assert store.list() == ()


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


def test_keys_for_the_session_only_leave_the_keyring(connections, backend, tmp_path):
    connections.save(STAGING, KEYS)
    for_now = Profile("staging", KeySource.SESSION)
    assert connections.save(for_now).keys == KEYS
    assert backend.entries == {}
    assert connections.connect("staging").keys == KEYS
    other_start = Connections(ProfileStore(tmp_path / "state"), Vault(backend))
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
