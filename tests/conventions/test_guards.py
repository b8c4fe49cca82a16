"""Each guard of tests/conftest.py fails a test that breaks its rule."""

import logging
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import keyring
import pytest
from conventions import source
from conventions.source import ROOT
from helpers import guards
from helpers.keyrings import MemoryKeyring
from helpers.longest_files import LONGEST_FILES, WITH_SYNTAX_TREES, process_of
from helpers.moto_bucket import moto_bucket

from core import paths
from core.local.settings import Settings
from core.objects import writing
from core.redaction import Secret, redacted


def test_a_far_address_is_refused_and_this_machine_is_not():
    with socket.socket() as far, pytest.raises(guards.FarAddress):
        far.connect(("192.0.2.1", 80))
    with socket.socket() as server, socket.socket() as near:
        server.bind(("127.0.0.1", 0))
        server.listen()
        near.connect(server.getsockname())


def test_a_call_on_the_watched_thread_is_seen():
    with moto_bucket() as bucket:
        with guards.no_network_on(threading.main_thread()) as calls:
            writing.put(bucket, "k", b"")
        assert "s3:PutObject" in calls
        with guards.no_network_on(threading.Thread()) as others:
            writing.put(bucket, "k", b"")
        assert others == []


def test_a_write_of_the_window_on_the_watched_thread_is_seen(monkeypatch):
    settings = Settings()
    code = (
        "def save(settings):\n    settings.set('a', settings.get('a', 0) + 1)\n    settings.flush()"
    )
    window = {"__name__": "gui.somewhere"}
    exec(code, window)
    main = threading.main_thread()
    with guards.no_state_written_by_the_window(monkeypatch, main) as writers:
        window["save"](settings)
        assert writers == ["gui.somewhere.save"]
        settings.set("a", 0)
        settings.flush()  # by a test
        assert len(writers) == 1
    monkeypatch.undo()
    with guards.no_state_written_by_the_window(monkeypatch, threading.Thread()) as others:
        window["save"](settings)
    assert others == []


def test_a_thread_left_behind_is_named():
    before, gate = set(threading.enumerate()), threading.Event()
    thread = threading.Thread(target=gate.wait, name="interactive-7", daemon=True)
    thread.start()
    assert guards.threads_left(before, seconds=0.1) == ["interactive-7"]
    gate.set()
    thread.join()
    assert guards.threads_left(before) == []


def test_a_masked_public_name_is_found_and_forgotten():
    Secret("tentimecrypto")
    assert guards.public_names_masked() == ["tentimecrypto"]
    assert guards.public_names_masked() == []


def test_an_ordinary_word_that_was_a_secret_of_a_test_is_forgotten():
    Secret("a secret of a fixture")
    secrets = guards.SecretsOfTests()
    with secrets.noted():
        Secret("postgres")
        assert redacted("/run/postgresql") == "/run/***ql"
    secrets.forget()
    assert redacted("/run/postgresql, a secret of a fixture") == "/run/postgresql, ***"


@pytest.mark.parametrize("round_", [1, 2])
def test_the_secrets_of_one_test_are_not_masked_in_the_next(round_):
    assert redacted("an ordinary word") == "an ordinary word", f"round {round_}"
    Secret("ordinary")


def test_a_window_left_open_is_named(qtbot):
    from PySide6.QtWidgets import QWidget

    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    assert len(guards.windows_left()) == 1


def test_a_secret_in_a_log_record_is_found():
    canary = Secret("guard-canary-0123456789")
    bad = logging.LogRecord("x", 20, "f", 1, "key %s", (canary.reveal(),), None)
    good = logging.LogRecord("x", 20, "f", 1, "key %s", (canary,), None)
    assert guards.secrets_in([good]) == []
    assert len(guards.secrets_in([good, bad])) == 1


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("PutObject", {"Key": "k" * 1025}),
        ("PutObject", {"Key": "k", "Metadata": {"a": "b" * 2048}}),
        ("DeleteObjects", {"Delete": {"Objects": [{}] * 1001}}),
        ("PutSecretValue", {"SecretString": "s" * 65_537}),
        ("UploadPart", {"Key": "k", "PartNumber": 10_001}),
    ],
)
def test_what_aws_refuses_is_refused_here(name, params):
    with pytest.raises(guards.Refused):
        guards.strictness(params, SimpleNamespace(name=name))


def test_the_programs_own_clients_are_strict():
    with moto_bucket() as bucket, pytest.raises(guards.Refused):
        bucket.client.put_object(Bucket=bucket.name, Key="k" * 1025, Body=b"")


def test_links_that_live_too_long_and_old_signatures_are_refused():
    with moto_bucket() as bucket, pytest.raises(guards.Refused, match="604801"):
        bucket.client.generate_presigned_url("get_object", Params={}, ExpiresIn=604_801)
    old = SimpleNamespace(meta=SimpleNamespace(config=SimpleNamespace(signature_version="s3")))
    with pytest.raises(guards.Refused, match="signature"):
        guards.check_signing(old)


def test_nothing_of_the_user_is_in_reach():
    assert isinstance(keyring.get_keyring(), MemoryKeyring)
    assert paths.config_dir().is_relative_to(os.environ["STRONGROOM_HOME"])
    assert Path.home() not in {Path("/root"), *Path("/home").glob("*")}
    stored = {"AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}
    assert {name for name in os.environ if name.startswith("AWS_")} == stored


LOUD = """
import warnings
from PySide6.QtCore import qWarning

def test_qt_warns(qapp):
    qWarning("canary of Qt")

def test_python_warns():
    warnings.warn("canary of Python")
"""


def test_a_warning_of_qt_or_python_fails_a_test(tmp_path):
    loud = tmp_path / "test_loud.py"
    loud.write_text(LOUD)
    config = str(ROOT / "pyproject.toml")
    text = ["-q", "-c", config, "--rootdir", str(tmp_path), "-p", "no:cacheprovider", str(loud)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *text],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "2 failed" in done.stdout, done.stdout


def test_the_files_that_run_first_exist():
    listed = [*LONGEST_FILES, *WITH_SYNTAX_TREES]
    assert [name for name in listed if not (ROOT / "tests" / name).is_file()] == []
    assert len(set(listed)) == len(listed)


def test_all_tests_that_parse_the_program_run_in_one_process():
    parsing = {
        process_of(f"tests/{path.relative_to(ROOT / 'tests').as_posix()}::test")
        for path in source.python_files("tests")
        if path.name.startswith("test_") and re.search(r"source\.(tree|nodes)\(", source.text(path))
    }
    assert parsing == {"syntax trees"}
    assert process_of("tests/core/test_work.py::test_a::b") == "tests/core/test_work.py"
