"""The engine process runs operations, reports progress and errors, and can be killed at any time."""

import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from helpers.waiting import in_time, until

from core.aws.clients import ClientFactory
from core.engine.client import EngineClient
from core.errors import (
    Cancelled,
    EngineError,
    ErrorKind,
    InvalidInput,
    LocalIOError,
    NotFound,
    StorageError,
)
from core.limits import LimitValues, TransferLimits
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.work import CancelToken, Work

CANARY = "engine-canary-0123456789abcdef"
CONNECTION = Connection(Profile("t", KeySource.SESSION), AccessKeys("AKIA", Secret(CANARY)))


@pytest.fixture
def engine():
    client = EngineClient(operations_module="tests.core.engine.engine_operations")
    yield client
    client.close()
    assert client.pids() == []


def run(engine, operation, work=None, **arguments):
    return engine.call(operation, arguments, connection=CONNECTION, work=work or Work())


def test_arguments_and_keys_arrive_complete(engine):
    arguments, name, key = run(engine, "echo", text="ü", number=2**60, secret=Secret("x" * 20))
    assert arguments == {"text": "ü", "number": 2**60, "secret": "x" * 20}
    assert name == "t"
    assert key == CANARY


def test_a_renewed_session_reads_the_keys_of_the_profile_again(engine, tmp_path, monkeypatch):
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    text = "[team]\naws_access_key_id = {}\naws_secret_access_key = s\naws_session_token = t\n"
    profile = Profile("t", KeySource.AWS_PROFILE, aws_profile="team")
    with closing(ClientFactory(Connection(profile))) as clients:
        for key in ("ASIAOLD", "ASIANEW"):
            path.write_text(text.format(key))
            clients.renew(clients.connection)
            assert engine.call("key_in_use", {}, connection=clients.connection, work=Work()) == key


def test_an_answer_never_carries_a_secret(engine):
    with pytest.raises(StorageError) as refused:
        run(engine, "leak")
    assert refused.value.kind is ErrorKind.BUG
    assert CANARY not in str(vars(refused.value))


def test_progress_is_coalesced_and_batches_are_all_there(engine):
    progress, batches = [], []
    work = Work(report=progress.append, batch=batches.append)
    assert run(engine, "count", work, steps=2000) == 2000
    assert batches == [[n] for n in range(2000)]
    assert progress[-1].done == 2000
    assert len(progress) < 500


def test_the_process_has_low_priority_and_holds_no_secret_in_sight(engine):
    pid, niceness = run(engine, "pid")
    assert run(engine, "pid")[0] == pid
    assert niceness == os.nice(0) + 10
    for name in ("cmdline", "environ"):
        assert CANARY.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()


def test_secrets_in_the_environment_arrive_but_not_where_other_programs_read_them(
    engine, monkeypatch
):
    secrets = {
        "AWS_SECRET_ACCESS_KEY": f"{CANARY}-key",
        "AWS_SESSION_TOKEN": f"{CANARY}-token",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"{CANARY}-container",
        "PGPASSWORD": f"{CANARY}-database",
        "MYSQL_PWD": f"{CANARY}-mysql",
        "HTTPS_PROXY": f"http://user:{CANARY}@127.0.0.1:1",
    }
    plain = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token"}
    for name, value in (secrets | plain).items():
        monkeypatch.setenv(name, value)
    names = [*secrets, *plain]
    first, found, core_limit = run(engine, "environ", names=names)
    assert found == secrets | plain
    assert CANARY.encode() not in first
    assert all(value.encode() in first for value in plain.values())
    assert core_limit == (0, 0)


def test_errors_pass_complete_and_bugs_are_named(engine):
    with pytest.raises(NotFound) as caught:
        run(engine, "missing")
    assert vars(caught.value)["remedy"] == "what"
    with pytest.raises(StorageError) as bug:
        run(engine, "broken")
    assert bug.value.kind is ErrorKind.BUG
    with pytest.raises(LocalIOError, match="could not be used"):
        run(engine, "too_long_a_name")
    with pytest.raises(InvalidInput, match="no operation"):
        run(engine, "unheard-of")
    assert run(engine, "count", steps=1) == 1


def test_a_crash_is_reported_can_be_retried_and_the_next_call_works(engine):
    with pytest.raises(EngineError, match="ended during the task") as caught:
        run(engine, "crash")
    assert "SIGKILL" in caught.value.cause
    assert caught.value.retryable
    assert run(engine, "count", steps=1) == 1


@pytest.mark.parametrize("operation", ["spin", "ignores_cancel"])
def test_cancel_ends_within_two_seconds_even_if_unheard(engine, operation):
    def took():
        token = CancelToken()
        cancelled_at = []

        def on_batch(_started):
            cancelled_at.append(time.monotonic())
            threading.Thread(target=token.cancel).start()

        with pytest.raises(Cancelled):
            run(engine, operation, Work(token, batch=on_batch))
        return time.monotonic() - cancelled_at[0]

    in_time(took, 2)
    assert run(engine, "count", steps=1) == 1


