"""The command `schedule`, which starts backups regularly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.databases import Database
from core.cli.parameters import usage_error
from core.model.schedule import Every, GeneratedFile, Schedule, ScheduleFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.cli.common import Cli, Common


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("schedule")(schedule)


def schedule(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    database_url: Database,
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
    yes: Annotated[bool, typer.Option("--yes", help="With --install: write the units.")] = False,
) -> None:
    """Print a systemd timer, a cron line or a Task Scheduler entry for regular backups.

    It calls `strongroom backup … --json` with the same --profile, --bucket, --region,
    --endpoint-url and --unlock, and contains no password. Nothing is changed without --install
    --yes.
    """
    from core.backup.schedule import checked_schedule, generated_files, unit_folder

    cli: Cli = context.obj
    if install and form is not ScheduleFormat.SYSTEMD:
        raise usage_error("Only --format systemd can be installed")
    if yes and not install:
        raise usage_error("--yes can only be used with --install")
    if cli.common.demo:
        raise usage_error("A schedule cannot use the demo server", "It ends with its command.")
    made = checked_schedule(database_url, tables or (), every, at, _options(cli.common))
    files = generated_files(made, form)
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


def _install(cli: Cli, made: Schedule, files: Sequence[GeneratedFile]) -> None:
    from core.backup.schedule import install_units
    from core.backup.schedules import save_schedule

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
