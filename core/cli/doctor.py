"""`doctor`: what interrupted rotations and forgotten keys left behind, and the way to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ErrorKind, InvalidInput
from core.model.connection import SECRET_PREFIX

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.doctor import Diagnosis, Finding, Repair


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    finding: Annotated[str, typer.Argument(help="The finding to mend, as it is listed.")] = "",
    repair: Annotated[str, typer.Argument(help="By which of its repairs.")] = "",
    prefix: Annotated[str, typer.Option(help="What the secrets' names begin with.")] = (
        SECRET_PREFIX
    ),
    confirm: Annotated[
        str, typer.Option(help="The name to type before what cannot be taken back.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only told.")
    ] = False,
) -> int:
    """Find stray AWSPENDING labels, orphan keys, second keys, planned deletions; mend one.

    Exit code 23 when something was found, 13 when something could not be looked at.
    """
    from core.rotation.doctor import Doctor

    cli: Cli = context.obj
    with cli.out.work("Examining") as work:
        clients = cli.opener.workspace(work).clients
        diagnosis = Doctor(clients).examine(prefix, work=work)
    if not finding:
        cli.out.result(diagnosis, lambda: _show(cli, diagnosis))
        return _code(diagnosis)
    found = _found(diagnosis, finding)
    chosen = _chosen(found, repair)
    if chosen.typed and confirm != chosen.typed and yes:
        raise InvalidInput(
            f"{chosen.title} cannot be taken back",
            cause="Its name has to be typed first.",
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
    from core.local.connections import Connections
    from core.rotation.local_keys import LocalKeys
    from core.rotation.repairs import Repairer
    from core.rotation.service import Rotator

    with cli.out.work("Mending") as work:
        clients = cli.opener.workspace(work).clients
        rotator = Rotator(clients, local=LocalKeys(Connections()))
        done = Repairer(clients, rotator).repair(found, chosen, work=work)
    cli.out.result({"finding": found.id, "done": done}, lambda: cli.out.line(done))


def _found(diagnosis: Diagnosis, finding_id: str) -> Finding:
    for finding in diagnosis.findings:
        if finding.id == finding_id:
            return finding
    raise InvalidInput(
        f"There is no finding {finding_id}",
        cause="It was mended, or its name is spelled differently.",
        remedy="Run `strongroom doctor` to list them.",
        subject=finding_id,
    )


def _chosen(finding: Finding, kind: str) -> Repair:
    for repair in finding.repairs:
        if repair.kind.value == kind:
            return repair
    offered = ", ".join(repair.kind.value for repair in finding.repairs) or "none"
    raise InvalidInput(
        f"{finding.id} has no repair {kind or 'named'}".rstrip(),
        cause=f"Offered: {offered}.",
        remedy="Name one of them after the finding.",
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
        cli.out.line(f"not looked at: {unseen}")
    if diagnosis.healthy:
        cli.out.line(f"{len(diagnosis.examined)} secrets examined, nothing found")


def _show_repair(cli: Cli, repair: Repair) -> None:
    cli.out.line(f"{repair.title}: {repair.text}")
    cli.out.line(f"Undo: {repair.undo}")


def _code(diagnosis: Diagnosis) -> int:
    if diagnosis.findings:
        return ErrorKind.CONFLICT.value
    return ErrorKind.ACCESS_DENIED.value if diagnosis.unseen else 0
