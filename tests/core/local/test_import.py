"""Files of earlier versions are imported once: no entry is lost, and none is duplicated.

`old_home` is what the last version without the database has written.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.backup.unfinished import dead_records
from core.backup.verifications import verifications
from core.lifecycle.store import former_rules
from core.links.ledger import Ledger
from core.local.activity import ChangeLog
from core.local.locking import locked
from core.local.owned_files import claimed
from core.local.pending_uploads import of_dead_processes
from core.local.profiles import ProfileStore
from core.local.settings import Settings
from core.local.state.database import state_database
from core.local.state.old_files import OLD_STORES, old_files
from core.local.used_actions import UsedActions
from core.model.change import ChangeKind
from core.model.rotation import Outcome, Step, StepState
from core.model.statistics import Share
from core.model.verification import Verification
from core.paths import config_dir, data_dir
from core.rotation.journal import RotationJournal
from core.statistics.saved import load
from core.transfer.journal import settled, unfinished
from core.transfer.values import EXISTS, Outcomes

ROOT = Path(__file__).resolve().parents[3]
OLD_HOME = Path(__file__).parent / "old_home"


@pytest.fixture
def home():
    """The home of a user who has used the earlier version."""
    found = Path(os.environ["STRONGROOM_HOME"])
    shutil.copytree(OLD_HOME, found)
    return found


def rotations():
    old, running = RotationJournal().read()
    assert (old.outcome, running.outcome) == (Outcome.DONE, Outcome.RUNNING)
    assert running.step(Step.PREFLIGHT).state is StepState.DONE
    assert running.step(Step.CREATE).state is StepState.RUNNING
    assert running.facts.keys_before == ("AKIAEXAMPLE",)


def transfers():
    (found,) = unfinished()
    assert found.order.id == "22222222222242228222222222222222"
    assert (found.order.operation, found.order.title) == ("transfer.upload", "Upload of reports")
    assert (found.planned, found.left) == (3, (2,))
    assert found.arguments["paths"] == ["/data/c"]
    assert found.order.arguments["paths"][1] == "/data/b\udcff"
    assert settled(found.order.id) == Outcomes(done=(1,), skipped=((0, EXISTS),))


def uploads():
    found = {record.key: record for record in of_dead_processes()}
    assert (found["big.bin"].upload_id, found["big.bin"].bucket) == ("upload-1", "bucket")
    assert found["never answered"].endpoint == "http://127.0.0.1:1"
    assert len(found) == len(of_dead_processes()) == 2


def profiles():
    staging, production = ProfileStore().list()
    assert (staging.name, staging.access_key_id) == ("staging", "AKIAEXAMPLE")
    assert (production.aws_profile, production.region) == ("team", "eu-west-1")
    assert production.production
    assert ProfileStore().current() == production
    assert ProfileStore().problem == ""


def settings():
    keys = ("theme", "window/tab", "clock/zone")
    assert [Settings().get(key) for key in keys] == ["dark", "links", "utc"]


def links():
    page = Ledger().read()
    assert [entry.key for entry in page.entries] == ["b", "reports/ä.csv"]
    assert [entry.expiry_known for entry in page.entries] == [False, True]
    assert page.entries[1].expires == datetime(2026, 1, 2, 4, 4, 5, tzinfo=UTC)
    assert (page.broken, page.aside) == (0, None)


def changes():
    old, new = ChangeLog().read()
    assert (old.profile, old.change.kind, old.change.request_id) == (
        "staging", ChangeKind.SECRETS, "R1",
    )  # fmt: skip
    assert (new.change.subject, new.change.prefixes) == ("a.txt", ("a/", ""))


def used_actions():
    (one,) = UsedActions().read("staging")
    assert (one.action, one.first, one.last) == ("s3:GetObject", date(2026, 1, 2), date(2026, 1, 5))
    assert [used.action for used in UsedActions().read("production")] == ["s3:ListBucket"]


def downloads():
    folders = state_database().rows("SELECT owner, folder FROM download_folders ORDER BY folder")
    assert folders == [(None, b"/data/b\xff"), (None, b"/data/downloads")]


def unfinished_backups():
    with dead_records(SimpleNamespace(place="https://s3/bucket")) as found:
        assert list(found) == ["backups/database/orders/2026/01/02/x/"]


def verified():
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert verifications() == {
        ("https://s3/bucket", "key", "abc"): Verification(moment, "restore", "a difference")
    }


def check_secrets():
    rows = state_database().rows("SELECT owner, name, endpoint, region, bucket FROM check_secrets")
    assert rows == [(None, "cryptotrading/strongroom-check-1", "https://s3", "us-east-1", "bucket")]


def lifecycle():
    (former,) = former_rules("bucket")
    assert former.replaced == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [rule.rule_id for rule in former.configuration.rules] == ["theirs"]
    assert former.configuration.minimum_size == "varies_by_storage_class"


def statistics():
    found = load("staging", "bucket")
    assert (found.objects, found.size, found.folders) == (2, 30, (Share("logs", 2, 30),))
    assert (found.details[0].sizes, found.details[0].largest) == (((2, 30), (0, 0)), found.largest)
    assert load("production", "bucket") is None


CHECKS = {
    "former lifecycle rules": lifecycle, "statistics": statistics,
    "check secrets": check_secrets,
    "downloads": downloads, "unfinished backups": unfinished_backups, "verifications": verified,
    "rotations": rotations, "transfers": transfers, "uploads": uploads, "profiles": profiles,
    "settings": settings, "links": links, "changes": changes, "used actions": used_actions,
}  # fmt: skip


def files():
    return [path for _store, path in old_files(data_dir() / "state.db")]


@pytest.mark.parametrize("what", CHECKS)
def test_each_store_is_imported(home, what):
    CHECKS[what]()


def test_all_files_are_renamed_once_and_remain_readable(home):
    contents = {path: path.read_bytes() for path in files()}
    state_database().execute("PRAGMA user_version")
    assert files() == []
    for path, content in contents.items():
        assert path.with_name(path.name + ".imported").read_bytes() == content
    assert [path.name for path in home.rglob("*.lock")] == ["state.db.lock"]
    for check in CHECKS.values():
        check()
    assert {"config", "data", "cache"} <= {path.name for path in home.iterdir()}


def test_every_kind_of_file_is_covered(home):
    assert {store.name for store, _path in old_files(data_dir() / "state.db")} == {
        store.name for store in OLD_STORES
    }
    assert set(CHECKS) == {store.name for store in OLD_STORES}
    assert config_dir().parent == data_dir().parent == home


KILLED = """
import os, signal, sys
from core.local.state import import_files
def die(*_arguments, **_more):
    os.kill(os.getpid(), signal.SIGKILL)
