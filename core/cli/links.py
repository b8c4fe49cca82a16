"""The commands `link`, which creates presigned links, and `links`, which lists and revokes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.common import seconds_of
from core.cli.parameters import usage_error
from core.cli.selection import keys_of
from core.cli.text import printable
from core.errors import ErrorKind, InvalidInput
from core.units import format_counted, format_remaining, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.cli.output import Output
    from core.links.check import LinkCheck
    from core.links.ledger import Entry, Ledger
    from core.links.make import Link
    from core.work import Work
    from core.workspace import Workspace

_SIZE = re.compile(r"(\d{1,15}) ?(B|KB|MB|GB|KiB|MiB|GiB)?", re.IGNORECASE)
_UNITS = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}  # fmt: skip


class Format(Enum):
    """Formats of links on standard output."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    CSV = "csv"
    QR = "qr"


def link(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    keys: Annotated[
        list[str], typer.Argument(help="Keys of the objects. s3://BUCKET/KEY names another bucket.")
    ],
    expires: Annotated[
        str, typer.Option(help="Validity: seconds, or 30m, 12h, 7d. S3 allows at most 7 days.")
    ] = "1h",
    upload: Annotated[
        bool, typer.Option("--put", help="Create links that upload an object to these keys.")
    ] = False,
    form: Annotated[
        bool,
        typer.Option(
            "--post",
            help="Create forms with which a browser uploads a file to these keys, or below these "
            "prefixes (with a slash at the end) under its own name.",
        ),
    ] = False,
    largest: Annotated[
        str,
        typer.Option(
            "--max-size", metavar="SIZE", help="With --post: the largest file, for example 20MB."
        ),
    ] = "",
    content_type: Annotated[
        str,
        typer.Option(
            "--content-type",
            metavar="TYPE",
            help="The content type of the answer to a download, or of the uploaded file.",
        ),
    ] = "",
    download: Annotated[
        bool, typer.Option("--download", help="Browsers save the object instead of displaying it.")
    ] = False,
    name: Annotated[
        str, typer.Option("--download-name", metavar="NAME", help="The name of the saved file.")
    ] = "",
    version_id: Annotated[
        str, typer.Option("--version-id", metavar="ID", help="Link to this version of the object.")
    ] = "",
    output: Annotated[
        Format, typer.Option("--format", help="How the links are printed.")
    ] = Format.TEXT,
    test: Annotated[
        bool, typer.Option("--test", help="Download one byte with each link and compare it.")
    ] = False,
) -> int:
    """Create presigned links. Anyone with the URL can use it until it expires.

    A link may end earlier than requested: after 7 days, with temporary credentials, or when a
    rotation deactivates the key that signs it. The actual end is shown. With --test the exit code
    is 32 if a link does not work.
    """
    cli: Cli = context.obj
    keys = keys_of(cli, keys)
    if upload and form:
        raise usage_error("--put and --post exclude each other")
    if largest and not form:
        raise usage_error("--max-size can only be used with --post")
    if test and (upload or form):
        raise usage_error(
            "--test can only be used with download links",
            remedy="A test of an upload would write an object.",
        )
    from core.links.options import LinkOptions

    with cli.out.work("Signing") as work:
        workspace = cli.opener.workspace(work)
        if form:
            made = _forms(workspace, keys, expires, largest, content_type, work)
        else:
            options = LinkOptions(download, name, content_type, version_id)
            made = _links(workspace, keys, expires, "PUT" if upload else "GET", options, work)
        checks = _checks(cli.out, workspace, made, work) if test else {}
    if not (test and cli.out.json_lines):  # these lines are written as each test ends
        cli.out.result(_plain(made, checks), lambda: _show(cli, made, output))
    for one in made:
        if one.key in checks:
            cli.out.note(f"{one.key}: {checks[one.key].explanation}")
    return ErrorKind.NOT_S3.value if any(not check.works for check in checks.values()) else 0


def _links(
    workspace: Workspace, keys: list[str], expires: str, method: str, options: Any, work: Work
) -> tuple[Link, ...]:
    from core.links.make import make_links

    return make_links(
        workspace.bucket,
        keys,
        method=method,
        seconds=seconds_of(expires),
        options=options,
        key_ends=workspace.key_ends(),
        made_by=workspace.profile.name,
        ledger=workspace.ledger(),
        work=work,
    )


def _forms(
    workspace: Workspace, keys: list[str], expires: str, largest: str, kind: str, work: Work
) -> tuple[Link, ...]:
    from core.aws.limits import SINGLE_PUT_BYTES
    from core.links.make import make_forms
    from core.objects.post_form import UploadLimits

    return make_forms(
        workspace.bucket,
        keys,
        seconds=seconds_of(expires),
        limits=UploadLimits(_bytes_of(largest) if largest else SINGLE_PUT_BYTES, 0, kind),
        key_ends=workspace.key_ends(),
        made_by=workspace.profile.name,
        ledger=workspace.ledger(),
        work=work,
    )


def _checks(
    out: Output, workspace: Workspace, made: Sequence[Link], work: Work
) -> dict[str, LinkCheck]:
    """Test links, and write each with its result at once as a line of JSON with `--json-lines`."""
    from core.links.check import check_link

    checks: dict[str, LinkCheck] = {}
    for one in made:
        checks[one.key] = check_link(one, bucket=workspace.bucket, work=work)
        if out.json_lines:
            out.json_rows(_plain((one,), checks))
    return checks


