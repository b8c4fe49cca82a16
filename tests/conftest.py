"""Guards around every test: no remote network, no network in the main thread, no leftovers."""

import gc
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from helpers import guards
from helpers.botocore_caches import share_between_sessions
from helpers.demo import demo_prefix, demo_s3, demo_server  # noqa: F401 - fixtures for all tests
from helpers.doses import HEAVY, without_rest
from helpers.forks import Forks
from helpers.keyrings import MemoryKeyring
from helpers.longest_files import FilesOfOneProcess, reads_syntax_trees, sort_by_file
from helpers.patient_qtbot import qtbot  # noqa: F401 - fixture
from helpers.rgw import rgw  # noqa: F401 - fixture
from helpers.s3_servers import s3_bucket, s3_client, s3_server  # noqa: F401 - fixtures
from helpers.seaweed import seaweed  # noqa: F401 - fixture
from hypothesis import HealthCheck, settings

from core.local.state.database import close_databases
from core.units import TimeStyle, use_time_style

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
guards.refuse_far_sockets()
guards.collect_between_tests_only()
share_between_sessions()
# A clean clone has no tables of Unicode yet, and machines may be busy: time proves nothing here.
settings.register_profile(
    "strongroom", max_examples=200 if HEAVY else 60, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("strongroom")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the longest files first, and of some tests a part, unless they are named."""
    if not HEAVY and not any("::" in argument for argument in config.args):
        items[:], rest = without_rest(items)
        if rest:
            config.hook.pytest_deselected(items=rest)
    sort_by_file(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesOfOneProcess:
    """Distribute files, as with `--dist loadfile`."""
    return FilesOfOneProcess(config, log)


def pytest_collection_finish() -> None:
    """Exclude all modules and tests from collections: examining 1.6 million objects takes a second."""
    gc.collect()
    gc.freeze()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name each failure when it happens: a run that is cut off ends without its summary."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(  # noqa: T201 - the log of the run is where it is looked for
            f"\nFAILED {report.nodeid} ({report.when})\n{report.longreprtext[-2000:]}", flush=True
        )


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Free the syntax trees after the last test in a row that reads them."""
    left = nextitem is None or not reads_syntax_trees(nextitem.path)
    source = sys.modules.get("conventions.source")
    if source is not None and left and (nextitem is None or nextitem.path != item.path):
        source.forget()


_secrets = guards.SecretsOfTests()


def pytest_runtest_setup() -> None:
    """Forget the secrets of the last test, whose leftovers were examined."""
    _secrets.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Note the secrets that the test itself creates."""
    with _secrets.noted():
        return (yield)


@pytest.fixture(autouse=True)
def _garbage_is_collected_in_the_main_thread():
    yield
    assert not gc.isenabled(), "a test left automatic collection on"
    guards.collect_if_due()


@pytest.fixture(autouse=True)
def _data_is_no_reason_for_a_complete_collection(request, monkeypatch):
    """Let the window collect by its counters only, except in the tests of its collector and speed.

    After much data it visits all objects when it ends: here, those of all tests and their modules.
    """
    garbage = sys.modules.get("gui.tasks.garbage")
    real = {"test_garbage.py", "test_browser_at_scale.py"}
    if garbage is not None and request.path.name not in real:
        monkeypatch.setattr(garbage, "_DATA_OBJECTS", sys.maxsize)


@pytest.fixture(scope="session")
def _homes(tmp_path_factory):
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def _temporary_home(_homes, monkeypatch):
    """Nothing of the user's is read or written."""
    # `mktemp` would read the names of all earlier folders: some milliseconds in each test.
    home = Path(tempfile.mkdtemp(dir=_homes))
    monkeypatch.setenv("STRONGROOM_HOME", str(home / "strongroom"))
    monkeypatch.setenv("HOME", str(home))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PGPASSFILE", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))


@pytest.fixture(scope="session")
def forks():
    """A process that has imported the program, which others are forked from."""
    with Forks() as started:
        yield started


@pytest.fixture(autouse=True)
def _no_state_database_stays_open():
    yield
    close_databases()


@pytest.fixture(autouse=True)
def _separate_keyring():
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def _default_time_style():
    """A command that ran in this process has chosen how moments are written: for it alone."""
    use_time_style(TimeStyle.UTC)
    yield
    use_time_style(TimeStyle.UTC)


@pytest.fixture(autouse=True)
def _nothing_left_behind():
    before = set(threading.enumerate())
    yield
    left = guards.threads_left(before)
    assert not left, f"threads left behind: {left}"
    windows = guards.windows_left()
    assert not windows, f"windows left open: {windows}"


@pytest.fixture(autouse=True)
def _no_theme_of_another_test(request):
    """Remove the theme, which the fixture `themed` leaves for the next test that uses it."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    app = widgets.QApplication.instance() if widgets is not None else None
    if "themed" not in request.fixturenames and app is not None and app.styleSheet():
        app.setStyleSheet("")


@pytest.fixture(autouse=True)
def _no_network_on_the_gui_thread(request):
    if "qapp" not in request.fixturenames:
        yield
        return
    with guards.no_network_on(threading.main_thread()) as calls:
        yield
    assert not calls, f"AWS was called on the GUI thread: {calls}"


@pytest.fixture(autouse=True)
def _no_state_written_on_the_gui_thread(request, monkeypatch):
    if "qapp" not in request.fixturenames:
        yield
        return
    with guards.no_state_written_by_the_window(monkeypatch, threading.main_thread()) as writers:
        yield
    assert not writers, f"the state database was written on the GUI thread: {writers}"


@pytest.fixture(autouse=True)
def _strict_clients(monkeypatch):
    with guards.strict_clients(monkeypatch):
        yield


@pytest.fixture(autouse=True)
def _no_secret_in_the_log(caplog):
    yield
    output = guards.secrets_in(caplog.get_records("setup") + caplog.get_records("call"))
    assert not output, f"secrets in the log: {output}"


@pytest.fixture(autouse=True)
def _no_public_name_is_masked():
    yield
    masked = guards.public_names_masked()
    assert not masked, f"the log filter masks public names: {masked}"