def only_once(function):
    calls = []
    def called(*arguments, **more):
        calls.append(arguments)
        return function(*arguments, **more) if len(calls) == 1 else die()
    return called
point = sys.argv[1]
if point == "before commit":
    import_files._import_file = only_once(import_files._import_file)
if point == "before the first rename":
    import_files._rename = die
if point == "after the first rename":
    import_files._rename = only_once(import_files._rename)
from core.local.state.database import state_database
state_database().rows("SELECT 1")
"""


@pytest.mark.parametrize(
    "point", ["before commit", "before the first rename", "after the first rename"]
)
def test_a_kill_while_files_are_imported_loses_and_doubles_nothing(home, point):
    before = len(files())
    killed = subprocess.run([sys.executable, "-c", KILLED, point], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert before - len(files()) == (1 if point == "after the first rename" else 0)
    for check in CHECKS.values():
        check()
    assert files() == []
    assert len(list(home.rglob("*.imported*"))) == before


def test_two_processes_import_once(home):
    script = "from core.local.state.database import state_database as s; s().rows('SELECT 1')"
    processes = [
        subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for _ in range(3)
    ]  # fmt: skip
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for check in CHECKS.values():
        check()


def test_a_file_that_an_earlier_version_writes_again_is_imported_as_well(home):
    rotations()
    path = data_dir() / "rotations" / "11111111-2222-4333-8444-555555555555.rotation.json"
    old = path.with_name(path.name + ".imported").read_text()
    path.write_text(old.replace('"updated": "2026-01-02', '"updated": "2026-02-02'))
    state_database().close()
    state_database()._prepared = None  # as in the next process
    assert [each.updated.month for each in RotationJournal().read()] == [1, 2]
    assert len(list(path.parent.glob("*.imported-2"))) == 1


def test_a_file_that_is_being_written_is_waited_for(home):
    path = files()[0]
    entered = threading.Event()

    def start():
        state_database().rows("SELECT 1")
        entered.set()

    with locked(path):
        thread = threading.Thread(target=start)
        thread.start()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    thread.join()


def transfer_file():
    return next(data_dir().glob("transfers/*.transfer"))


def test_a_torn_last_line_loses_only_itself(home):
    with transfer_file().open("ab") as file:
        file.write(b'{"done": [2')
    transfers()


def test_a_broken_journal_is_set_aside_and_the_others_are_imported(home):
    path = transfer_file()
    path.write_bytes(path.read_bytes() + b"garbage\n")
    content = path.read_bytes()
    assert unfinished() == ()
    (aside,) = path.parent.glob("*.broken-*")
    assert aside.read_bytes() == content
    rotations()


def test_a_transfer_that_an_earlier_version_still_runs_is_left_to_it(home):
    path = transfer_file()
    with claimed(path) as free:
        assert free
        assert unfinished() == ()
        assert path.exists()
    state_database().close()
    state_database()._prepared = None  # as in the next process
    transfers()