def _bytes_of(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"{text[:40]!r} is not a size",
            cause="A size is a number of bytes, or a number followed by KB, MB, GB, KiB, MiB or "
            "GiB.",
            remedy="Use for example 20MB.",
        )
    return int(found[1]) * _UNITS[(found[2] or "B").lower()]


def _plain(made: Sequence[Link], checks: dict[str, LinkCheck]) -> list[dict[str, Any]]:
    return [
        {"key": one.key, "method": one.method, "url": one.url.reveal(), "expires": one.expires,
         "expiry_known": one.expiry_known, "limited_by": one.limited_by, "exists": one.exists,
         "warnings": one.warnings, **({"fields": one.form.revealed_fields()} if one.form else {}),
         **({"test": checks[one.key]} if one.key in checks else {})}
        for one in made
    ]  # fmt: skip


def _show(cli: Cli, made: Sequence[Link], output: Format) -> None:
    from core.links import render

    renderers = {
        Format.TEXT: render.as_text, Format.MARKDOWN: render.as_markdown,
        Format.HTML: render.as_html, Format.CSV: render.as_csv,
    }  # fmt: skip
    if output is Format.QR:
        cli.out.lines("\n".join(map(_qr_text, made)))
    else:
        cli.out.lines(renderers[output](made).rstrip("\n"))
    for one in made:
        why = f" ({one.limited_by})" if one.limited_by else ""
        cli.out.note(f"{one.method} {one.key} until {one.expiry_text}{why}")
        for warning in one.warnings:
            cli.out.note(f"Warning: {one.key}: {warning}")


def _qr_text(one: Link) -> str:
    """Return a QR code as half blocks, below the key it belongs to."""
    import io

    from core.links.render import qr_code

    drawn = io.StringIO()
    qr_code(one).terminal(drawn, compact=True)
    return f"{printable(one.key)}\n{drawn.getvalue()}"


def links(
    context: typer.Context,
    all_links: Annotated[
        bool, typer.Option("--all", help="Also list links that have expired.")
    ] = False,
    deny: Annotated[
        str,
        typer.Option(
            "--deny",
            metavar="KEY",
            help="Print statements for the bucket policy that deny the active links to this object.",
        ),
    ] = "",
    deactivate: Annotated[
        str,
        typer.Option(
            "--deactivate-key",
            metavar="ACCESS-KEY-ID",
            help="Deactivate the access key that signed links, which ends all of them.",
        ),
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Deactivate; without this option it is only explained.")
    ] = False,
) -> None:
    """List the links that were created on this machine, without their URLs, or revoke them.

    A single link cannot be revoked. It ends when it expires, when its access key is deactivated,
    when the object is deleted (`rm`), or when the bucket policy denies it. A link to a version works
    until that version is deleted.
    """
    cli: Cli = context.obj
    if deactivate:
        _deactivate(cli, deactivate, yes=yes)
        return
    page = _ledger().read()
    entries = [one for one in page.entries if all_links or one.alive()]
    if deny:
        _deny(cli, deny, entries)
        return
    cli.out.result(entries, lambda: _show_entries(cli, entries))
    if page.broken:
        lines = format_counted(page.broken, "line")
        cli.out.note(f"{lines} of the list of links could not be read.")


def _show_entries(cli: Cli, entries: Sequence[Entry]) -> None:
    rows = [
        (
            f"{one.bucket}/{one.key}" + (f" (version {one.version_id})" if one.version_id else ""),
            one.method,
            format_remaining(one.expires) if one.alive() else "expired",
            iso_utc(one.expires),
            one.made_by,
            one.access_key_id,
        )
        for one in entries
    ]
    cli.out.table(("Object", "Method", "Expires in", "Expires", "Profile", "Signed with"), rows)
    if not entries:
        cli.out.note("There are no active links of this machine.")


def _deny(cli: Cli, key: str, entries: Sequence[Entry]) -> None:
    from core.cli.output import json_text
    from core.errors import NotFound
    from core.links.revocation import deny_statement

    found = {(one.bucket, one.method): one for one in entries if one.key == key}
    if not found:
        raise NotFound(
            f"There is no active link to {key}",
            cause="Only links that were created on this machine are known.",
            remedy="List them with `strongroom links`.",
            subject=key,
        )
    with cli.out.work("Opening") as work:
        region = cli.opener.connection(work).profile.region
    statements = [deny_statement(one, region) for one in found.values()]
    cli.out.result(statements, lambda: cli.out.lines(json_text(statements)))
    cli.out.note(
        "Add the statements to the policy of the bucket. Requests that programs sign with their own "
        "keys stay allowed. Nothing was changed."
    )


def _deactivate(cli: Cli, access_key_id: str, *, yes: bool) -> None:
    from core.links.revocation import deactivate_key, links_of_key

    ledger = _ledger()
    if not yes:
        ending = links_of_key(access_key_id, ledger)
        cli.out.result(ending, lambda: _show_entries(cli, ending))
        cli.out.note(
            f"Nothing was changed. With --yes {access_key_id} is deactivated: these links and every "
            "program that uses the key stop working, until the key is activated again in IAM."
        )
        return
    with cli.out.work("Deactivating") as work:
        workspace = cli.opener.workspace(work)
        done = deactivate_key(workspace.clients, access_key_id, ledger, work=work)
    ended = format_counted(done.ended_links, "active link")
    cli.out.result(
        done, lambda: cli.out.line(f"{access_key_id} of {done.user} is deactivated; {ended} ended.")
    )


def _ledger() -> Ledger:
    from core.links.ledger import Ledger

    return Ledger()
