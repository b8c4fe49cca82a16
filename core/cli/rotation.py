"""The command `rotate`, which replaces the value of a secret in steps that can be undone."""

from __future__ import annotations

import getpass
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.common import seconds_of
from core.cli.values import is_terminal, read_text
from core.errors import InvalidInput, StorageError
from core.model.secret_names import field_value
from core.redaction import Secret
from core.units import iso_utc, utc_now

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.rotation import Rotation, RotationPlan, RotationTiming, Step
    from core.rotation.service import Rotator
    from core.work import Work


def rotate(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    secret: Annotated[str, typer.Argument(help="The name of the secret.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume an unfinished rotation.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo an unfinished rotation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Rotate; without this option only the plan is shown.")
    ] = False,
    grace: Annotated[
        str, typer.Option(help="How long the old key stays active, for example 90m, or 0.")
    ] = "65m",
    delete_after: Annotated[
        str, typer.Option(help="How long it stays deactivated before it is deleted.")
    ] = "7d",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the grace periods have ended.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(help="The new fields as a JSON object, from a file or standard input (-)."),
    ] = None,
    keep_copies: Annotated[
        bool,
        typer.Option(
            "--keep-copies",
            help="Do not change other fields that also contain the old value, such as a URL.",
        ),
    ] = False,
) -> None:
    """Rotate a secret: preflight, create, stage, test, promote, switch, deactivate, delete.

    It can be interrupted at any point; --resume continues it, and --undo reverts it. After the
    promotion the command ends, because the old key has a grace period: resume it afterwards, or use
    --wait.
    """
    cli: Cli = context.obj
    timing = _timing(grace, delete_after)
    with cli.out.work("Examining the secret") as work:
        rotator = _rotator(cli, timing, work)
        found = rotator.find(secret, work=work) if resume or undo else None
        if dry_run or not yes:
            _show_plan(cli, rotator, secret, found, work, undo=undo, keep_copies=keep_copies)
            return
    now = _at_once(timing)
    with cli.out.work("Rotating", batch=_ProgressPrinter(cli, found)) as work:
        if found is not None:
            rotation = (
                rotator.undo(found, work=work) if undo else _resume(rotator, found, now, file, work)
            )
        else:
            values = _values(rotator, secret, file, work)
            rotation = rotator.start(
                secret, values=values, now=now, keep_copies=keep_copies, work=work
            )
        # Two grace periods: before the deactivation and before the deletion of the old key.
        while wait and rotation.due is not None:
            work.token.wait(max(0.0, (rotation.due - utc_now()).total_seconds()))
            rotation = rotator.resume(rotation, now=now, work=work)
    _show(cli, rotation)


def _resume(
    rotator: Rotator, found: Rotation, now: frozenset[Step], file: Path | None, work: Work
) -> Rotation:
    from core.model.rotation import Step

    # Values that a person enters are only in memory until they are staged: they are entered again.
    staged = found.finished(Step.STAGE)
    values = None if staged else _values(rotator, found.secret, file, work)
    return rotator.resume(found, values=values, now=now, work=work)


def _rotator(cli: Cli, timing: RotationTiming, work: Work) -> Rotator:
    return cli.opener.workspace(work).rotator(timing=timing)


def _timing(grace: str, delete_after: str) -> RotationTiming:
    from core.model.rotation import RotationTiming

    return replace(
        RotationTiming(),
        grace=timedelta(seconds=seconds_of(grace)),
        second_grace=timedelta(seconds=seconds_of(delete_after)),
    )


def _at_once(timing: RotationTiming) -> frozenset[Step]:
    """Return the steps whose grace period is zero."""
    from core.model.rotation import Step

    periods = {Step.DEACTIVATE: timing.grace, Step.DELETE: timing.second_grace}
    return frozenset(step for step, period in periods.items() if not period)


def _values(
    rotator: Rotator, secret: str, file: Path | None, work: Work
) -> dict[str, Secret] | None:
    """Return the new fields of a secret whose values the user supplies; None for others."""
    from core.rotation.strategies import strategy_of

    if not strategy_of(rotator.kind_of(secret, work=work)).values_entered:
        return None
    if file is not None:
        text = read_text(file, "The new fields")
        return {name: field_value(name, value) for name, value in _object(text.reveal()).items()}
    if not is_terminal():
        raise InvalidInput(
            "The new fields are missing",
            cause="The prompt for them needs a terminal, but standard input is not one.",
            remedy="Supply them as a JSON object with --file PATH, or --file - for standard input.",
            subject=secret,
        )
    entered = {
        name: field_value(name, getpass.getpass(f"{name}: ")) for name in rotator.fields_of(secret)
    }
    return {name: value for name, value in entered.items() if value}


