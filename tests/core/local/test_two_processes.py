"""Two processes that change the same file lose none of their changes."""

import json
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from core.lifecycle.store import former_rules
from core.links.ledger import Ledger
from core.local.activity import ChangeLog
from core.local.pending_uploads import of_dead_processes
from core.local.profiles import ProfileStore
from core.local.settings import Settings
from core.local.state.database import state_database
from core.local.state.reports import unreadable_entries
from core.local.used_actions import UsedActions
from core.paths import data_dir
from core.rotation.journal import RotationJournal
from core.transfer.journal import unfinished

ROOT = Path(__file__).resolve().parents[3]
ROUNDS, EACH = 3, 20
PRELUDE = """
import sys
from datetime import UTC, datetime
who, names = sys.argv[1], [f"{sys.argv[1]}-{number}" for number in range(int(sys.argv[2]))]
print("ready", flush=True)
sys.stdin.readline()
"""
WRITERS = {
    "profiles": """
from core.local.profiles import ProfileStore
from core.model.connection import KeySource, Profile
store = ProfileStore()
for name in names: store.save(Profile(name, KeySource.ENVIRONMENT))
""",
    "settings": """
from core.local.settings import Settings
from core.local.state.database import state_database
from core.local.state.reports import unreadable_entries
settings = Settings()
for name in names:
    settings.set(name, name)
    settings.flush()
""",
    "settings at the end": """
from core.local.settings import Settings
from core.local.state.database import state_database
from core.local.state.reports import unreadable_entries
settings = Settings()
for name in names: settings.set(name, name)
""",
    "used actions": """
from core.local.used_actions import UsedActions
from core.model.change import Change, ChangeKind
used = UsedActions()
for name in names: used.note("p", name)
""",
    "ledger": """
from core.links.ledger import Entry, Ledger
ledger, now = Ledger(), datetime(2026, 1, 1, tzinfo=UTC)
for name in names: ledger.append([Entry("b", name, "GET", now, now, "me", "AKIA")])
""",
    "former rules": """
from types import SimpleNamespace
from core.lifecycle.rules import Configuration, Rule
from core.lifecycle.store import _store_former
for name in names: _store_former(SimpleNamespace(name="b"), Configuration((Rule.of({"ID": name}),)))
""",
    "log": """
from core.local import activity
from core.model.change import Change, ChangeKind
activity._MOST_CHANGES = 25
log, now = activity.ChangeLog(), datetime(2026, 1, 1, tzinfo=UTC)
for name in names: log.append(Change(ChangeKind.LINKS, "a", name, "o", now))
""",
}


def read_back(what):
    if what == "profiles":
        return [profile.name for profile in ProfileStore().list()]
    if what.startswith("settings"):
        return [key for (key,) in state_database().rows("SELECT key FROM settings")]
    if what == "used actions":
        return [used.action for used in UsedActions().read("p")]
    if what == "ledger":
        return [entry.key for entry in Ledger().read().entries]
    if what == "former rules":
        return [former.configuration.rules[0].rule_id for former in former_rules("b")]
    return [entry.change.subject for entry in ChangeLog().read()]


@pytest.mark.parametrize("what", WRITERS)
def test_nothing_is_lost_between_two_processes(what):
    expected = [f"{r}{p}-{number}" for r in range(ROUNDS) for p in "ab" for number in range(EACH)]
    for round_number in range(ROUNDS):
        together(PRELUDE + WRITERS[what], [f"{round_number}{p}" for p in "ab"])
    found = read_back(what)
    assert len(found) == len(set(found))
    assert set(found) <= set(expected)
    if what == "log":  # the newest remain
        assert len(found) == 25
        assert {name[:2] for name in found} >= {f"{ROUNDS - 1}a", f"{ROUNDS - 1}b"}
    else:
        assert set(found) == set(expected)


def together(script, names):
    """Run one script per name; all begin at the same moment."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, name, str(EACH)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in names
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0


ACKNOWLEDGED = """
import itertools, sys
from datetime import UTC, datetime
from uuid import UUID
from core.links.ledger import Entry, Ledger
from core.local.activity import ChangeLog
from core.local.pending_uploads import note
from core.local.profiles import ProfileStore
from core.local.settings import Settings
from core.local.used_actions import UsedActions
from core.model.change import Change, ChangeKind
from core.model.connection import KeySource, Profile
from core.model.rotation import Rotation, RotationKind
from core.rotation.journal import RotationJournal
from core.transfer.journal import Journal, Order
from core.transfer.values import Outcomes
who, now = sys.argv[1], datetime(2026, 1, 1, tzinfo=UTC)
settings, used, changes = Settings(), UsedActions(), ChangeLog()
for number in itertools.count():
    name, identifier = f"{who}-{number}", str(UUID(int=int(who, 36) * 10**6 + number))
    ProfileStore().save(Profile(name, KeySource.ENVIRONMENT))
    settings.set(name, name)
    settings.flush()
    Ledger().append([Entry("b", name, "GET", now, now, "me", "AKIA")])
    changes.append(Change(ChangeKind.LINKS, "a", name, "o", now))
    used.note("p", name)
    RotationJournal().write(Rotation(identifier, RotationKind.IAM_KEY, name, now, now))
    Journal.begin(Order("o", identifier, name, "p", "b", {}), 2).note(Outcomes(done=(1,)))
    note("", "b", name).created(name)
    print(name, flush=True)
