"""A change that fails reports what it has left, also when an answer was lost."""

from importlib import import_module
from threading import Thread

import pytest
from helpers.aws import connection
from helpers.stub_server import Reply, StubServer

from core import errors
from core.aws.clients import ClientFactory
from core.effects import (
    Result,
    is_nothing,
    not_counting_attempts,
    note_attempt,
    states_effect,
    stating_effect,
    stating_effect_of_process,
)
from core.engine.operations import OPERATIONS, changes_something
from core.objects.bucket import Bucket
from core.objects.deleting import delete
from core.storage.aws_secrets_manager import SecretsManager

#: Changing operations that state it in another way, and how.
OTHERWISE = {
    "backup.resume": "a block inside it states it",
    "backup.restore_tables": "it names each restored table",
    "transfer.upload": "its report names each file",
    "transfer.copy": "its report names each object",
    "transfer.undo_move": "its report names each object",
    "transfer.move": "its report names each object",
    "transfer.sync": "its report names each file",
    "transfer.watch": "it reports each file",
    "transfer.sweep": "its report names each upload",
    "leftovers.remove": "its report names each upload",
    "objects.delete_many": "its report names each object",
    "objects.restore_many": "its report names each object",
    "objects.edit_properties": "its report names each object",
    "objects.undo_edits": "its report names each object",
    "athena.run": "it removes what it has written",
    "links.put": "a link is made on this machine",
    "links.post": "a form is made on this machine",
    "links.delete": "a link is made on this machine",
    "profiles.save": "a block inside it states it",
    "profiles.delete": "a block inside it states it",
}
NAME = "cryptotrading/database"
SAVED = {
    "refused": "Nothing was saved.",
    "dead": "Nothing was saved.",
    "unsupported": "Nothing was saved.",
    "failing": "The answer was lost, so it may have been saved all the same. Refresh to see.",
}


def function(operation):
    module, _, name = operation.run.partition(":")
    found = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def test_every_changing_operation_states_the_effect_of_a_failure():
    changing = [each for each in OPERATIONS if each.changes]
    silent = {each.name for each in changing if not hasattr(function(each), "done")}
    assert silent == OTHERWISE.keys()


def change(case, act):
    """Run a change whose writes are refused, fail, or find no server; return the error."""

    def answer(asked):
        operation = asked.headers.get("x-amz-target", asked.method).rpartition(".")[2]
        if operation == "GetSecretValue":
            text = f'{{"ARN": "a", "Name": "{NAME}", "VersionId": "v1", "SecretString": "{{}}"}}'
            return Reply(200, {"Content-Type": "application/x-amz-json-1.1"}, text.encode())
        if asked.method == "HEAD":
            return Reply(200, {"x-amz-request-id": "1"})
        if case == "refused":
            return Reply(400, {}, b'{"__type": "LimitExceededException", "message": "full"}')
        return Reply(501 if case == "unsupported" else 503)

    with StubServer(answer) as server:
        url = "http://127.0.0.1:9" if case == "dead" else server.url
        clients = ClientFactory(connection(endpoint_url=url))
        try:
            with pytest.raises(errors.StorageError) as caught:
                act(clients)
        finally:
            clients.close()
    return caught.value


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("core.aws.retries._FIRST_PAUSE", 0.001)


@pytest.mark.parametrize("case", SAVED)
def test_a_failed_save_of_a_secret_states_what_was_saved(case):
    error = change(
        case, lambda clients: SecretsManager(clients=clients).update_secret(NAME, {"a": "b"})
    )
    assert error.effect == SAVED[case]
    assert error.effect in str(error)


@pytest.mark.parametrize("case", SAVED)
def test_a_failed_deletion_of_an_object_states_what_was_deleted(case):
    error = change(case, lambda clients: delete(Bucket(clients, "bucket"), "key"))
    assert error.effect == SAVED[case].replace("saved", "deleted")


def test_a_version_that_never_became_current_is_not_called_saved():
    """Storing the version fails here only at its label: the value was never readable."""

    def save(clients):
        return SecretsManager(clients=clients).save(NAME, "{}", expected_version="v1")

    assert change("refused", save).effect == "Nothing was saved."


