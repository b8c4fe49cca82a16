"""Progress is written as lines to standard error where there is no terminal."""

import re
import threading

import pytest

from core import work as work_module
from core.cli import progress
from core.cli.output import Output
from core.work import CancelToken, Progress, Standstill


class Lines:
    """Standard error that reports when it has been written to."""

    def __init__(self):
        self.text, self.written = "", threading.Event()

    def write(self, text):
        self.text += text
        self.written.set()

    def flush(self):
        """Have nothing to flush."""

    def isatty(self):
        return False


def test_a_long_operation_writes_a_line_every_few_seconds(monkeypatch):
    shown = Lines()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.05)
    with Output(as_json=False, token=CancelToken()).work("Uploading a\nb") as work:
        assert shown.written.wait(30)  # also while it stalls before its first report
        assert shown.text.startswith(r"Uploading a\nb: ")
        work.report(Progress(12, 60, "files"))
        shown.written.clear()
        assert shown.written.wait(30)
        shown.written.clear()
        assert shown.written.wait(30)
        assert r"Uploading a\nb: 12 of 60 files, " in shown.text
    assert "progress" not in {thread.name for thread in threading.enumerate()}


def test_a_short_one_and_json_write_nothing(capsys, monkeypatch):
    with Output(as_json=False, token=CancelToken()).work("Listing") as work:
        work.report(Progress(1, 2))
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with Output(as_json=True, token=CancelToken()).work("Listing") as work:
        work.report(Progress(1, 2))
    assert capsys.readouterr().err == ""


def test_the_step_and_a_standstill_are_shown(monkeypatch):
    shown = Lines()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.05)
    monkeypatch.setattr(work_module, "_STANDSTILL_SECONDS", 0.0)
    with Output(as_json=False, token=CancelToken()).work("Restoring") as work:
        work.report(Progress(12, 60, "rows", "checking"))
        shown.written.clear()
        assert shown.written.wait(30)
        shown.written.clear()
        assert shown.written.wait(30)
    assert "Restoring, checking: 12 of 60 rows, 0." in shown.text
    assert " s, no progress for 0 s\n" in shown.text


@pytest.mark.parametrize(
    ("columns", "text"),
    [(40, "loadi… 1,500,000 of 6,000,000 rows"), (120, "Restoring, loading ━")],
)
def test_a_bar_fits_into_the_terminal(monkeypatch, columns, text):
    shown = Lines()
    shown.isatty = lambda: True
    for name, value in (("COLUMNS", str(columns)), ("TERM", "xterm"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr", shown)
    with Output(as_json=False, token=CancelToken()).work("Restoring") as work:
        work.report(Progress(1_500_000, 6_000_000, "rows", "loading"))
    rows = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.text))
    assert text in rows[-2]
    assert all(len(row) <= columns for row in rows)


def test_a_long_key_is_cut_in_the_title():
    assert progress.title("Uploading", Progress()) == "Uploading"
    long = progress.title("Uploading", Progress(note="a" * 80 + "/b.json"))
    assert long == f"Uploading, …{'a' * 22}/b.json"


def test_a_step_of_the_same_name_is_shown_once():
    assert progress.title("Comparing", Progress(note="comparing")) == "Comparing"


def test_a_standstill_is_stated_after_a_minute_until_the_next_progress():
    now = [0.0]
    still = Standstill(lambda: now[0])
    now[0] = 200.0
    assert still.text == ""  # before the first report
    report = Progress(1, 5, "rows", "checking")
    still.take(report)
    now[0] += 59
    still.take(report)  # no progress
    assert still.text == ""
    now[0] += 2
    assert still.text == "no progress for 1 min"
    still.take(Progress(1, 5, "rows", "swapping"))
    assert still.text == ""
    still.take(Progress(1, None, "files"))  # a folder that is watched
    now[0] += 600
    assert still.text == ""


def test_amounts_are_read_by_people():
    assert progress.amount(Progress(3, 60, "files")) == "3 of 60 files"
    assert progress.amount(Progress(2_000_000, None, "bytes")) == "2.0 MB"
