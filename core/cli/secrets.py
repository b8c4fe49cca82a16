"""The commands `secrets list`, `get`, `put`, `versions` and `rollback`; values are masked."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import json_text
from core.cli.parameters import usage_error
from core.cli.values import ask_value, is_terminal, read_bytes, read_text
from core.errors import InvalidInput, NotFound
from core.model.connection import SECRET_PREFIX
from core.model.secret_names import field_value
from core.redaction import MASK, Secret
from core.units import format_age, format_counted, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.secrets import SecretValue
    from core.rotation.rollback import RollBack
    from core.secrets.kinds import NewValues
    from core.secrets.secret_text import SecretDiff

_VALUE_NAME = "The secret's value"
app = typer.Typer(help="Manage secrets in Secrets Manager.", no_args_is_help=True)


@app.command("list")
def list_secrets(
    context: typer.Context,
    prefix: Annotated[
        str, typer.Option(help="Only secrets whose names start with this prefix.")
    ] = SECRET_PREFIX,
) -> None:
    """List secrets without their values."""
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
    name: Annotated[str, typer.Argument(help="The name of the secret.")],
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the values instead of masks.")
    ] = False,
) -> None:
    """Show the fields of a secret; their values are only shown with --reveal."""
    cli: Cli = context.obj
    with cli.out.work("Reading") as work:
        value = cli.opener.workspace(work).secrets.read(name, work=work)
    if value.binary:
        _show_binary(cli, value, reveal=reveal)
    else:
        _show_fields(cli, value, reveal=reveal)


def _show_binary(cli: Cli, value: SecretValue, *, reveal: bool) -> None:
    size = len(b64decode(value.text.reveal()))
    shown = value.text.reveal() if reveal else MASK
    found = {"binary": True, "size": size, "base64": shown}
    text = f"{value.name} is a binary value of {format_counted(size, 'byte')}; as base64: {shown}"
    cli.out.result(found, lambda: cli.out.line(text))


def _show_fields(cli: Cli, value: SecretValue, *, reveal: bool) -> None:
    from core.secrets.secret_text import COMPLETE_TEXT, rows_of

    text = value.text.reveal()
    try:
        fields = [(row.key, row.value.reveal()) for row in rows_of(text)]
    except InvalidInput:
        fields, masked = [(COMPLETE_TEXT, text)], json_text(MASK)
        stored = json_text(text)
    else:
        masked, stored = json_text({key: MASK for key, _value in fields}), text
    rows = [(key, shown if reveal else MASK) for key, shown in fields]
    cli.out.verbatim_json(
        stored if reveal else masked, lambda: cli.out.table(("Field", "Value"), rows)
    )


@app.command("put")
def put_secret(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the secret.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            help="FIELD or FIELD=VALUE to change; without a value the command prompts for it or "
            "reads it from standard input."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="Read the complete value, or with one FIELD the value of that field, from a file "
            "or from standard input (-)."
        ),
    ] = None,
    as_text: Annotated[
        bool,
        typer.Option(
            "--as-text",
            help="Store the values as texts, even if they have another type now, or replace a "
            "binary value by a text.",
        ),
    ] = False,
    json_value: Annotated[
        bool,
        typer.Option(
            "--json-value", help="The values are JSON and may have another type than before."
        ),
    ] = False,
    binary: Annotated[
        bool, typer.Option("--binary", help="Store the bytes of --file as a binary value.")
    ] = False,
) -> None:
    """Create or change a secret. Fields keep their type: a number stays a number.

    Values in FIELD=VALUE are visible to other programs of this machine and remain in the shell
    history: for real secrets specify only FIELD, or use --file. One final line end of the input is
    removed.
    """
    from core.aws.secret_faults import NoSecretValue

    cli: Cli = context.obj
    request = _Request.of(fields or [], file, binary=binary)
    how = _reading(as_text=as_text, json_value=json_value)
    with cli.out.work("Saving") as work:
        secrets = cli.opener.workspace(work).secrets
        before, exists = None, False
        try:
            # Read for its version: saving fails if another client has changed the secret since.
            before = secrets.read(name, work=work)
        except NoSecretValue:
            cli.out.note(f"{name} has no value yet")
            exists = True
        except NotFound:
            cli.out.note(f"{name} does not exist and would be created")
        value = request.value(name, before, how)
        if before is None and not exists:
            plain = value if isinstance(value, bytes) else value.reveal()
            written = secrets.create_secret(name, plain, work=work)
        else:
            expected = before.version_id if before is not None else ""
            written = secrets.save(
                name, value, expected_version=expected, replace_binary=as_text, work=work
            )
    cli.out.result(written, lambda: cli.out.line(f"{name} saved, version {written.version_id}"))


@dataclass(frozen=True, slots=True)
class _Request:
    """The requested change: a complete value, or new values of some fields."""

    content: Secret | bytes | None
    changes: Mapping[str, Secret]

    @classmethod
    def of(cls, fields: Sequence[str], file: Path | None, *, binary: bool) -> _Request:
        """Read the values from the arguments, a file or a prompt.

        Raises:
            InvalidInput: the arguments specify no value or conflicting values.
        """
        if file is None:
            if binary:
                raise usage_error(
                    "--binary requires --file", remedy="Add the file, or - for standard input."
                )
            return cls(None, _changes(fields))
        if not fields:
            content = read_bytes(file, _VALUE_NAME) if binary else read_text(file, _VALUE_NAME)
            return cls(content, {})
        if len(fields) > 1 or "=" in fields[0]:
            raise usage_error(
                "--file contains only one value",
                "It is the complete secret, or the value of one FIELD that is specified without a "
                "value.",
                "Specify one FIELD, or none.",
            )
        return cls(None, {fields[0]: read_text(file, f"The value of {fields[0]}", fields[0])})

    def value(self, name: str, before: SecretValue | None, how: NewValues) -> Secret | bytes:
        """Return the new value of a secret.

        Raises:
            InvalidInput: the secret has no fields, or the type of a field would change.
        """
        if self.content is not None:
            return self.content
        from core.secrets.kinds import edited
        from core.secrets.secret_text import check_is_text, rows_of

        if before is None:
            return Secret(edited("{}", self.changes, how))
        check_is_text(before)
        try:
            rows_of(before.text.reveal())
        except InvalidInput:
            raise InvalidInput(
                f"{name} has no fields",
                cause="The value of the secret is not a JSON object.",
                remedy="Replace the complete value with --file.",
                subject=name,
            ) from None
        return Secret(edited(before.text.reveal(), self.changes, how))


def _reading(*, as_text: bool, json_value: bool) -> NewValues:
    from core.secrets.kinds import NewValues

    if as_text:
        return NewValues.AS_TEXT
    return NewValues.AS_JSON if json_value else NewValues.KEEP_KIND


def _changes(fields: Sequence[str]) -> dict[str, Secret]:
    if not fields:
        raise usage_error(
            "There is nothing to change",
            "Neither a field nor a file was specified.",
            "Specify the fields to change, or the complete value with --file.",
        )
    # A field that is specified twice is probably a mistake: which value counts would be unclear.
    names = [field.partition("=")[0] for field in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        problem = f"{twice[0]} is specified twice" if twice and twice[0] else "A field has no name"
        raise usage_error(problem, remedy="Specify each field once, as FIELD or FIELD=VALUE.")
    if sum("=" not in field for field in fields) > 1 and not is_terminal():
        raise usage_error(
            "Standard input contains only one value",
            "More than one field is specified without a value.",
            "Change them one by one, or replace the complete value with --file.",
        )
    return {
        name: _given(name, value) if equals else ask_value(name)
        for name, equals, value in (field.partition("=") for field in fields)
    }


def _given(name: str, value: str) -> Secret:
    if not value:
        raise usage_error(
            f"The value of {name} is empty",
            "There is no value after the equals sign. Often a variable is not set.",
            'Add a value. To store an empty text, use --json-value with "" as the value.',
        )
    return field_value(name, value)


@app.command("versions")
def list_versions(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the secret.")],
) -> None:
    """List the versions of a secret with their stages, when and by whom they were created."""
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
    listed = [
        {
            "version_id": version.version_id,
            "stages": version.shown_stages,
            "created": version.created,
            "accessed": version.accessed,
            "by": version.by,
        }
        for version in versions
    ]
    cli.out.result(listed, lambda: cli.out.table(("Version", "Labels", "Made", "By"), rows))


@app.command("rollback")
def roll_back(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the secret.")],
    to: Annotated[
        str,
        typer.Option(
            help="The id of a version, the beginning of it, or a stage; by default AWSPREVIOUS."
        ),
    ] = "",
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Roll back; without this option the change is only described."),
    ] = False,
) -> None:
    """Make an older version of a secret current; the present version becomes AWSPREVIOUS."""
    from core.rotation import rollback

    cli: Cli = context.obj
    with cli.out.work("Comparing") as work:
        clients = cli.opener.workspace(work).clients
        found = rollback.plan(clients, name, to, work=work)
        if yes:
            rollback.roll_back(clients, found, work=work)
    result = {"done": yes, **{field.name: getattr(found, field.name) for field in fields(found)}}
    cli.out.result(result, lambda: _show_roll_back(cli, found))
    cli.out.note("Done." if yes else "Nothing was changed. Add --yes to roll back.")


def _show_roll_back(cli: Cli, found: RollBack) -> None:
    for move in found.moves:
        cli.out.line(f"{move.label}: {move.source or 'nowhere'} -> {move.target}")
    cli.out.line(_created(found))
    for line in _difference(found.difference):
        cli.out.line(line)
    for text in found.good:
        cli.out.line(text)
    for text in found.warnings:
        cli.out.line(f"! {text}")


def _created(found: RollBack) -> str:
    if found.made and found.by:
        return f"version {found.target} was created {format_age(found.made)} by {found.by}"
    if found.made:
        return f"version {found.target} was created {format_age(found.made)}"
    if found.by:
        return f"version {found.target} was created by {found.by}, at an unknown time"
    return f"version {found.target} was created at an unknown time"


def _difference(found: SecretDiff) -> list[str]:
    """Return the keys that differ, each with a sign; values are never shown."""
    signs = (("+", found.added), ("~", found.changed), ("-", found.removed))
    lines = [f"{sign} {key}" for sign, keys in signs for key in keys]
    return lines or ["no key differs"]