def _object(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InvalidInput(
            "The new fields are not a JSON object of texts",
            remedy='Use for example {"binance_api_key": "…", "binance_secret_key": "…"}.',
        )
    return found


class _ProgressPrinter:
    """Writes each finished step to standard error, except those that had finished before."""

    def __init__(self, cli: Cli, found: Rotation | None) -> None:
        self._cli = cli
        before = found.steps if found is not None else ()
        self._printed = {(record.step.value, record.state.value) for record in before}

    def __call__(self, rotation: Rotation) -> None:
        from core.model.rotation import StepState
        from core.rotation.step_texts import title_of

        for record in rotation.steps:
            state = (record.step.value, record.state.value)
            if record.state in {StepState.WAITING, StepState.RUNNING} or state in self._printed:
                continue
            self._printed.add(state)
            title = title_of(rotation.kind, record.step)
            self._cli.out.note(f"{record.state.value:8} {title}: {record.detail}")


def _show_plan(  # noqa: PLR0913 - the options of one command
    cli: Cli,
    rotator: Rotator,
    secret: str,
    found: Rotation | None,
    work: Work,
    *,
    undo: bool,
    keep_copies: bool,
) -> None:
    if found is not None:
        cli.out.result(found, lambda: _show_open(cli, found, undo=undo))
        return
    plan = rotator.plan(secret, work=work)
    cli.out.result(plan, lambda: _show_steps(cli, plan, keep_copies=keep_copies))
    if plan.problem is not None:
        raise plan.problem.error()


def _show_steps(cli: Cli, plan: RotationPlan, *, keep_copies: bool) -> None:
    from core.links.ledger import warning_of_links_ending_with
    from core.rotation.step_texts import copy_notes

    cli.out.line(f"{plan.secret}: rotation of kind {plan.kind.value}, by {plan.by}")
    if plan.found:
        cli.out.line(plan.found)
    for number, step in enumerate(plan.steps, 1):
        cli.out.line(f"{number}. {step.title}. {step.text} Undo: {step.undo}")
    copies = copy_notes(plan, unchanged=keep_copies)
    for note in (*plan.notes, *copies, *warning_of_links_ending_with(plan.facts.old_key_id)):
        cli.out.line(f"! {note}")
    if plan.problem is None:
        cli.out.note("Nothing was changed. Add --yes to rotate.")
    else:
        cli.out.note("Nothing was changed.")


def _show_open(cli: Cli, rotation: Rotation, *, undo: bool) -> None:
    from core.rotation.step_texts import planned_step, valid_now

    cli.out.line(f"{rotation.secret}: {rotation.outcome.value}, begun {iso_utc(rotation.started)}")
    for record in rotation.steps:
        step = planned_step(rotation.kind, record.step)
        will = step.undo if undo else step.text
        text = record.detail if record.finished and not undo else will
        cli.out.line(f"{record.state.value:8} {step.title}. {text}")
    cli.out.line(valid_now(rotation))
    cli.out.note("Nothing was changed. Add --yes to do it.")


def _show(cli: Cli, rotation: Rotation) -> None:
    from core.rotation.service import problem_of

    cli.out.result(rotation, lambda: _show_end(cli, rotation))
    problem = problem_of(rotation)
    if problem is not None:
        raise problem if rotation.outcome.open else _explained(problem)


def _explained(problem: StorageError) -> StorageError:
    problem.cause = f"{problem.cause} The changes of the rotation were undone.".lstrip()
    return problem


def _show_end(cli: Cli, rotation: Rotation) -> None:
    from core.rotation.step_texts import valid_now

    cli.out.line(f"{rotation.secret}: {rotation.outcome.value}, version {rotation.id}")
    if rotation.facts.also_changed:
        cli.out.line(f"the value was also replaced in {', '.join(rotation.facts.also_changed)}")
    for place in rotation.facts.still_old:
        cli.out.line(f"! {place} still contains the old value: change it yourself")
    if rotation.outcome.open:
        cli.out.line(valid_now(rotation))
    if rotation.due is not None:
        cli.out.line(f"The next step is due at {iso_utc(rotation.due)}.")
        cli.out.note(f"Then run: strongroom rotate {rotation.secret} --resume --yes")
    elif rotation.outcome.open:
        cli.out.note("Continue with --resume --yes, or undo it with --undo --yes.")
