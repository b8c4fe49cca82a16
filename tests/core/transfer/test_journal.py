"""The transfer journal lists what is left to do after an end, a kill or a read error."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from helpers.state import stored_transfers

from core.errors import LocalIOError
from core.local.state.database import state_database
from core.transfer.journal import Journal, Order, discard, settled, unfinished
from core.transfer.values import Outcomes

ROOT = Path(__file__).resolve().parents[3]


def order(**more):
    columns = {"keys": ["a", "b", "c"], "sizes": [1, 2, 3], "skip": [0], "only_new": True}
    return Order("transfer.upload", uuid4().hex, "t", "moto", "b", {**columns, **more})


def test_a_journal_offers_what_is_left_and_an_unreadable_one_stays_aside(caplog):
    journal = Journal.begin(order(), 3)
    journal.note(Outcomes(done=(1,)))
    assert unfinished() == ()  # it runs
    journal.leave()
    (found,) = unfinished()
    assert found.left == (0, 2)
    assert found.arguments == {"keys": ["a", "c"], "sizes": [1, 3], "skip": [], "only_new": True}
    for rubbish in ("garbage", "null", "[]", "{}", '{"operation": 1}', '{"arguments": 3}'):
        state_database().execute("UPDATE transfers SET record = ?", (rubbish,))
        caplog.clear()
        assert unfinished() == ()
        assert "cannot be read" in caplog.text
    assert state_database().rows("SELECT record FROM transfers") == [(rubbish,)]


def test_a_finished_or_discarded_journal_offers_nothing():
    done, dropped = Journal.begin(order(), 3), order()
    done.note(Outcomes(done=(0, 1, 2)))
    done.leave()
    Journal.begin(dropped, 3).leave()
    assert [each.order.id for each in unfinished()] == [dropped.id]
    discard(dropped.id)
    assert stored_transfers() == 0
    with pytest.raises(ValueError, match="badly formed"):
        discard("../../etc/passwd")


def test_a_resumed_transfer_starts_with_what_was_left():
    """The journal of the first run, which may still have an open file, changes nothing."""
    asked = order()
    first = Journal.begin(asked, 3)
    first.note(Outcomes(done=(0, 1)))
    second = Journal.begin(asked, 1)
    first.note(Outcomes(done=(2,)))
    first.end()
    second.leave()
    (found,) = unfinished()
    assert (found.planned, found.left) == (1, (0,))


def test_a_journal_that_cannot_be_written_does_not_stop_a_transfer(monkeypatch, caplog):
    journal = Journal.begin(order(), 3)
    with monkeypatch.context() as patch:
        patch.setattr("core.local.state.database.Database.execute", refuse)
        journal.note(Outcomes(done=(0,)))
        journal.end()
    assert "could not be recorded" in caplog.text
    journal.leave()
    assert unfinished()[0].left == (0, 1, 2)


def refuse(*_arguments, **_more):
    raise LocalIOError("the disk is full")


KILLED = """
import os, signal, sys
from core.transfer.journal import Journal, Order
from core.transfer.values import Outcomes
journal = Journal.begin(Order("transfer.upload", sys.argv[1], "t", "p", "b", {"keys": ["a"] * 9}), 9)
for number in range(int(sys.argv[2])):
    journal.note(Outcomes(done=(number,)))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("done", [0, 1, 5])
def test_a_killed_process_leaves_what_it_had_finished(done):
    asked = uuid4().hex
    killed = subprocess.run([sys.executable, "-c", KILLED, asked, str(done)], check=False, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert settled(asked).done == tuple(range(done))
    (found,) = unfinished()
    assert (found.order.id, found.left) == (asked, tuple(range(done, 9)))
