"""A `qtbot` whose waits end by their condition, and that leaves no mouse button pressed.

pytest-qt waits five seconds by default, which a busy computer can exceed although nothing is
wrong. A claim about time passes its own `timeout`.

QTest does not release the button of a double click: in a later test, a move of the mouse would
select rows.
"""

from functools import partialmethod
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

#: Milliseconds.
_TIMEOUT = 30_000


class PatientQtBot(QtBot):
    """`QtBot` with another default of `timeout`, and complete double clicks."""

    waitUntil = partialmethod(QtBot.waitUntil, timeout=_TIMEOUT)  # noqa: N815 - named by Qt
    waitSignal = partialmethod(QtBot.waitSignal, timeout=_TIMEOUT)  # noqa: N815 - named by Qt
    waitSignals = partialmethod(QtBot.waitSignals, timeout=_TIMEOUT)  # noqa: N815 - named by Qt
    waitExposed = partialmethod(QtBot.waitExposed, timeout=_TIMEOUT)  # noqa: N815 - named by Qt
    wait_until, wait_signal, wait_exposed = waitUntil, waitSignal, waitExposed

    @staticmethod
    def mouseDClick(*arguments: Any, **options: Any) -> None:  # noqa: N802 - named by Qt
        """Double-click, and release the button."""
        QtBot.mouseDClick(*arguments, **options)
        QtBot.mouseRelease(*arguments, **options)


@pytest.fixture
def qtbot(qapp, request):
    """Replace the fixture of pytest-qt."""
    return PatientQtBot(request)
