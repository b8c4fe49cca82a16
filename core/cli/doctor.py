"""The command `doctor`, which lists and repairs what interrupted rotations left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ErrorKind, InvalidInput
from core.model.connection import SECRET_PREFIX
from core.units import format_counted

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.doctor import Diagnosis, Finding, Repair


def doctor(
    context: typer.Context,
    finding: Annotated[str, typer.Argument(help="The id of the finding to repair.")] = "",
    repair: Annotated[str, typer.Argument(help="The repair to use.")] = "",
    prefix: Annotated[
        str, typer.Option(help="Only secrets whose names start with this prefix.")
    ] = (SECRET_PREFIX),
    confirm: Annotated[
        str, typer.Option(help="The name that confirms a repair that cannot be undone.")
    ] = "",
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Repair; without this option the repair is only described."),
    ] = False,
) -> int:
    """Find leftovers of rotations (AWSPENDING labels, unused keys, planned deletions); repair one.

    The exit code is 23 if there are findings, and 13 if something could not be examined.
    """
    cli: Cli = context.obj
    with cli.out.work("Examining") as work:
        diagnosis = cli.opener.workspace(work).doctor.examine(prefix, work=work)
    if not finding:
        cli.out.result(diagnosis, lambda: _show(cli, diagnosis))
        return _code(diagnosis)
    found = _found(diagnosis, finding)
    chosen = _chosen(found, repair)
    # Only with --yes: the description of a repair needs no confirmation.
    if chosen.typed and confirm != chosen.typed and yes:
        raise InvalidInput(
            f"{chosen.title} cannot be undone",
            cause="The repair has to be confirmed with a name.",
            remedy=f"Add --confirm {chosen.typed}.",
            subject=chosen.typed,
        )
    if not yes:
        cli.out.result(chosen, lambda: _show_repair(cli, chosen))
        cli.out.note("Nothing was changed. Add --yes to do it.")
        return 0
    _repair(cli, found, chosen)
    return 0


def _repair(cli: Cli, found: Finding, chosen: Repair) -> None:
    with cli.out.work("Repairing") as work:
        done = cli.opener.workspace(work).repairer().repair(found, chosen, work=work)
    cli.out.result({"finding": found.id, "done": done}, lambda: cli.out.line(done))


def _found(diagnosis: Diagnosis, finding_id: str) -> Finding:
    for finding in diagnosis.findings:
        if finding.id == finding_id:
            return finding
    raise InvalidInput(
        f"The finding {finding_id} does not exist",
        cause="It was repaired, or its id is spelled differently.",
        remedy="Run `strongroom doctor` to list the findings.",
        subject=finding_id,
    )


def _chosen(finding: Finding, kind: str) -> Repair:
    for repair in finding.repairs:
        if repair.kind.value == kind:
            return repair
    offered = ", ".join(repair.kind.value for repair in finding.repairs) or "none"
    raise InvalidInput(
        f"{finding.id} has no repair {kind}"
        if kind
        else f"No repair of {finding.id} was specified",
        cause=f"Available repairs: {offered}.",
        remedy="Add one of them after the finding.",
        subject=finding.id,
    )


def _show(cli: Cli, diagnosis: Diagnosis) -> None:
    for finding in diagnosis.findings:
        cli.out.line(f"{finding.id}")
        cli.out.line(f"    {finding.summary}")
        cli.out.line(f"    {finding.detail}")
        for repair in finding.repairs:
            cli.out.line(f"    {repair.kind.value}: {repair.text} Undo: {repair.undo}")
    for unseen in diagnosis.unseen:
        cli.out.line(f"not examined: {unseen}")
    if diagnosis.healthy:
        cli.out.line(f"{format_counted(len(diagnosis.examined), 'secret')} examined, nothing found")


def _show_repair(cli: Cli, repair: Repair) -> None:
    cli.out.line(f"{repair.title}: {repair.text}")
    cli.out.line(f"Undo: {repair.undo}")


def _code(diagnosis: Diagnosis) -> int:
    if diagnosis.findings:
        return ErrorKind.CONFLICT.value
    return ErrorKind.ACCESS_DENIED.value if diagnosis.unseen else 0
