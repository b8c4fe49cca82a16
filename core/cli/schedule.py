"""The command `schedule`, which starts backups regularly, and lists and removes schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.backup import Exclude, Include, Where, conditions_of
from core.cli.backup_keys import EncryptWith
from core.cli.databases import Database
from core.cli.failure_notices import FailureWebhook, OnFailure
from core.cli.parameters import usage_error
from core.model.backup_run import BackupRun
from core.model.schedule import Every, GeneratedFile, Schedule, ScheduleFormat
from core.units import iso_utc, utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.cli.common import Cli, Common


_HEADS = ("Schedule", "Tables", "Database", "Every", "At", "Started by", "Last run", "Next run")


def schedule(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    database_url: Database = "",
    tables: Annotated[
        list[str] | None, typer.Argument(help="Tables to back up; by default all.")
    ] = None,
    every: Annotated[
        Every, typer.Option(help="The interval; a week begins on Monday.")
    ] = Every.DAY,
    at: Annotated[
        str, typer.Option(help="The time in the zone of this machine, as HH:MM.")
    ] = "02:00",
    form: Annotated[
        ScheduleFormat, typer.Option("--format", help="The program that starts the backup.")
    ] = ScheduleFormat.SYSTEMD,
    install: Annotated[
        bool,
        typer.Option(
            "--install", help="Install as systemd units of this user; shown first without --yes."
        ),
    ] = False,
    include: Include = None,
    exclude: Exclude = None,
    where: Where = None,
    encrypt_with: EncryptWith = "",
    on_failure: OnFailure = "",
    failure_webhook: FailureWebhook = "",
    listed: Annotated[
        bool, typer.Option("--list", help="List the schedules of this machine.")
    ] = False,
    remove: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Remove a schedule and its systemd units; shown first without --yes.",
        ),
    ] = "",
    yes: Annotated[
        bool,
        typer.Option("--yes", help="With --install: write the units. With --remove: remove them."),
    ] = False,
) -> None:
    """Print a systemd timer, a cron line or a Task Scheduler entry for regular backups.

    It calls `strongroom backup … --json` with the same --profile, --bucket, --region,
    --endpoint-url and --unlock, and contains no password. Nothing is changed without --yes. With
    --install, --on-failure and --failure-webhook are stored on this machine, where `backup` reads
    them. The schedules of the window are also listed.

    Conditions of --where, and patterns, are checked with the database first.
    """
    from core.backup.schedule import checked_schedule, generated_files, with_key
    from core.backup.systemd_units import unit_folder

    cli: Cli = context.obj
    if listed or remove:
        _manage(cli, database_url, remove, yes=yes)
        return
    _check(cli, database_url, form if install else None, yes=yes, on_failure=on_failure)
    conditions = conditions_of(tables or (), where or ())
    made = checked_schedule(
        database_url, tables or (), every, at, _options(cli.common), conditions,
        include=include or (), exclude=exclude or (),
    )  # fmt: skip
    if made.where or made.include or made.exclude:
        _check_choice(cli, made)
    elif made.tables:
        _note_missing_tables(cli, made)
    _note_missing_profile(cli)
    made = replace(made, on_failure=on_failure, webhook=failure_webhook)
    made = with_key(made, encrypt_with)
    files = generated_files(made, form)
    if install:
        _note_replaced(cli, made)
    if install and yes:
        _install(cli, made, files)
        return
    cli.out.result(files, lambda: _show(cli, files))
    if install:
        cli.out.note(f"Nothing was installed. Add --yes to write this to {unit_folder()}.")
    elif not cli.common.profile:
        cli.out.note(
            "Without --profile the command uses the current profile, or the AWS_* variables of "
            "the scheduler, which usually has none."
        )


def _check(
    cli: Cli, database: str, installed: ScheduleFormat | None, *, yes: bool, on_failure: str
) -> None:
    """Refuse options that contradict each other; `installed` is the format with --install."""
    if not database:
        raise usage_error("Name the database, or use --list or --remove")
    if installed not in {None, ScheduleFormat.SYSTEMD}:
        raise usage_error("Only --format systemd can be installed")
    if yes and installed is None:
        raise usage_error("--yes can only be used with --install or --remove")
    if on_failure and installed is None:
        raise usage_error("--on-failure can only be used with --install")
    if cli.common.demo:
        raise usage_error("A schedule cannot use the demo server", "It ends with its command.")


def _check_choice(cli: Cli, made: Schedule) -> None:
    """Let the database match the patterns and evaluate the conditions, without a backup.

    Raises:
        InvalidInput: A condition is not valid, or a pattern matches no table.
    """
    from core.backup.filters import plan_backup
    from core.backup.schedule import selection_of

    chosen = selection_of(made)
    with cli.out.work("Checking the choice of tables") as work:
        workspace = cli.opener.workspace(work)
        plan_backup(workspace, work, database=made.database, selection=chosen, exact=False)


def _note_missing_tables(cli: Cli, made: Schedule) -> None:
    """Note which tables do not exist now, or that the database could not be asked."""
    from core.backup.databases import is_missing, open_database
    from core.backup.databases.address import SECRET_PREFIX, resolve_address
    from core.errors import StorageError

    try:
        with cli.out.work("Checking the tables") as work:
            named = made.database.startswith(SECRET_PREFIX)
            secrets = cli.opener.workspace(work).secrets if named else None
            address = resolve_address(made.database, secrets, work)
            if is_missing(address):
                cli.out.note(f"! The database {made.database} does not exist now.")
                return
            with open_database(address, work=work) as database:
                missing = [table for table in made.tables if not database.exists(table)]
    except StorageError as error:
        cli.out.note(f"! The tables were not checked: {error.reason}")
        return
    for table in missing:
        cli.out.note(
            f"! There is no table {table} now: the backup of all tables of the schedule fails until "
            "it exists."
        )


def _note_missing_profile(cli: Cli) -> None:
    """Note that the profile does not exist now; the schedule may be for another machine."""
    from core.errors import NotFound
    from core.local.connections import Connections

    name = cli.common.profile
    try:
        if name:
            Connections().profiles.get(name)
    except NotFound:
        cli.out.note(f"! There is no profile {name} now: each backup fails until it exists.")


def _note_replaced(cli: Cli, made: Schedule) -> None:
    """Note the schedule that an installation replaces: that of the same database and tables."""
    from core.backup.schedule import schedule_name
    from core.backup.schedules import schedules

    former = schedules().get(schedule_name(made))
    if former is not None and former.timing != made.timing:
        cli.out.note(f"! It replaces the schedule of {former.title}: {former.timing}.")


def _manage(cli: Cli, database: str, remove: str, *, yes: bool) -> None:
    """List the schedules, or remove one."""
    from core.backup.runs import last_runs
    from core.backup.schedules import schedules, stored_schedule

    if database:
        raise usage_error("--list and --remove need no database")
    if not remove:
        found, runs = schedules(), last_runs()
        rows = [_row(name, each, runs.get(name)) for name, each in found.items()]
        cli.out.result(_described(found, runs), lambda: cli.out.table(_HEADS, rows))
        return
    schedule = stored_schedule(remove)
    if not yes:
        cli.out.line(f"{remove} would be removed: {schedule.title}")
        cli.out.note("Nothing was changed. Add --yes to do it.")
        return
    _remove(cli, remove, schedule)


def _remove(cli: Cli, name: str, schedule: Schedule) -> None:
    from core.backup.schedules import remove_schedule
    from core.backup.systemd_units import remove_units

    # The units first: a schedule that is still listed can be removed again after a failure.
    paths = remove_units(name) if schedule.starter is ScheduleFormat.SYSTEMD else ()
    remove_schedule(name)
    lines = [f"Removed: {name}", *(f"Removed: {path}" for path in paths)]
    cli.out.result({"removed": name, "units": paths}, lambda: cli.out.lines("\n".join(lines)))
    if schedule.starter in {ScheduleFormat.CRON, ScheduleFormat.TASK_SCHEDULER}:
        cli.out.note(f"Also remove its entry from {_STARTERS[schedule.starter]}.")


_STARTERS = {
    None: "the window",
    ScheduleFormat.SYSTEMD: "systemd",
    ScheduleFormat.CRON: "cron",
    ScheduleFormat.TASK_SCHEDULER: "the Task Scheduler",
}


def _row(name: str, schedule: Schedule, run: BackupRun | None) -> tuple[str, ...]:
    from core.backup.timetable import next_time

    tables = schedule.scope
    if schedule.where:
        conditions = "; ".join(f"{table}: {condition}" for table, condition in schedule.where)
        tables = f"{tables} (only rows where {conditions})"
    following = "paused" if schedule.paused else iso_utc(next_time(schedule, utc_now()))
    return (
        name, tables, schedule.database, schedule.every.value, schedule.at,
        _STARTERS[schedule.starter], _result(run), following,
    )  # fmt: skip


def _result(run: BackupRun | None) -> str:
    if run is None:
        return "never"
    if run.running:
        return "running"
    state = "failed" if run.failed else "stopped" if run.cancelled else "done"
    return f"{state} {iso_utc(run.started.replace(microsecond=0))}"


def _described(
    found: Mapping[str, Schedule], runs: Mapping[str, BackupRun]
) -> list[dict[str, object]]:
    """Return the list for `--json`, without the webhook, whose URL is often a secret."""
    return [
        {
            "name": name,
            "database": each.database,
            "tables": each.tables,
            "every": each.every.value,
            "at": each.at,
            "options": each.options,
            "where": dict(each.where),
            "include": each.include,
            "exclude": each.exclude,
            "started_by": each.starter.value if each.starter else "window",
            "paused": each.paused,
            "last_run": runs.get(name),
        }
        for name, each in found.items()
    ]


def _install(cli: Cli, made: Schedule, files: Sequence[GeneratedFile]) -> None:
    from core.backup.schedule import checked_hooks
    from core.backup.schedules import save_schedule
    from core.backup.systemd_units import install_units

    checked_hooks(made)
    paths = install_units(files)
    save_schedule(made)
    lines = "\n".join(f"Installed: {path}" for path in paths)
    cli.out.result({"installed": paths}, lambda: cli.out.lines(lines))


def _show(cli: Cli, files: Sequence[GeneratedFile]) -> None:
    for number, file in enumerate(files):
        if number:
            cli.out.line("")
        if file.name != "crontab":
            cli.out.note(f"# {file.name}")
        cli.out.lines(file.text.rstrip("\n"))


def _options(common: Common) -> list[str]:
    """Return the common options of this command, which the scheduled one has too."""
    values = (
        ("--profile", common.profile),
        ("--endpoint-url", common.endpoint_url),
        ("--bucket", common.bucket),
        ("--region", common.region),
    )
    options = [f"{name}={value}" for name, value in values if value]
    return [*options, "--unlock"] if common.unlock else options
