"""A locked profile refuses every changing operation before a request is sent."""

import sqlite3
from dataclasses import replace

import pytest
from helpers.demo import plain_client

from core.aws.actions import is_changing
from core.aws.clients import REQUEST_OBSERVERS
from core.backup import notes, pins, resume, retention, thaw, undo
from core.backup.encryption_keys import create_key
from core.backup.restore import restore
from core.backup.restore_tables import restore_tables
from core.backup.row_restore import restore_rows
from core.backup.run import backup
from core.backup.together import TablesWanted
from core.collect.athena_run import run_on_athena
from core.doctor.repairs import Repairer
from core.engine import leftovers
from core.engine.operations import OPERATIONS
from core.errors import ErrorKind, StorageError
from core.filing import hot_folder, storing
from core.lifecycle import store as lifecycle
from core.lifecycle.templates import archive
from core.links.ledger import Ledger
from core.links.make import make_forms, make_links
from core.links.revocation import deactivate_key
from core.model.connection import ProfileColour
from core.model.doctor import Finding, FindingKind, Repair, RepairKind
from core.objects import copying, deleting, in_place, properties, trash, undo_delete, writing
from core.objects.property_edits import PropertyEdit
from core.redaction import Secret
from core.rotation.journal import RotationJournal
from core.rotation.rollback import RollBack, roll_back
from core.rotation.service import Rotator
from core.secrets.secret_text import SecretDiff
from core.storage.setup import set_up
from core.transfer import copies, moved, property_edits, sweep, sync, undo_edits, undo_move, upload
from core.transfer.edited import EditedObject
from core.work import Work
from core.workspace import Workspace

#: They change the settings of this machine only, which no lock protects.
LOCAL = {"profiles.save", "profiles.delete"}
SECRET = "cryptotrading/s3-storage"
#: An object of the sample data.
KEY = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
CANDLES = '{"symbol": "BTC-USD"}'


class Case:
    """A locked workspace on the embedded server, and local files to work with."""

    def __init__(self, workspace, folder):
        self.workspace, self.bucket, self.work = workspace, workspace.bucket, Work()
        self.clients, self.secrets = workspace.clients, workspace.secrets
        self.file = folder / "file.json"
        self.file.write_text(CANDLES)
        self.database = folder / "base.db"
        with sqlite3.connect(self.database) as made:
            made.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
            made.execute("INSERT INTO t VALUES (1)")
        made.close()
        self.rotator = Rotator(workspace.clients, journal=RotationJournal(folder / "rotations"))


def _repair(case):
    restored = Repair(RepairKind.RESTORE, "Restore it", "", "")
    finding = Finding(FindingKind.SCHEDULED, SECRET, SECRET, "text", repairs=(restored,))
    return Repairer(case.clients, case.rotator).repair(finding, restored)


def _watch(case):
    folder = case.file.parent / "hot"
    folder.mkdir()
    (folder / "a.log").write_text("2026-01-01T00:00:00Z started")
    document = '{"user_id": "u", "timestamp": "2026-01-01T00:00:00Z", "portfolio": {"assets": []}}'
    (folder / "a.json").write_text(document)
    return hot_folder.watch(
        case.workspace, case.work, folder=str(folder), once=True, settle_seconds=0
    )


def _resume(case):
    case.workspace.set_unlocked(unlocked=True)
    rotation = case.rotator._new(SECRET, Work())
    case.workspace.set_unlocked(unlocked=False)
    return case.rotator.resume(rotation)


def _undo(case):
    case.workspace.set_unlocked(unlocked=True)
    rotation = case.rotator._new(SECRET, Work())
    case.workspace.set_unlocked(unlocked=False)
    return case.rotator.undo(rotation)


def _roll_back(case):
    current = case.secrets.read(SECRET).version_id
    return roll_back(case.clients, RollBack(SECRET, current, "0" * 32, None, "", (), SecretDiff()))


