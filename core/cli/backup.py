"""The command `backup`, and its choice of tables and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.backup_keys import EncryptWith
from core.cli.databases import Database
from core.cli.failure_notices import FailureNotices, FailureWebhook, OnFailure
from core.cli.parameters import usage_error
from core.cli.resume import (
    Discard,
    Resume,
    ResumeRequest,
    ResumeYes,
    check_resume_options,
    resume_backups,
)
from core.errors import ErrorKind
from core.units import format_count, format_counted, format_size

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.backup import BackupReport
    from core.model.backup_plan import BackupPlan
    from core.model.selection import Selection


Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[TABLE=]CONDITION",
        help="Back up only the rows that meet this SQL condition. The name of the table is "
        "required unless exactly one table is backed up; repeatable.",
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Of all tables: only those that match, for example 'audit_*'; repeatable.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Of all tables: not those that match; repeatable."),
]


def backup(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    database_url: Database = "",
    tables: Annotated[
        list[str] | None, typer.Argument(help="Tables to back up, all from one snapshot.")
    ] = None,
    all_tables: Annotated[
        bool,
        typer.Option(
            "--all-tables", help="Back up every table; exit code 25 if one has to be skipped."
        ),
    ] = False,
    include: Include = None,
    exclude: Exclude = None,
    where: Where = None,
    note: Annotated[str, typer.Option(help="A note that is shown with the backup.")] = "",
    encrypt_with: EncryptWith = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show which tables and rows would be backed up."),
    ] = False,
    on_failure: OnFailure = "",
    failure_webhook: FailureWebhook = "",
    resume: Resume = False,
    discard: Discard = False,
    yes: ResumeYes = False,
) -> int:
    """Back up tables of a database as compressed parts with hashes, and a manifest.

    A backup with a condition is listed with it, and never replaces the complete table.

    The notice of --on-failure and --failure-webhook is a JSON object with database, tables, error
    and exit code, without secrets. Skipped tables are a failure too.

    If the bucket is out of reach, the rows are read all the same, and stored on this machine for
    seven days. --resume sends them, also after the process was killed.
    """
    from core.backup.run import backup as run_backup
    from core.backup.runs import incomplete
    from core.model.selection import Selection

    cli: Cli = context.obj
    others = any((all_tables, include, exclude, where, note, encrypt_with))
    check_resume_options(resume=resume, discard=discard, yes=yes, others=others)
    if resume:
        ids = tuple(filter(None, (database_url, *(tables or ()))))
        return resume_backups(cli, ResumeRequest(ids, discard, dry_run, yes))
    if not database_url:
        raise usage_error("Name the database and its tables, or use --resume")
    if bool(tables) == all_tables:
        raise usage_error("Name the tables to back up, or give --all-tables")
    if (include or exclude) and not all_tables:
        raise usage_error(
            "--include and --exclude can only be used with --all-tables",
            remedy="Add --all-tables, or omit the patterns.",
        )
    names, conditions = tuple(tables or ()), conditions_of(tables or (), where or ())
    chosen = Selection(names or None, conditions, tuple(include or ()), tuple(exclude or ()))
    if dry_run:
        return _plan(cli, database_url, chosen)
    notices = FailureNotices.of(cli, on_failure, failure_webhook, database_url, chosen)
    with notices.sent_on_failure(), cli.out.work("Backing up") as work:
        workspace = cli.opener.workspace(work)
        report = run_backup(
            workspace, work,
            database=database_url, tables=chosen.tables, note=note, encrypt_with=encrypt_with,
            where=chosen.where, include=chosen.include, exclude=chosen.exclude,
        )  # fmt: skip
    cli.out.result(report, lambda: _show_backups(cli, report))
    if problem := incomplete(report):
        notices.send(problem)
    return ErrorKind.NOT_SUPPORTED.value if report.skipped else 0


def conditions_of(tables: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """Return the conditions by table from the values of `--where`.

    With one table the text is its condition, which may itself begin with a name and `=`.

    Raises:
        InvalidInput: A text names no table, or a table has two conditions.
    """
    if len(tables) == 1 and len(texts) == 1:
        return {tables[0]: texts[0]}
    found: dict[str, str] = {}
    for text in texts:
        table, condition = _split(tables, text)
        if table in found or len(tables) == 1:
            raise usage_error(
                f"--where is given twice for {tables[0] if len(tables) == 1 else table}",
                remedy="Combine the conditions with AND or OR.",
            )
        found[table] = condition
    return found


def _split(tables: Sequence[str], text: str) -> tuple[str, str]:
    # A name may contain an equals sign itself: the longest one that is backed up counts.
    named = (name for name in sorted(tables, key=len, reverse=True) if text.startswith(f"{name}="))
    table = next(named, text.partition("=")[0])
    condition = text[len(table) + 1 :]
    if not table.strip() or not condition.strip():
        raise usage_error(
            f"--where {text} does not name a table",
            remedy="Write it as TABLE=CONDITION, for example \"orders=status = 'open'\".",
        )
    return table, condition


def _plan(cli: Cli, database: str, selection: Selection) -> int:
    from core.backup.filters import plan_backup

    with cli.out.work("Reading tables") as work:
        plan = plan_backup(cli.opener.workspace(work), work, database=database, selection=selection)
    cli.out.result(plan, lambda: _show_plan(cli, plan))
    return ErrorKind.NOT_SUPPORTED.value if plan.skipped else 0


def _show_plan(cli: Cli, plan: BackupPlan) -> None:
    rows = [(table.name, format_count(table.rows), table.filter) for table in plan.tables]
    cli.out.table(("Table", "Rows", "Filter"), rows, numbers=(1,))
    for left in plan.excluded:
        cli.out.line(f"{left.table} is excluded: {left.problem}")
    for left in plan.skipped:
        cli.out.line(f"! {left.table} would be skipped: {left.problem}")
        cli.out.note(left.remedy)
    cli.out.note("Nothing was written. Omit --dry-run to back up these tables.")


def _show_backups(cli: Cli, report: BackupReport) -> None:
    heads = ("Table", "Rows", "Size", "Id", "Checked")
    rows = [
        (o.table, f"{format_counted(o.rows or 0, 'row')}", format_size(o.size), o.id, o.checked)
        for o in report.backups
    ]
    cli.out.table(heads, rows, numbers=(1, 2))
    for made in report.backups:
        if made.filter:
            cli.out.line(f"{made.table} contains only the rows that meet: {made.filter}")
    for left in report.skipped:
        cli.out.line(f"! {left.table} was skipped: {left.problem}")
        cli.out.note(left.remedy)
    for note in report.notes:
        cli.out.note(note)
