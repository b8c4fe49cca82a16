"""A figure: ours beside the best peer of the same run, and what was promised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line. `target` is the least ratio of peer to ours, or the most that ours may be."""

    name: str
    ours: float
    unit: str
    target: float
    peer: str = ""
    theirs: float = 0.0
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times the peer's figure ours is better (both are times)."""
        return self.theirs / self.ours if self.peer and self.ours else 0.0

    @property
    def good(self) -> bool:
        """Return whether the figure is within its limit."""
        return self.ratio >= self.target if self.peer else self.ours <= self.target

    def __str__(self) -> str:
        peer = f"{self.peer} {self.theirs:.2f} {self.unit}" if self.peer else "no peer"
        ratio = f"{self.ratio:.2f} x" if self.peer else "-"
        target = f">= {self.target:g} x" if self.peer else f"<= {self.target:g} {self.unit}"
        verdict = "ok" if self.good else "SHORT"
        return (
            f"{self.name:44} {self.ours:8.2f} {self.unit:3} {peer:32} {ratio:>8}  "
            f"{target:12} {verdict:6}{self.note}"
        )


def best(peers: Mapping[str, float]) -> tuple[str, float]:
    """Return the fastest peer and its time."""
    name = min(peers, key=lambda peer: peers[peer])
    return name, peers[name]