ATTEMPTS = {
    "transfer.upload": lambda c: upload.upload(
        c.workspace,
        c.work,
        paths=[str(c.file)] * 40,
        keys=[f"l/{number}" for number in range(40)],
        sizes=[21] * 40,
    ),
    "transfer.copy": lambda c: copies.copy_objects(
        c.workspace, c.work, keys=[KEY], targets=["l/1"], sizes=[1], etags=[""]
    ),
    "transfer.move": lambda c: copies.move_objects(
        c.workspace, c.work, keys=[KEY], targets=["l/1"], sizes=[1], etags=[""]
    ),
    "transfer.undo_move": lambda c: undo_move.undo_move(
        c.workspace, c.work, moved=[moved.MovedObject(KEY, "marker", "l/1")]
    ),
    "transfer.sync": lambda c: sync.sync(
        c.workspace, c.work, direction="upload", prefix="l/", folder=str(c.file.parent),
        actions=["add"], keys=["l/1"], paths=[str(c.file)], sizes=[21], etags=[""], modified_ns=[0],
    ).transfer,
    "transfer.watch": _watch,
    "transfer.file": lambda c: storing.store(
        c.workspace, c.work, path=str(c.file), kind_id="log", names={"log_type": "a", "filename": "b"},
        moment="2026-01-01T00:00:00Z",
    ),
    "transfer.sweep": lambda c: sweep.remove_unfinished(
        c.workspace, c.work, uploads=[("l/1", "upload")]
    ),
    "leftovers.remove": lambda c: leftovers.remove(
        c.workspace, c.work, uploads=[("l/1", "upload")]
    ),
    "objects.delete_many": lambda c: deleting.delete_objects(c.workspace, c.work, keys=["l/1", "l/2"]),
    "objects.restore_many": lambda c: undo_delete.restore_objects(
        c.workspace, c.work, objects=[("l/1", ["marker"])]
    ),
    "objects.edit_properties": lambda c: property_edits.edit_properties(
        c.workspace, c.work, keys=[KEY], edit=PropertyEdit("STANDARD_IA")
    ),
    "objects.undo_edits": lambda c: undo_edits.undo_edits(
        c.workspace, c.work,
        edited=[EditedObject(KEY, before=(), after=properties.read_properties(c.bucket, KEY).tags)],
    ),
    "backup.run": lambda c: backup(c.workspace, c.work, database=str(c.database)),
    "backup.resume": lambda c: resume.resume(c.workspace, c.work),
    "backup.discard": lambda c: resume.discard(c.workspace, c.work),
    "backup.restore": lambda c: restore(
        c.workspace, c.work, database=str(c.database), table="t"
    ),
    "backup.restore_tables": lambda c: restore_tables(
        c.workspace, c.work, database=str(c.database), wanted=TablesWanted()
    ),
    "backup.restore_rows": lambda c: restore_rows(
        c.workspace, c.work, database=str(c.database), table="t", keys=["1"]
    ),
    "backup.apply_retention": lambda c: retention.apply_retention(c.workspace, c.work, daily=1),
    "backup.pin": lambda c: pins.pin(c.workspace, c.work, table="t", backup_id="0"),
    "backup.unpin": lambda c: pins.unpin(c.workspace, c.work, table="t", backup_id="0"),
    "backup.annotate": lambda c: notes.annotate(
        c.workspace, c.work, table="t", backup_id="0", note="n"
    ),
    "backup.thaw": lambda c: thaw.thaw(c.workspace, c.work, backup_id="0"),
    "backup.undo": lambda c: undo.undo(c.workspace, c.work, database=str(c.database), former="t"),
    "backup.drop_former": lambda c: undo.drop_former_table(
        c.workspace, c.work, database=str(c.database), former="t"
    ),
    "objects.upload": lambda c: writing.upload(c.bucket, "l/1", c.file),
    "objects.put": lambda c: writing.put(c.bucket, "l/1", b"x"),
    "objects.copy": lambda c: copying.copy(c.bucket, KEY, "l/1"),
    "objects.delete": lambda c: deleting.delete(c.bucket, KEY),
    "objects.change_properties": lambda c: properties.change_properties(
        c.bucket, KEY, seen := properties.read_properties(c.bucket, KEY),
        replace(seen.editable, storage_class="STANDARD_IA"),
    ),
    "objects.change_tags": lambda c: properties.change_tags(
        c.bucket, KEY, properties.read_properties(c.bucket, KEY).tags, (("a", "b"),)
    ),
    "objects.undo_change": lambda c: properties.undo_change(
        c.bucket, KEY, properties.read_properties(c.bucket, KEY)
    ),
    "objects.restore_version": lambda c: in_place.restore_version(
        c.bucket, KEY, properties.read_properties(c.bucket, KEY).version_id
    ),
    "objects.undelete": lambda c: trash.undelete(c.bucket, KEY, "marker"),
    "links.put": lambda c: make_links(c.bucket, ["l/1"], method="PUT"),
    "links.post": lambda c: make_forms(c.bucket, ["l/1"]),
    "links.deactivate_key": lambda c: deactivate_key(c.workspace.clients, "AKIA1", Ledger()),
    "links.delete": lambda c: make_links(c.bucket, [KEY], method="DELETE"),
    "athena.run": lambda c: run_on_athena(
        c.workspace, c.work, kind="trades", names=["X"], start="2024-01-01", end="2024-01-02"
    ),
    "lifecycle.save": lambda c: lifecycle.save(
        c.bucket, seen := lifecycle.read(c.bucket), seen.merged(archive(rule_id="l"))
    ),
    "backup.create_key": lambda c: create_key(c.workspace, c.work, name="secret:locked/key"),
    "secrets.create": lambda c: c.secrets.create_secret("cryptotrading/locked", {"a": "b"}),
    "secrets.save": lambda c: c.secrets.save(
        SECRET, Secret("{}"), expected_version=c.secrets.read(SECRET).version_id
    ),
    "secrets.delete": lambda c: c.secrets.delete_secret(SECRET),
    "secrets.restore": lambda c: c.secrets.restore_secret(SECRET),
    "secrets.make_current": lambda c: c.secrets.make_current(
        SECRET, "0" * 32, expected_version=c.secrets.read(SECRET).version_id
    ),
    "secrets.tag": lambda c: c.secrets.tag(SECRET, "a", "b"),
    "secrets.untag": lambda c: c.secrets.untag(SECRET, "a"),
    "rotation.start": lambda c: c.rotator.start(SECRET),
    "rotation.resume": _resume,
    "rotation.undo": _undo,
    "rotation.roll_back": _roll_back,
    "doctor.repair": _repair,
    "setup": lambda c: set_up(c.workspace.connection, store=True),
}  # fmt: skip