"""


@pytest.mark.parametrize("seconds", [0.05, 0.4])
def test_two_killed_processes_lose_nothing_that_they_had_written(seconds):
    """Everything that a process has reported is in every store, and no store is damaged."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ACKNOWLEDGED, who], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for who in ("a", "b")
    ]
    reported = {process.stdout.readline().strip() for process in processes}
    with suppress(subprocess.TimeoutExpired):
        processes[0].wait(seconds)
    for process in processes:
        process.kill()
    for process in processes:
        reported |= set(process.communicate()[0].split())
    assert state_database().rows("PRAGMA integrity_check") == [("ok",)]
    stores = [read_back(what) for what in ("profiles", "settings", "used actions", "ledger", "log")]
    stores.append([rotation.secret for rotation in RotationJournal().read()])
    stores.append([each.order.title for each in unfinished() if each.left == (0,)])
    stores.append([record.upload_id for record in of_dead_processes() if record.upload_id])
    for found in stores:
        assert len(found) == len(set(found))
        assert set(found) >= reported
        assert len(found) <= len(reported) + len(processes)


def test_what_another_process_has_changed_stays_when_settings_are_written(tmp_path):
    mine, theirs = Settings(tmp_path), Settings(tmp_path)
    assert mine.get("a") is theirs.get("a") is None
    theirs.set("theirs", 1)
    theirs.set("both", "theirs")
    theirs.flush()
    mine.set("mine", 2)
    mine.set("both", "mine")
    mine.set("gone", None)
    mine.flush()
    stored = Settings(tmp_path)
    assert [stored.get(key) for key in ("theirs", "mine", "both", "gone")] == [1, 2, "mine", None]
    assert mine.get("theirs") == 1


RUBBISH = [b"\x00\xff\xfe\x80 binary", b"[" * 100_000, b'{"kind": ', b"null", b"3", b'{"key": 1}']
GOOD = {
    "ledger": {
        "bucket": "b", "method": "GET", "made": "2026-01-01T00:00:00Z",
        "expires": "2026-01-01T00:00:00Z", "made_by": "me", "access_key_id": "AKIA",
    },
    "log": {"when": "2026-01-01T00:00:00Z", "kind": "links", "action": "a", "origin": "o"},
}  # fmt: skip


def written_by_an_earlier_version(kind):
    """Write a ledger or a log as an earlier version did, with rubbish between good lines."""
    field = "key" if kind == "ledger" else "subject"
    good = [json.dumps(GOOD[kind] | {field: f"key {number}"}).encode() for number in range(EACH)]
    path = data_dir() / ("links.jsonl" if kind == "ledger" else "changes.jsonl")
    mixed = [line for pair in zip(good, RUBBISH, strict=False) for line in pair]
    return path, [*mixed, *good[len(RUBBISH) :]]


@pytest.mark.parametrize("torn_end", [False, True])
@pytest.mark.parametrize("kind", ["ledger", "log"])
def test_rubbish_between_good_lines_is_left_in_the_old_file_and_reported(kind, torn_end):
    path, lines = written_by_an_earlier_version(kind)
    content = b"\n".join(lines) + (b'\n{"bucket": "b", "ke' if torn_end else b"\n")
    path.write_bytes(content)
    assert sorted(read_back(kind)) == sorted(f"key {number}" for number in range(EACH))
    imported = path.with_name(path.name + ".imported")
    assert imported.read_bytes() == content
    (lost,) = unreadable_entries(state_database(), "links" if kind == "ledger" else "changes")
    assert len(lost.names) == len(RUBBISH) + torn_end
    assert (lost.names[0], lost.file) == ("line 2", imported)
    if kind == "ledger":
        page = Ledger().read()
        assert (page.broken, page.aside) == (len(RUBBISH) + torn_end, imported)


@pytest.mark.parametrize(
    "content",
    [b"\xff", b"[" * 100_000, b"null", b'{"format": 2}', b'{"format": 1, "profiles": {"p": {"a": ["x"]}}}'],
)  # fmt: skip
def test_a_record_of_used_actions_that_cannot_be_read_is_set_aside(content):
    (data_dir() / "used-actions.json").write_bytes(content)
    clock = datetime(2026, 1, 2, tzinfo=UTC)
    used = UsedActions(clock=lambda: clock)
    used.note("p", "s3:GetObject")
    (found,) = used.read("p")
    assert (found.first, found.last) == (date(2026, 1, 2), date(2026, 1, 2))
    (aside,) = data_dir().glob("used-actions.json.broken-*")
    assert aside.read_bytes() == content
