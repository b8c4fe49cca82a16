"""The window survives a killed engine, and the task can be retried."""

import os
import signal
from contextlib import contextmanager

import pytest
from PySide6.QtCore import QTimer

from core.errors import EngineError

BUCKET = "tentimecrypto"


@contextmanager
def suspended(server):
    """Suspend the server, so that work in progress stays in progress."""
    os.kill(server.process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process_id, signal.SIGCONT)


@pytest.fixture
def pulse(user):
    """Counts how often the window's event loop came round."""
    beats = []
    timer = QTimer(user.window)
    timer.timeout.connect(lambda: beats.append(1))
    timer.start(10)
    yield beats
    timer.stop()


def kill_in_mid(user, program, pulse):
    """Kill the engine while it works; return its task, which has failed."""
    user.until(lambda: program.runner.engine_pids() and program.runner.bulk_running)
    task = program.runner.bulk_running[-1]
    beats = len(pulse)
    user.until(lambda: len(pulse) > beats + 20)
    assert task.running
    for pid in program.runner.engine_pids():
        os.kill(pid, signal.SIGKILL)
    user.until(lambda: not task.running)
    assert task.state == "failed"
    assert isinstance(task.error, EngineError)
    assert task.error.retryable
    beats = len(pulse)
    user.until(lambda: len(pulse) > beats + 5)
    return task


def count(client, prefix=""):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return sum(page["KeyCount"] for page in pages)


def test_in_mid_scan(program, user, demo_server, demo_s3, pulse):
    tab = program.window.show_tab("statistics")
    user.until(lambda: not tab.busy)
    with suspended(demo_server):
        user.press("Scan", tab)
        kill_in_mid(user, program, pulse)
    assert "engine" in tab.banner.text
    user.press("Retry", tab)
    user.until(lambda: not tab.busy)
    assert tab.banner.text == ""
    assert tab._found.objects == count(demo_s3)
    assert not tab._found.partial


def test_in_mid_upload(program, user, demo_server, demo_s3, demo_prefix, tmp_path, pulse):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.json").write_bytes(b'{"n": %d}' % number)
    program.context.go("uploads", (demo_prefix, (str(folder),)))
    tab = program.window.tab("uploads")
    user.press("Upload 400 files", tab)
    user.until(lambda: tab.pane.model.batches[0].progress is not None)
    with suspended(demo_server):
        kill_in_mid(user, program, pulse)
    assert count(demo_s3, demo_prefix) < 400
    assert "engine" in tab.banner.text
    user.press("Retry", tab)
    batch = tab.pane.model.batches[0]
    user.until(lambda: not batch.active)
    assert count(demo_s3, demo_prefix) == 400
