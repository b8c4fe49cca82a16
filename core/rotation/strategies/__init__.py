"""One strategy for each kind of rotation; `STRATEGIES` lists them."""

from __future__ import annotations

from core.model.rotation import RotationKind, Step
from core.rotation.strategies.database import DatabaseStrategy
from core.rotation.strategies.exchange import ExchangeStrategy
from core.rotation.strategies.iam_key import IamKeyStrategy
from core.rotation.strategies.managed import ManagedStrategy
from core.rotation.strategy import Strategy

#: All strategies. A secret is rotated by the first one that matches it.
STRATEGIES: tuple[type[Strategy], ...] = (
    IamKeyStrategy,
    DatabaseStrategy,
    ExchangeStrategy,
    ManagedStrategy,
)


def strategy_of(kind: RotationKind) -> type[Strategy]:
    """Return the strategy of a kind of rotation."""
    return next(each for each in STRATEGIES if each.kind is kind)


def steps_of(kind: RotationKind) -> tuple[Step, ...]:
    """Return the steps of a kind of rotation, in their order."""
    return strategy_of(kind).steps
