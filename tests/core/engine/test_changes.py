"""Each changing operation reports its changes with kind, subject and prefixes."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace as Record

import pytest
from helpers.aws import connection

from core.engine.changes import MOST_PREFIXES, OperationCall, no_effects
from core.engine.operations import OPERATIONS, changes_made, operation
from core.errors import AccessDenied, Cancelled
from core.model.change import ChangeKind
from core.model.rotation import (
    Facts,
    Outcome,
    Rotation,
    RotationKind,
    Step,
    StepRecord,
    StepState,
)
from core.objects.deleting import Deleted, DeleteReport, FailedDelete, delete_many
from core.objects.lost_answers import LostAnswers
from core.objects.trash import RestoreReport
from core.storage.setup import SetupReport
from core.transfer.edited import EditedObject, EditReport
from core.transfer.moved import MovedObject, MoveReport
from core.transfer.sweep import SweepReport
from core.transfer.undo_move import UndoReport
from core.transfer.values import NOTHING_PLANNED, Outcomes
from core.work import CancelToken, Work

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OBJECTS, SECRETS, TABLES = ChangeKind.OBJECTS, ChangeKind.SECRETS, ChangeKind.TABLES
PROFILE = connection().profile
DELETED = DeleteReport((Deleted("a/x", "1"),), (FailedDelete("a/y", "AccessDenied", ""),))
BACKUPS = Record(backups=(Record(table="users", key="backups/users/1/manifest.json"),))
REMOVED = Record(removed=BACKUPS.backups)
TABLE = Record(database="trading", table="users")
LINKS = (Record(key="a/x"), Record(key="a/y"))


def rotation(*done, outcome=Outcome.RUNNING, undone=()):
    records = [StepRecord(step, StepState.DONE) for step in done]
    records += [StepRecord(step, StepState.UNDONE) for step in undone]
    facts = Facts(user="trader", old_key_id="OLD", new_key_id="NEW")
    made = Rotation("id", RotationKind.IAM_KEY, "app/key", NOW, NOW, facts=facts)
    return replace(made, steps=tuple(records), outcome=outcome)


FIRST = rotation(Step.CREATE)
SECOND = rotation(Step.CREATE, Step.STAGE)
CREATED = "app/key: access key NEW of trader created"
STAGED = "app/key: new value stored"
UNDONE = rotation(undone=(Step.CREATE,), outcome=Outcome.UNDONE)

#: Name of the operation: its arguments, its result, and kind, subject and prefixes of its change.
CASES = {
    "transfer.upload": ({"keys": ["a/x", "a/y"]}, replace(NOTHING_PLANNED, done=(1,)),
                        OBJECTS, "a/y", ("a/",)),
    "transfer.sync": (
        {"direction": "upload"},
        Record(keys=("a/x", "b"), transfer=Record(done=(0,)), deleted=("a/y",)),
        OBJECTS, "2 objects", ("a/",),
    ),
    "transfer.copy": ({"keys": ["a/x", "a/y"], "targets": ["b/x", "b/y"]},
                      replace(NOTHING_PLANNED, done=(1,)), OBJECTS, "s3://bkt/b/y", ("b/",)),
    "transfer.move": ({"keys": ["a/x", "a/y"], "targets": ["b/x", "b/y"]},
                      replace(NOTHING_PLANNED, done=(1,)), OBJECTS, "s3://bkt/b/y", ("b/", "a/")),
    "transfer.undo_move": ({"moved": [Record(target="b/x")]}, UndoReport(("a/x",), ()),
                           OBJECTS, "s3://bkt/a/x", ("a/", "b/")),
    "transfer.file": ({}, Record(key="a/b/x"), OBJECTS, "a/b/x", ("a/b/",)),
    "transfer.watch": ({}, Record(keys=("a/x",)), OBJECTS, "s3://bkt/a/x", ("a/",)),
    "transfer.sweep": ({}, SweepReport(("a/x",)), OBJECTS, "s3://bkt/a/x", ("a/",)),
    "leftovers.remove": ({}, SweepReport(("a/x", "b/")), OBJECTS, "2 objects", ("a/", "")),
    "objects.delete_many": ({}, DELETED, OBJECTS, "s3://bkt/a/x", ("a/",)),
    "objects.restore_many": ({}, RestoreReport(("a/x", "b"), ()), OBJECTS, "2 objects", ("a/", "")),
    "objects.edit_properties": (
        {}, EditReport((EditedObject("a/x"),), ("b/z",), (), (EditedObject("b/y"),)),
        OBJECTS, "2 objects", ("a/", "b/"),
    ),
    "objects.undo_edits": ({}, RestoreReport(("a/x",), ()), OBJECTS, "s3://bkt/a/x", ("a/",)),
    "backup.run": ({}, BACKUPS, ChangeKind.BACKUPS, "users", ("backups/users/1/",)),
    "backup.resume": ({}, BACKUPS, ChangeKind.BACKUPS, "users", ("backups/users/1/",)),
    "backup.discard": ({}, [Record(table="users")], ChangeKind.BACKUPS, "users", ()),
    "backup.restore": ({}, TABLE, TABLES, "trading: users", ()),
    "backup.restore_tables": ({}, Record(tables=(TABLE,)), TABLES, "trading: users", ()),
    "backup.restore_rows": ({}, TABLE, TABLES, "trading: users", ()),
    "backup.apply_retention": ({}, REMOVED, ChangeKind.BACKUPS, "users", ("backups/users/1/",)),
    "backup.pin": ({}, BACKUPS.backups[0], ChangeKind.BACKUPS, "users", ("backups/users/1/",)),
    "backup.unpin": ({}, BACKUPS.backups[0], ChangeKind.BACKUPS, "users", ("backups/users/1/",)),
    "backup.annotate": ({}, BACKUPS.backups[0], ChangeKind.BACKUPS, "users", ("backups/users/1/",)),
    "backup.thaw": ({}, Record(table="users", sent=1), ChangeKind.BACKUPS, "users", ()),
    "backup.undo": ({"former": "users__before"}, "users", TABLES, "users__before", ()),
    "backup.drop_former": ({"former": "users__before"}, "", TABLES, "users__before", ()),
    "objects.upload": ({"key": "a/x"}, None, OBJECTS, "s3://bkt/a/x", ("a/",)),
    "objects.put": ({"key": "x"}, None, OBJECTS, "s3://bkt/x", ("",)),
    "objects.copy": ({"key": "x", "target": "a/y"}, None, OBJECTS, "s3://bkt/a/y", ("a/",)),
    "objects.delete": ({"key": "a/x"}, None, OBJECTS, "s3://bkt/a/x", ("a/",)),
    "objects.change_properties": ({"key": "a/x"}, None, OBJECTS, "s3://bkt/a/x", ("a/",)),
    "objects.change_tags": ({"key": "a/x"}, None, OBJECTS, "s3://bkt/a/x", ("a/",)),
    "objects.undo_change": ({"key": "a/x"}, None, OBJECTS, "s3://bkt/a/x", ("a/",)),
    "objects.restore_version": ({"key": "a/x"}, None, OBJECTS, "s3://bkt/a/x", ("a/",)),
    "objects.undelete": ({"key": "a/"}, None, OBJECTS, "s3://bkt/a/", ("",)),
    "links.put": ({}, LINKS, ChangeKind.LINKS, "2 objects", ()),
    "links.post": ({}, LINKS, ChangeKind.LINKS, "2 objects", ()),
    "links.deactivate_key": ({"access_key_id": "AKIA1"}, None, ChangeKind.LINKS,
                             "access key AKIA1 deactivated", ()),
    "links.delete": ({}, LINKS[:1], ChangeKind.LINKS, "a/x", ()),
    "athena.run": ({}, None, ChangeKind.BUCKET, "s3://bkt queried with Athena", ()),
    "lifecycle.save": ({}, None, ChangeKind.BUCKET, "s3://bkt lifecycle rules saved", ()),
    **{
        f"secrets.{verb}": ({"name": "app/key"}, None, SECRETS, "app/key", ())
        for verb in ("create", "save", "delete", "restore", "make_current", "tag", "untag")
    },
    "backup.create_key": ({"name": "secret:a"}, None, SECRETS, "secret:a", ()),
    "rotation.start": ({"rotation": None}, FIRST, SECRETS, CREATED, ()),
    "rotation.resume": ({"rotation": FIRST}, SECOND, SECRETS, STAGED, ()),
    "rotation.undo": ({"rotation": FIRST}, UNDONE, SECRETS, "app/key", ()),
    "rotation.roll_back": ({"found": Record(secret="app/key")}, None, SECRETS, "app/key", ()),
    "doctor.repair": (
        {"finding": Record(subject="app/key"), "repair": Record(title="Delete the key")},
        "done", SECRETS, "app/key: delete the key", (),
    ),
    "setup": ({"connection": connection()}, SetupReport((), "eu-west-1", stored=True),
              SECRETS, PROFILE.secret_name, ()),
    "profiles.save": ({"profile": PROFILE}, None, ChangeKind.PROFILES, PROFILE.name, ()),
    "profiles.delete": ({"name": "old"}, None, ChangeKind.PROFILES, "old", ()),
}  # fmt: skip


def made(name, arguments, result):
    return changes_made(OperationCall(name, arguments, "bkt", "p", "origin"), result)


def test_the_cases_are_all_changing_operations():
    assert set(CASES) == {each.name for each in OPERATIONS if each.changes}
    with_effects = {each.name for each in OPERATIONS if each.effects is not no_effects}
    assert with_effects == {*CASES, "links.get"}  # a link changes the ledger of this computer


@pytest.mark.parametrize("name", CASES)
def test_a_changing_operation_yields_its_change(name):
    arguments, result, kind, subject, prefixes = CASES[name]
    (change,) = made(name, arguments, result)
    assert (change.kind, change.subject, change.prefixes) == (kind, subject, prefixes)
    assert (change.action, change.origin) == (operation(name).title, "origin")


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("transfer.upload", NOTHING_PLANNED),
        ("transfer.upload", Outcomes()),
        ("transfer.sweep", SweepReport()),
        ("objects.delete_many", DeleteReport((), ())),
        ("objects.restore_many", RestoreReport((), ())),
        ("objects.edit_properties", EditReport(unchanged=("a/x",))),
        ("backup.run", Record(backups=())),
        ("backup.resume", Record(backups=())),
        ("backup.discard", ()),
        ("backup.restore_tables", Record(tables=())),
        ("backup.apply_retention", Record(removed=())),
        ("links.put", ()),
        ("setup", SetupReport((), "eu-west-1", stored=False)),
        ("rotation.start", rotation()),
        ("transfer.download", NOTHING_PLANNED),
    ],
)
def test_an_operation_that_changed_nothing_yields_no_change(name, result):
    arguments = {"keys": ["a"], "connection": connection()}
    assert made(name, arguments, result) == ()


@pytest.mark.parametrize("done", [False, True], ids=["nothing else", "one done"])
def test_listings_are_outdated_of_objects_whose_change_was_not_answered(done):
    """Whether they were changed is not known; the log names what is known, if there is any."""
    sent = LostAnswers(1, 0.0, 1.0)
    report = DeleteReport((Deleted("a/x"),) if done else (), (), (), ((("a/x", "b/y"), sent),))
    (change,) = made("objects.delete_many", {}, report)
    assert change.prefixes == ("a/", "b/")
    assert change.subject == ("s3://bkt/a/x" if done else "2 objects")
    unfinished = (MovedObject("b/y", "", "c/y", lost=sent),)
    moved = MoveReport.of(replace(NOTHING_PLANNED, done=(0,) if done else ()), (), unfinished)
    arguments = {"keys": ["a/x", "b/y"], "targets": ["d/x", "c/y"]}
    (change,) = made("transfer.move", arguments, moved)
    assert {*change.prefixes} == ({"a/", "d/", "b/", "c/"} if done else {"b/", "c/"})
    edited = EditReport((EditedObject("a/x"),) if done else (), unanswered=(EditedObject("b/y"),))
    (change,) = made("objects.edit_properties", {}, edited)
    assert change.prefixes == (("a/", "b/") if done else ("b/",))


def test_the_copies_are_outdated_of_objects_that_were_never_removed():
    moved = [Record(target="b/x")]
    (change,) = made("transfer.undo_move", {"moved": moved}, UndoReport((), (), ("a/x",)))
    assert (change.subject, change.prefixes) == ("s3://bkt/a/x", ("a/", "b/"))


def test_a_restore_of_several_tables_names_each_and_those_restored_until_then():
    tables = (TABLE, Record(database="trading", table="orders"))
    found = made("backup.restore_tables", {}, Record(tables=tables))
    assert [each.subject for each in found] == ["trading: users", "trading: orders"]
    (change,) = made("backup.restore_tables", {}, TABLE)
    assert change.subject == "trading: users"


def test_many_uploads_are_one_change():
    keys = [f"a/b/{number}/x" for number in range(MOST_PREFIXES + 1)]
    few = Outcomes(tuple(range(2)))
    (change,) = made("transfer.upload", {"keys": keys}, few)
    assert (change.subject, change.prefixes) == ("2 objects in s3://bkt/a/b/", ("a/b/0/", "a/b/1/"))
    (change,) = made("transfer.upload", {"keys": keys}, Outcomes(tuple(range(len(keys)))))
    assert change.prefixes == ("",)


def test_an_undone_save_of_lifecycle_rules_is_named():
    (change,) = made("lifecycle.save", {"saved": Record()}, None)
    assert change.subject == "s3://bkt lifecycle rules undone"


def test_a_rotation_that_undid_itself_is_logged_as_undone():
    (change,) = made("rotation.start", {"rotation": None}, UNDONE)
    assert change.action == operation("rotation.undo").title


class StoppedAfterOne:
    """A client whose second request is refused, or which cancels after the first one."""

    def __init__(self, cancelled):
        self.requests, self._cancelled = 0, cancelled

    def delete_objects(self, **request):
        self.requests += 1
        if self._cancelled is not None:
            self._cancelled.cancel()
        elif self.requests > 1:
            raise AccessDenied("refused")
        return {"Deleted": request["Delete"]["Objects"]}


@pytest.mark.parametrize("cancelled", [None, CancelToken()])
def test_a_delete_that_fails_halfway_carries_what_was_deleted(cancelled):
    bucket = Record(name="bkt", client=StoppedAfterOne(cancelled), subject=lambda *_key: "s3://bkt")
    keys = [f"a/{number}" for number in range(1_500)]
    work = Work() if cancelled is None else Work(cancelled)
    with pytest.raises(AccessDenied if cancelled is None else Cancelled) as caught:
        delete_many(bucket, keys, work=work)
    (change,) = made("objects.delete_many", {"keys": keys}, caught.value.partial)
    assert (change.subject, change.prefixes) == ("1,000 objects", ("a/",))
