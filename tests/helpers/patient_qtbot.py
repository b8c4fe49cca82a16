"""A `qtbot` whose waits end by their condition, not by the speed of the computer.

pytest-qt waits five seconds by default, which a busy computer can exceed although nothing is
wrong. A claim about time passes its own `timeout`.
"""

from functools import partialmethod

import pytest
from pytestqt.qtbot import QtBot

#: Milliseconds.
_TIMEOUT = 30_000


class PatientQtBot(QtBot):
    """`QtBot` with another default of `timeout`."""

    waitUntil = partialmethod(QtBot.waitUntil, timeout=_TIMEOUT)  # noqa: N815 - named by Qt
    waitSignal = partialmethod(QtBot.waitSignal, timeout=_TIMEOUT)  # noqa: N815 - named by Qt
    waitSignals = partialmethod(QtBot.waitSignals, timeout=_TIMEOUT)  # noqa: N815 - named by Qt
    waitExposed = partialmethod(QtBot.waitExposed, timeout=_TIMEOUT)  # noqa: N815 - named by Qt
    wait_until, wait_signal, wait_exposed = waitUntil, waitSignal, waitExposed


@pytest.fixture
def qtbot(qapp, request):
    """Replace the fixture of pytest-qt."""
    return PatientQtBot(request)
