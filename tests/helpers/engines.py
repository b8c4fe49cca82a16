"""Settings of engine processes in tests."""

from __future__ import annotations

from typing import Any

from core.engine.client import EngineClient


def with_normal_priority(monkeypatch: Any) -> None:
    """Start engines with the priority of the tests.

    They yield to the window by design, and beside other workers of the same run, which are no
    windows, they would get next to no time.
    """
    defaults = EngineClient.__init__.__kwdefaults__
    assert "niceness" in defaults
    monkeypatch.setitem(defaults, "niceness", 0)