@pytest.fixture(scope="module")
def workspace(demo_server):
    profile = replace(demo_server.connection.profile, colour=ProfileColour.RED, name="prod")
    made = Workspace.open(replace(demo_server.connection, profile=profile))
    yield made
    made.close()


@pytest.fixture
def case(workspace, tmp_path):
    return Case(workspace, tmp_path)


@pytest.fixture
def sent():
    seen = []

    def note(service, operation):
        if is_changing(service, operation):
            seen.append(f"{service}:{operation}")

    REQUEST_OBSERVERS.append(note)
    yield seen
    REQUEST_OBSERVERS.remove(note)


@pytest.fixture(scope="module")
def state(demo_server):
    """A function that returns what the server holds, asked by independent clients."""
    s3 = plain_client(demo_server, "s3", demo_server.admin)
    secrets = plain_client(demo_server, "secretsmanager", demo_server.admin)

    def ask():
        found = [
            (row["Key"], row["ETag"])
            for prefix in ("l/", "logs/a/", "strongroom-check/", KEY)
            for row in s3.list_objects_v2(Bucket="tentimecrypto", Prefix=prefix).get("Contents", ())
        ]
        versions = secrets.list_secret_version_ids(SecretId=SECRET)["Versions"]
        return found, sorted(version["VersionId"] for version in versions)

    yield ask
    for client in (s3, secrets):
        client.close()


def attempted(attempt, case):
    """Return the kinds of failure: of the error, or of each item in a report."""
    try:
        outcome = attempt(case)
    except StorageError as error:
        return {error.kind}
    return {each.kind for each in outcome.failed}


def test_every_changing_operation_has_an_attempt():
    changing = {one.name for one in OPERATIONS if one.changes}
    assert changing - LOCAL == set(ATTEMPTS)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_locked_profile_refuses_it_and_nothing_is_sent(case, sent, state, name):
    before = state()
    assert attempted(ATTEMPTS[name], case) == {ErrorKind.READ_ONLY}
    assert sent == []
    assert state() == before
    assert not list(case.file.parent.glob("rotations/*.json"))