def test_limits_arrive_with_the_call_and_when_they_change(engine):
    limits, seen = TransferLimits(1000, 2), []

    def take(values):
        seen.append(values)
        if len(seen) == 1:
            limits.change(LimitValues(None, 3))
        elif values == (None, 3):
            limits.change(LimitValues(5.0))

    assert run(engine, "limited", Work(batch=take, limits=limits), until=5.0) == LimitValues(5.0)
    assert seen[0] == (1000, 2)
    assert seen[-2:] == [(None, 3), (5.0, None)]
    limits.change(LimitValues(7.0))  # the operation has ended
    # The next operation has other limits.
    assert run(engine, "limited", until=None) == LimitValues()


@pytest.mark.parametrize("pause", [False, True])
def test_an_operation_knows_whether_it_is_paused_or_cancelled(engine, pause):
    token = CancelToken()

    def on_batch(_started):
        (token.pause if pause else token.cancel)()

    assert run(engine, "how_it_ended", Work(token, batch=on_batch)) is pause


def test_a_cancel_that_arrives_late_does_not_end_the_next_operation(engine):
    token, under_way, go = CancelToken(), threading.Event(), threading.Event()

    def hold():
        under_way.set()
        assert go.wait(10)

    late = threading.Thread(target=token.cancel)
    first, second = TransferLimits(1.0), TransferLimits(1.0)

    def end_the_first(values):
        if values[0] == 1.0:
            late.start()
            assert under_way.wait(10)
            first.change(LimitValues(5.0))

    def end_the_second(values):
        if values[0] == 1.0:
            go.set()
            late.join(10)
            second.change(LimitValues(5.0))

    with token.on_cancel(hold):  # before the callback of the call
        work = Work(token, batch=end_the_first, limits=first)
        assert run(engine, "limited", work, until=5.0) == LimitValues(5.0)
    work = Work(batch=end_the_second, limits=second)
    assert run(engine, "limited", work, until=5.0) == LimitValues(5.0)


def test_an_engine_that_has_closed_its_pipe_but_does_not_end_is_reported(engine):
    with pytest.raises(EngineError) as error:
        run(engine, "goes_silent")
    assert "SIGKILL" in error.value.cause
    assert run(engine, "count", steps=1) == 1


def test_four_engines_at_most_run_at_the_same_time(engine):
    tokens, started, ended = [CancelToken() for _ in range(5)], threading.Semaphore(0), []

    def spin(token):
        with pytest.raises(Cancelled):
            run(engine, "spin", Work(token, batch=lambda _b: started.release()))
        ended.append(token)

    threads = [threading.Thread(target=spin, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for _ in range(4):
        assert started.acquire(timeout=10)
    assert not started.acquire(timeout=0.3)
    assert len(engine.pids()) == 4
    for token in tokens:
        token.cancel()
    for thread in threads:
        thread.join(10)
    assert len(ended) == 5


def test_a_caller_that_fails_in_mid_answer_leaves_nothing_behind(engine):
    def refuse(_batch):
        message = "the view is gone"
        raise ValueError(message)

    with pytest.raises(ValueError, match="the view is gone"):
        run(engine, "count", Work(batch=refuse), steps=100)
    assert run(engine, "echo", n=1)[0] == {"n": 1}


def test_close_ends_running_calls_as_cancelled(engine):
    started, outcome = threading.Event(), []

    def spin():
        try:
            run(engine, "spin", Work(batch=lambda _b: started.set()))
        except Cancelled:
            outcome.append("cancelled")

    thread = threading.Thread(target=spin)
    thread.start()
    assert started.wait(10)
    engine.close()
    thread.join(30)
    assert outcome == ["cancelled"]
    with pytest.raises(Cancelled):
        run(engine, "pid")


PARENT = """
import sys
from core.engine.client import EngineClient
from core.model.connection import Connection, KeySource, Profile
from core.work import Work
engine = EngineClient(operations_module="tests.core.engine.engine_operations")
def on_batch(_batch):
    print(engine.pids()[0], flush=True)
engine.call(sys.argv[1], {}, connection=Connection(Profile("t", KeySource.SESSION)),
            work=Work(batch=on_batch))
"""


@pytest.mark.parametrize("operation", ["spin", "ignores_cancel"])
def test_the_engine_is_gone_two_seconds_after_its_parent_was_killed(operation):
    def took():
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, operation], stdout=subprocess.PIPE, text=True
        )
        with parent:
            child = int(parent.stdout.readline())
            parent.kill()
        killed_at = time.monotonic()
        until(lambda: not _alive(child))
        return time.monotonic() - killed_at

    in_time(took, 2)


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
