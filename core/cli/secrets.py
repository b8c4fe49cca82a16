"""`secrets list|get|put|versions|rollback`: values are masked unless they are asked for, and never in arguments."""

from __future__ import annotations

import getpass
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import InvalidInput, NotFound
from core.model.connection import SECRET_PREFIX
from core.redaction import MASK, Secret
from core.units import format_age, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.rotation.rollback import RollBack
    from core.storage.secret_text import SecretDiff

app = typer.Typer(help="Secrets of Secrets Manager.", no_args_is_help=True)


@app.command("list")
def list_secrets(
    context: typer.Context,
    prefix: Annotated[str, typer.Option(help="What their names begin with.")] = SECRET_PREFIX,
) -> None:
    """List secrets, without their values."""
    cli: Cli = context.obj
    with cli.out.work("Listing secrets") as work:
        infos = cli.opener.workspace(work).secrets.list_infos(prefix, work=work)
    rows = [
        (
            info.name,
            iso_utc(info.updated) if info.updated else "",
            f"deleted, until {iso_utc(info.deleted)}" if info.deleted else "",
            info.description,
        )
        for info in infos
    ]
    cli.out.result(infos, lambda: cli.out.table(("Name", "Changed", "State", "Description"), rows))


@app.command("get")
def get_secret(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The secret's name.")],
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the values instead of a mask.")
    ] = False,
) -> None:
    """Show a secret's fields; their values only with --reveal."""
    cli: Cli = context.obj
    with cli.out.work("Reading") as work:
        value = cli.opener.workspace(work).secrets.get_secret(name, work=work)
    shown = {field: str(text) if reveal else MASK for field, text in value.items()}
    cli.out.result(
        value if reveal else shown,
        lambda: cli.out.table(("Field", "Value"), list(shown.items())),
    )


@app.command("put")
def put_secret(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The secret's name.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(help="FIELD or FIELD=VALUE to change; without a value it is asked for."),
    ] = None,
    file: Annotated[
        str, typer.Option(help="The whole value from a file, or from standard input (-).")
    ] = "",
) -> None:
    """Create or change a secret.

    Values given as FIELD=VALUE can be seen by other programs of this machine and stay in the
    shell's history: for real secrets name the FIELD alone, or use --file.
    """
    cli: Cli = context.obj
    text = _whole(file) if file else ""
    changes = {} if file else _changes(fields or [])
    with cli.out.work("Saving") as work:
        secrets = cli.opener.workspace(work).secrets
        before = None
        try:
            before = secrets.read(name, work=work)
        except NotFound:
            cli.out.note(f"{name} is new")
        if not file:
            text = _merged(before.text.reveal() if before else "{}", changes, name)
        if before is None:
            written = secrets.create_secret(name, text, work=work)
        else:
            written = secrets.save(name, text, expected_version=before.version_id, work=work)
    cli.out.result(written, lambda: cli.out.line(f"{name} saved, version {written.version_id}"))


@app.command("versions")
def list_versions(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The secret's name.")],
) -> None:
    """List the versions that AWS still keeps: their labels, when they were made, and by whom."""
    cli: Cli = context.obj
    with cli.out.work("Listing versions") as work:
        versions = cli.opener.workspace(work).secrets.list_versions(name, work=work)
    rows = [
        (
            version.version_id,
            " ".join(version.shown_stages),
            iso_utc(version.created) if version.created else "",
            version.by,
        )
        for version in versions
    ]
    told = [
        {
            "version_id": version.version_id,
            "stages": version.shown_stages,
            "created": version.created,
            "accessed": version.accessed,
            "by": version.by,
        }
        for version in versions
    ]
    cli.out.result(told, lambda: cli.out.table(("Version", "Labels", "Made", "By"), rows))


@app.command("rollback")
def roll_back(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The secret's name.")],
    to: Annotated[
        str,
        typer.Option(help="A version's id, the beginning of one, or a label; default AWSPREVIOUS."),
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this only what would move is shown.")
    ] = False,
) -> None:
    """Make an older version of a secret current again; the present one becomes AWSPREVIOUS."""
    from core.rotation import rollback

    cli: Cli = context.obj
    with cli.out.work("Comparing") as work:
        clients = cli.opener.workspace(work).clients
        found = rollback.plan(clients, name, to, work=work)
        if yes:
            rollback.roll_back(clients, found, work=work)
    told = {"done": yes, **{field.name: getattr(found, field.name) for field in fields(found)}}
    cli.out.result(told, lambda: _show_roll_back(cli, found))
    cli.out.note("Done." if yes else "Nothing was changed. Add --yes to roll back.")


def _show_roll_back(cli: Cli, found: RollBack) -> None:
    for move in found.moves:
        cli.out.line(f"{move.label}: {move.source or 'nowhere'} -> {move.target}")
    made = f"made {format_age(found.made)}" if found.made else "of unknown age"
    cli.out.line(f"version {found.target} was {made}{f' by {found.by}' if found.by else ''}")
    for line in _difference(found.difference):
        cli.out.line(line)
    for text in found.good:
        cli.out.line(text)
    for text in found.warnings:
        cli.out.line(f"! {text}")


def _difference(found: SecretDiff) -> list[str]:
    """Return the keys that differ, with a sign each; values are never shown."""
    signs = (("+", found.added), ("~", found.changed), ("-", found.removed))
    lines = [f"{sign} {key}" for sign, keys in signs for key in keys]
    return lines or ["no key differs"]


def _whole(file: str) -> str:
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")


def _changes(fields: list[str]) -> dict[str, Secret]:
    if not fields:
        raise InvalidInput(
            "There is nothing to change",
            cause="No field and no file was named.",
            remedy="Name fields to change, or the whole value with --file.",
        )
    changes = {}
    for field in fields:
        key, equals, value = field.partition("=")
        changes[key] = Secret(value if equals else _asked(key))
    return changes


def _asked(key: str) -> str:
    """Ask on a terminal without an echo; read one line from a pipe."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{key}: ")
    return sys.stdin.readline().rstrip("\n")


def _merged(before: str, changes: dict[str, Secret], name: str) -> str:
    """Return the text with some values changed; every other byte stays as it was."""
    from core.storage.secret_text import SecretRow, rows_of, text_of

    try:
        rows = rows_of(before)
    except InvalidInput:
        rows = None
    if rows is None:
        raise InvalidInput(
            f"{name} has no fields",
            cause="Its value is not a JSON object.",
            remedy="Replace the whole value with --file.",
            subject=name,
        )
    old = {row.key for row in rows}
    kept = [
        replace(row, value=changes[row.key], quoted=True) if row.key in changes else row
        for row in rows
    ]
    new = [SecretRow(key, value) for key, value in changes.items() if key not in old]
    return text_of([*kept, *new], before)
