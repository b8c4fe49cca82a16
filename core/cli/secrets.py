"""`secrets list|get|put`: values are masked unless they are asked for, and never in arguments."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import InvalidInput, NotFound
from core.model.connection import SECRET_PREFIX
from core.redaction import MASK, Secret
from core.units import iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli

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
    try:
        values = json.loads(before)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise InvalidInput(
            f"{name} has no fields",
            cause="Its value is not a JSON object.",
            remedy="Replace the whole value with --file.",
            subject=name,
        )
    return json.dumps(values | {key: value.reveal() for key, value in changes.items()})
