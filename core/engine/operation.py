"""One entry of the table of operations, and how the entries of a kind are made."""

from __future__ import annotations

from dataclasses import dataclass

from core.engine.changes import DescribeEffects, no_effects, rotation_steps


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its name, its function (imported when it first runs) and its properties.

    Attributes:
        name: the name of the operation.
        run: `package.module:function`.
        title: its title in messages and in the log of changes.
        changes: whether it changes a bucket, a secret, an access key, a database or a profile.
        command: the equivalent subcommand of `strongroom` with its options, or empty.
        bulk: whether the engine process can run it.
        effects: describes what a call with a given result has changed.
        partial_batches: whether its batches are results until then, so that their effects count.
        refused_at_start: whether a read-only profile refuses the complete operation. Otherwise only
            its changing requests are refused, and local work is done.
    """

    name: str
    run: str
    title: str = ""
    changes: bool = True
    command: str = ""
    bulk: bool = True
    refused_at_start: bool = True
    effects: DescribeEffects = no_effects
    partial_batches: bool = False


def reads(name: str, run: str, title: str, command: str = "") -> Operation:
    """Return an operation that reads, and that the engine process can run."""
    return Operation(name, run, title, changes=False, command=command)


def changes(
    name: str, run: str, title: str, effects: DescribeEffects, command: str = ""
) -> Operation:
    """Return an operation that changes something, and that the engine process can run."""
    return Operation(name, run, title, command=command, effects=effects)


def reads_here(name: str, run: str, title: str, command: str = "") -> Operation:
    """Return an operation that reads in the process of its caller."""
    return Operation(name, run, title, changes=False, command=command, bulk=False)


def changes_here(
    name: str, run: str, title: str, effects: DescribeEffects, command: str = ""
) -> Operation:
    """Return an operation that changes something in the process of its caller."""
    return Operation(name, run, title, command=command, bulk=False, effects=effects)


def rotates(name: str, run: str, title: str, command: str) -> Operation:
    """Return an operation on the steps of a rotation."""
    return Operation(
        name,
        run,
        title,
        command=command,
        bulk=False,
        effects=rotation_steps,
        partial_batches=True,
    )


def changes_settings(name: str, run: str, title: str, effects: DescribeEffects) -> Operation:
    """Return an operation that changes settings of this computer."""
    return Operation(name, run, title, bulk=False, refused_at_start=False, effects=effects)