def go_offline(effect_of, made=()):
    """Fail inside an action after some of its requests have succeeded, each in its own thread."""
    with effect_of:
        for operation in made:
            thread = Thread(target=note_attempt, args=(operation, Result.CHANGE))
            thread.start()
            thread.join()
        raise errors.Offline("gone")


def fail_inside(outer_made):
    with stating_effect("set up") as outer:
        outer.made = outer_made
        go_offline(stating_effect("saved"))


@pytest.mark.parametrize("made", [True, False])
def test_the_outer_action_states_the_effect(made):
    with pytest.raises(errors.Offline) as caught:
        fail_inside(made)
    part = "It was not completed, but a part was set up. Refresh to see what."
    assert caught.value.effect == (part if made else "Nothing was set up.")


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("effect", ["Nothing was changed.", "Nothing was sent."])
def test_an_action_replaces_the_effect_of_a_check(effect, made):
    @states_effect("restored")
    def fail():
        note_attempt("PutObject", Result.CHANGE if made else Result.NOTHING)
        raise errors.Conflict("Another session uses the table", effect=effect, remedy="Wait.")

    with pytest.raises(errors.Conflict) as caught:
        fail()
    part = "It was not completed, but a part was restored. Refresh to see what."
    assert caught.value.effect == (part if made else "Nothing was restored.")
    assert caught.value.remedy == "Wait."


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("effect", ["Nothing was changed.", "Nothing was sent."])
def test_a_check_after_a_change_does_not_state_that_nothing_was_changed(effect, made):
    @stating_effect_of_process(lambda: True)
    def fail():
        note_attempt("PutObject", Result.CHANGE if made else Result.NOTHING)
        raise errors.Conflict("Another session uses the table", effect=effect)

    with pytest.raises(errors.Conflict) as caught:
        fail()
    part = "It was not completed, but a part was changed. Refresh to see what."
    assert caught.value.effect == (part if made else effect)


@pytest.mark.parametrize("made", [(), ("PutObject",)])
def test_a_process_counts_the_requests_of_all_its_threads(made):
    with pytest.raises(errors.Offline) as caught:
        go_offline(stating_effect_of_process(lambda: True), made)
    part = "It was not completed, but a part was changed. Refresh to see what."
    assert caught.value.effect == (part if made else "Nothing was changed.")


def test_a_process_that_only_reads_states_no_effect():
    with pytest.raises(errors.Offline) as caught:
        go_offline(stating_effect_of_process(lambda: False))
    assert caught.value.effect == ""


def probe_and_fail(effect, then=()):
    """Send what a probe sends, then what follows it, and fail."""
    with effect:
        with not_counting_attempts():
            with not_counting_attempts():
                note_attempt("PutObject", Result.CHANGE)
            note_attempt("DeleteObject", Result.UNKNOWN)
        for result in then:
            note_attempt("PutObject", result)
        raise errors.Offline("The endpoint cannot be reached")


@pytest.mark.parametrize(
    ("then", "effect"),
    [
        ((), "Nothing was saved."),
        ((Result.CHANGE,), "It was not completed, but a part was saved."),
        ((Result.UNKNOWN,), "The answer was lost, so it may have been saved all the same."),
    ],
)
def test_the_requests_of_a_probe_do_not_count_but_those_after_it_do(then, effect):
    with pytest.raises(errors.Offline) as caught:
        probe_and_fail(stating_effect("saved"), then)
    assert caught.value.effect.removesuffix(" Refresh to see what.").startswith(effect)
    assert is_nothing(caught.value.effect) is (not then)
    with pytest.raises(errors.Offline) as caught:
        probe_and_fail(stating_effect_of_process(lambda: True), then)
    assert caught.value.effect.startswith(effect.replace("saved", "changed"))


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        ("secrets put name --file f", True),
        ("secrets get put", False),
        ("restore shop.db orders", False),
        ("restore shop.db orders --yes", True),
        ("rotate name --undo --yes", True),
        ("ls backup", False),
    ],
)
def test_commands_that_change_something_are_known(command, changes):
    assert changes_something(command.split()) is changes
