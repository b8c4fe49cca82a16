"""The commands `demo-server`, `setup` and `check`."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.values import ask_value
from core.errors import CredentialsMissing, ErrorKind, StorageError
from core.model.connection import AccessKeys
from core.redaction import Secret

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.storage.setup import SetupStep

_SIGNS = {True: "✓", False: "✗", None: "-"}


def demo_server(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; by default any free port.")
    ] = 0,
) -> None:
    """Run the embedded AWS with sample data until Ctrl-C, and print the variables to export."""
    from core.demo.foreground import serve

    def echo(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()  # the reader of a pipe waits for these lines

    serve(port, echo)


def setup(
    context: typer.Context,
    access_key_id: Annotated[
        str,
        typer.Option(
            help="The access key id of the platform; the command prompts for the secret key."
        ),
    ] = "",
    replace_keys: Annotated[
        bool, typer.Option("--replace-keys", help="Replace other keys in the secret.")
    ] = False,
) -> None:
    """Test keys on the bucket (upload, read back, delete) and store them in the secret.

    The keys are specified with --access-key-id, or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    """
    from core.storage.setup import set_up

    cli: Cli = context.obj

    def show_step(step: SetupStep) -> None:
        if not step.running:
            cli.out.note(f"{_SIGNS[step.ok]} {step.title}: {step.detail}")

    with cli.out.work("Setting up", batch=show_step) as work:
        connection = cli.opener.connection(work)
        # Once only: a second prompt would read an empty pipe.
        if access_key_id or connection.keys is None:
            keys = _entered_keys(access_key_id)
        else:
            keys = connection.keys
        report = set_up(connection, keys=keys, replace_keys=replace_keys, work=work)
    name = connection.profile.secret_name

    def show() -> None:
        if report.kept:
            cli.out.line(f"{name} contains other keys and was not changed (see --replace-keys)")
        elif report.stored:
            cli.out.line(f"{name} stored and read back")
        else:
            cli.out.line(f"{name} not stored")

    cli.out.result(report, show)


def _entered_keys(access_key_id: str) -> AccessKeys:
    if not access_key_id:
        key, secret = (
            os.environ.get(f"AWS_{name}", "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
        )
        if not key or not secret:
            raise CredentialsMissing(
                "There are no keys to set up",
                cause="Neither --access-key-id nor AWS_ACCESS_KEY_ID is set.",
                remedy="Add --access-key-id; the command then prompts for the secret key.",
            )
        return AccessKeys(key, Secret(secret))
    return AccessKeys(access_key_id, ask_value("secret access key"))


def check(
    context: typer.Context,
    contract: Annotated[
        bool,
        typer.Option(
            "--contract", help="Only check the permissions that the platform itself needs."
        ),
    ] = False,
) -> int:
    """Test every permission, undo the tests, and fail if a required permission is missing."""
    from core.aws.identity import identity, identity_text
    from core.health.permissions import check_permissions

    cli: Cli = context.obj
    with cli.out.work("Checking") as work:
        clients = cli.opener.workspace(work).clients
        results = check_permissions(clients, extras=not contract, work=work)
        with contextlib.suppress(StorageError):  # a server may not support STS
            who = identity_text(clients, identity(clients, work=work))
            cli.out.note(f"As {who}.")
    rows = [(_SIGNS[one.ok], one.action, one.needed, one.detail) for one in results]
    cli.out.result(results, lambda: cli.out.table(("", "Permission", "Needed for", "Detail"), rows))
    missing = [one for one in results if one.ok is False and one.needed == "contract"]
    return ErrorKind.ACCESS_DENIED.value if missing else 0
