"""The commands `backup-key create`, `show` and `import`: keys that encrypt backups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.values import ask_value, read_text
from core.redaction import MASK

if TYPE_CHECKING:
    from core.backup.encryption_keys import BackupKey
    from core.cli.common import Cli
    from core.work import Work

#: Option of the command `backup`.
EncryptWith = Annotated[
    str,
    typer.Option(
        "--encrypt",
        metavar="KEY",
        help="Encrypt the rows with this key: secret:NAME or keyring:NAME; see `backup-key`.",
    ),
]
KeyName = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help="secret:NAME (Secrets Manager) or keyring:NAME (this machine's keyring).",
    ),
]
app = typer.Typer(help="Manage the keys that encrypt backups.", no_args_is_help=True)


@app.command("create")
def create(context: typer.Context, name: KeyName) -> None:
    """Create a random key of 256 bits. An existing one is never overwritten (exit code 22).

    Without the key, its backups cannot be read by anyone. Store a copy of it in a safe place.
    """
    from core.backup.encryption_keys import create_key

    cli: Cli = context.obj
    with cli.out.work("Creating a key") as work:
        made = create_key(_workspace(cli, name, work), work, name=name)
    _show_stored(cli, made)


@app.command("import")
def import_key(
    context: typer.Context,
    name: KeyName,
    file: Annotated[
        Path | None,
        typer.Option(help="Read the key (base64) from a file, or from standard input (-)."),
    ] = None,
) -> None:
    """Store an existing key, for example on a new machine. It is prompted for, or read from a pipe.

    An existing key is never overwritten (exit code 22).
    """
    from core.backup.encryption_keys import create_key

    cli: Cli = context.obj
    key = ask_value("The key") if file is None else read_text(file, "The key")
    with cli.out.work("Storing a key") as work:
        made = create_key(_workspace(cli, name, work), work, name=name, key=key)
    _show_stored(cli, made)


def _show_stored(cli: Cli, made: BackupKey) -> None:
    found = {"name": made.name, "key_check": made.check}
    cli.out.result(found, lambda: cli.out.line(f"{made.name} was stored; check value {made.check}"))
    cli.out.note(
        "! If this key is lost, its backups cannot be read by anyone. Store a copy in a safe place: "
        f"strongroom backup-key show {made.name} --reveal"
    )


@app.command("show")
def show(
    context: typer.Context,
    name: KeyName,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the key itself, to store a copy of it.")
    ] = False,
) -> None:
    """Show the check value of a key, which the manifests of its backups contain.

    The key itself is only shown with --reveal.
    """
    from core.backup.encryption_keys import key_of

    cli: Cli = context.obj
    with cli.out.work("Reading a key") as work:
        found = key_of(_workspace(cli, name, work), name, work)
    text = found.key.reveal() if reveal else MASK
    value = {"name": name, "key_check": found.check, "key": text}
    rows = [("Check value", found.check), ("Key", text)]
    cli.out.result(value, lambda: cli.out.table(("Field", "Value"), rows))


def _workspace(cli: Cli, name: str, work: Work) -> object:
    """Return the workspace for a secret; a key in the keyring needs no connection."""
    from core.backup.encryption_keys import SECRET

    return cli.opener.workspace(work) if name.startswith(SECRET) else None
