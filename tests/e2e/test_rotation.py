"""A complete rotation succeeds in the window, on a server that enforces IAM, while uploads run."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from helpers.demo import plain_client
from helpers.rotation_world import AtStep, World
from helpers.wire_faults import Killed, Wire, on_the_wire

from core.aws.clients import ClientFactory
from core.demo import DemoServer
from core.model.connection import DEFAULT_SECRET_NAME
from core.model.rotation import Outcome, RotationTiming, Step
from core.rotation.journal import RotationJournal
from core.rotation.service import Rotator
from core.work import Work
from gui.dialogs.confirm import Confirm

QUICK = RotationTiming(test_seconds=5, pause=0.02, grace=timedelta(hours=1))


@pytest.fixture
def own_server():
    """A server of this test: it changes the platform's own key."""
    with DemoServer.start() as server:
        yield server


@pytest.fixture
def world(own_server):
    """The platform's user and its secret, read by an independent client."""
    world = object.__new__(World)
    world.server, world.user, world.secret = own_server, "s3-bot", DEFAULT_SECRET_NAME
    world.first = own_server.platform
    world.iam = plain_client(own_server, "iam", own_server.admin)
    world.vault = plain_client(own_server, "secretsmanager", own_server.admin)
    yield world
    world.close()


@pytest.fixture
def cockpit_tab(program, own_server, user):
    program.connector.open_connection(own_server.connection)
    tab = program.window.show_tab("credentials")
    tab.rotation.timing = QUICK
    user.choose(tab.secrets.table, DEFAULT_SECRET_NAME)
    user.until(lambda: tab.secret.value is not None and tab.secret.value.name == tab.secret.name)
    return tab


def ended(tab, outcome):
    return lambda: (
        tab.rotation_pane.rotation is not None
        and tab.rotation_pane.rotation.outcome is outcome
        and not tab.rotation._tasks
    )


def works(server, keys):
    client = plain_client(server, "s3", keys)
    try:
        client.list_objects_v2(Bucket="tentimecrypto", MaxKeys=1)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "InvalidAccessKeyId":
            raise
        return False
    finally:
        client.close()
    return True


def test_rotate_the_platforms_key(program, user, own_server, world, cockpit_tab, tmp_path):
    tab = cockpit_tab
    (tmp_path / "reports").mkdir()
    for number in range(400):
        (tmp_path / "reports" / f"{number:03}.json").write_bytes(b"{}" * 500)
    program.context.go("uploads", ("rotated/", (str(tmp_path / "reports"),)))
    uploads = program.window.tab("uploads")
    user.press("Upload 400 files", uploads)

    program.window.show_tab("credentials")
    user.press("Rotate…", tab)
    user.until(lambda: tab.rotation_pane.plan is not None)
    assert tab.rotation_pane.plan.facts.old_key_id == own_server.platform.access_key_id
    user.press("Start rotation", tab)
    user.until(ended(tab, Outcome.WAITING))
    assert works(own_server, own_server.platform), "the old key is still accepted in its grace"

    user.press("Deactivate now…", tab)
    user.press("Deactivate now", user.dialog(Confirm))
    user.until(lambda: ended(tab, Outcome.WAITING)() and tab.rotation_pane.delete.isVisible())
    assert not works(own_server, own_server.platform)
    user.press("Delete old key…", tab)
    question = user.dialog(Confirm)
    user.fill("Name to type", own_server.platform.access_key_id, question)
    user.press("Delete the key", question)
    user.until(ended(tab, Outcome.DONE))

    stored = world.stored("AWSCURRENT")
    assert world.keys == {stored["aws_access_key_id"]: True}
    assert stored["aws_access_key_id"] != own_server.platform.access_key_id
    assert world.works(stored)
    assert world.holder("AWSPENDING") in {"", world.holder("AWSCURRENT")}

    user.until(lambda: uploads.pane.model.batches and not uploads.pane.model.batches[0].active)
    client = plain_client(own_server, "s3", own_server.admin)
    found = client.list_objects_v2(Bucket="tentimecrypto", Prefix="rotated/")["KeyCount"]
    client.close()
    assert found == 400, "uploads that ran concurrently continued"

    changes = [entry.change for entry in program.context.log.read()]
    rotating = " ".join(change.subject for change in changes if "otat" in change.action)
    for step in ("create", "deactivate", "delete"):
        assert step in rotating, rotating
    assert stored["aws_secret_access_key"] not in repr(program.context.log.read())


def test_a_rotation_that_a_crash_interrupted_is_offered_and_undone(
    program, user, own_server, world, monkeypatch
):
    clients = ClientFactory(own_server.connection)
    rule = AtStep(Step.TEST, "killed", 1)
    rotator = Rotator(clients, journal=RotationJournal(), timing=QUICK)
    with ThreadPoolExecutor(1) as elsewhere, on_the_wire(monkeypatch, Wire(rule)):
        work = Work(batch=rule.watch)
        died = elsewhere.submit(lambda: rotator.start(DEFAULT_SECRET_NAME, work=work))
        with pytest.raises(Killed):
            died.result()
    clients.close()
    assert len(world.keys) == 2

    program.connector.open_connection(own_server.connection)
    tab = program.window.show_tab("credentials")
    tab.rotation.timing = QUICK
    user.until(lambda: "is not finished" in tab.banner.text)
    user.press("Show", tab)
    user.until(lambda: tab.rotation_pane.rotation is not None)
    assert tab.rotation_pane.pill.text() == "stopped"
    user.press("Undo…", tab)
    user.press("Undo the rotation", user.dialog(Confirm))
    user.until(ended(tab, Outcome.UNDONE))
    assert world.keys == {own_server.platform.access_key_id: True}
    assert world.holder("AWSPENDING") == ""
    assert works(own_server, own_server.platform)
