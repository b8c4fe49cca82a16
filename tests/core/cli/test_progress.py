"""Progress is written as lines to standard error where there is no terminal."""

import threading

from core.cli import progress
from core.cli.output import Output
from core.work import CancelToken, Progress


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


def test_amounts_are_read_by_people():
    assert progress.amount(Progress(3, 60, "files")) == "3 of 60 files"
    assert progress.amount(Progress(2_000_000, None, "bytes")) == "2.0 MB"
