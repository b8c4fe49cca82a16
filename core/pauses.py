"""Pauses of the worker threads of the window, in which it draws.

A table that is painted calls Python some hundred times. While a worker thread computes, each of
these calls waits until the present call of the worker ends, so that a frame of 15 ms takes 300.
Workers therefore pause between two pieces of their work while the window is busy.
"""

from __future__ import annotations

from collections.abc import Callable

_waits: list[Callable[[], float]] = []


def pause_with(wait: Callable[[], float] | None) -> None:
    """Let workers call `wait` between two pieces, in their threads; None lets them work on.

    `wait` returns the seconds for which it has waited.
    """
    _waits[:] = [] if wait is None else [wait]


def paused() -> float:
    """Pause while the window is busy; return the seconds that this took."""
    return sum(wait() for wait in _waits)
