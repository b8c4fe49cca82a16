"""Scheduled backups: a systemd timer, a cron line or a Task Scheduler entry for `strongroom backup`.

The result contains no password: the address has none, and the command reads it from the keyring or
from Secrets Manager when it runs.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.backup.databases import origin_of
from core.backup.databases.address import SECRET_PREFIX, parse_address
from core.backup.encryption_keys import check_name
from core.backup.failure_notice import checked_webhook, command_arguments
from core.backup.run_names import name_of
from core.errors import InvalidInput, NotSupported
from core.hints import Hint
from core.model.backup import Origin
from core.model.schedule import Every, GeneratedFile, Schedule, ScheduleFormat
from core.model.selection import Selection
from core.units import format_counted

_ENCRYPT = "--encrypt="
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
#: cron ignores a file of /etc/cron.d with a longer one, and crontab refuses it.
_LONGEST_CRON_COMMAND = 998
_SERVICE = """\
[Unit]
Description={title}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={command}
"""
# Persistent: a time that was missed while the machine was off is caught up at the next start.
_TIMER = """\
[Unit]
Description={title}

[Timer]
OnCalendar={calendar}
Persistent=true

[Install]
WantedBy=timers.target
"""
_TASK = """\
<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{title}</Description>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2026-01-01T{start}:00</StartBoundary>
      <Enabled>true</Enabled>
{interval}
    </CalendarTrigger>
  </Triggers>
  <Settings>
    <StartWhenAvailable>true</StartWhenAvailable>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
  </Settings>
  <Actions>
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""
_BY_DAY = "      <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>"
_INTERVALS = {
    Every.HOUR: "      <Repetition><Interval>PT1H</Interval><Duration>P1D</Duration></Repetition>\n"
    + _BY_DAY,
    Every.DAY: _BY_DAY,
    Every.WEEK: "      <ScheduleByWeek><WeeksInterval>1</WeeksInterval>"
    "<DaysOfWeek><Monday /></DaysOfWeek></ScheduleByWeek>",
}


def checked_schedule(  # noqa: PLR0913 - the values of one schedule
    database: str,
    tables: Sequence[str],
    every: Every,
    at: str,
    options: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Schedule:
    """Return a schedule whose values are valid.

    Args:
        database: A path, a URL without a password, or `secret:NAME`; a path becomes absolute.
        tables: The tables; empty for all.
        every: The interval.
        at: The time as `HH:MM` in the zone of the machine.
        options: Options of every command, for example `--profile=prod`.
        where: SQL conditions by table. They are compared with the database when it is backed up;
            `core.backup.filters.plan_backup` does so without a backup.
        include: Patterns of the tables, such as `audit_*`, instead of their names.
        exclude: Patterns of tables that are not backed up.

    Raises:
        InvalidInput: The address contains a password, the time is not valid, a text is not
            printable, a condition is for a table that is not backed up, or there are names and
            patterns.
    """
    where = where or {}
    if tables and (include or exclude):
        raise InvalidInput(
            "Patterns cannot be combined with names of tables",
            remedy="Name the tables, or back up all tables with patterns.",
        )
    if not _TIME.fullmatch(at):
        raise InvalidInput(
            f"{at!r} is not a time of a day", remedy="Use the form HH:MM, for example 02:00."
        )
    for text in (database, *tables, *options, *where, *where.values(), *include, *exclude):
        if not text or not text.isprintable():
            raise InvalidInput(
                f"{text!r} cannot be part of a scheduled command",
                cause="It is empty, or contains a character that is not printable.",
                remedy="Rename the file or table, or start this backup in another way.",
            )
    _check_conditions(tables, where)
    place, origin = _checked_address(database)
    return Schedule(
        place, tuple(tables), every, at, tuple(options), origin,
        where=tuple(where.items()), include=tuple(include), exclude=tuple(exclude),
    )  # fmt: skip


def _checked_address(database: str) -> tuple[str, Origin]:
    """Return an address without a password, and what is known of the database without it."""
    if database.startswith(SECRET_PREFIX):
        return database, Origin()
    address = parse_address(database)
    if address.password is not None:
        raise InvalidInput(
            "The database URL contains a password",
            cause="Other programs can read a schedule.",
            remedy="Remove it from the URL and store it in the keyring, or use secret:NAME.",
            hints=Hint.STORE_LOGIN,
        )
    # The working folder of a scheduled command is another one.
    place = database if "://" in database else str(Path(database).absolute())
    return place, origin_of(place)


def _check_conditions(tables: Sequence[str], where: Mapping[str, str]) -> None:
    for table in where:
        if tables and table not in tables:
            raise InvalidInput(
                f"The condition for {table} cannot be used",
                cause="The table is not backed up.",
                remedy="Choose the table, or omit its condition.",
                subject=table,
            )
        if not tables and "=" in table:
            raise InvalidInput(
                f"The condition for {table} cannot be part of a scheduled command for all tables",
                cause="The command separates table and condition by the first equals sign.",
                remedy="Name the tables.",
                subject=table,
            )


def checked_hooks(schedule: Schedule) -> None:
    """Check the command and the webhook for a failure, which else would not be reported.

    Raises:
        InvalidInput: One of them is not valid.
    """
    if schedule.on_failure:
        command_arguments(schedule.on_failure)
    if schedule.webhook:
        checked_webhook(schedule.webhook)


def schedule_name(schedule: Schedule) -> str:
    """Return a name for units and tasks, which is also that of its runs."""
    return name_of(schedule.database, selection_of(schedule))


def backup_command(schedule: Schedule) -> tuple[str, ...]:
    """Return the program and the arguments of the scheduled command."""
    tables = schedule.tables or ()
    names = (schedule.database, *tables)
    flags = ["--json"] if tables else ["--json", "--all-tables"]
    flags += [f"--include={pattern}" for pattern in schedule.include]
    flags += [f"--exclude={pattern}" for pattern in schedule.exclude]
    flags += [f"--where={text}" for text in condition_texts(schedule)]
    end = ("--",) if any(name.startswith("-") for name in names) else ()
    return (*_program(), "backup", *schedule.options, *flags, *end, *names)


def selection_of(schedule: Schedule) -> Selection:
    """Return the tables and rows of a schedule."""
    tables = schedule.tables or None
    return Selection(tables, dict(schedule.where), schedule.include, schedule.exclude)


def condition_texts(schedule: Schedule) -> list[str]:
    """Return the values of the option `--where` for a schedule."""
    return where_options(schedule.tables, dict(schedule.where))


def where_options(tables: Sequence[str], where: Mapping[str, str]) -> list[str]:
    """Return the values of the option `--where` for conditions by table; no tables mean all."""
    if len(tables) == 1:  # then the value is the condition alone
        return list(where.values())
    return [f"{table}={condition}" for table, condition in where.items()]


def key_name_of(schedule: Schedule) -> str:
    """Return the name of the key that encrypts the backups; empty if they are not encrypted."""
    names = (each for each in schedule.options if each.startswith(_ENCRYPT))
    return next(names, "").removeprefix(_ENCRYPT)


def with_key(schedule: Schedule, name: str) -> Schedule:
    """Return a schedule whose backups are encrypted with a key; an empty name changes nothing.

    Raises:
        InvalidInput: It is not the name of a key.
    """
    if not name:
        return schedule
    check_name(name)
    others = (each for each in schedule.options if not each.startswith(_ENCRYPT))
    return replace(schedule, options=(*others, f"{_ENCRYPT}{name}"))


def _program() -> tuple[str, ...]:
    """Return the absolute path of this program: a scheduler searches few folders."""
    beside = Path(sys.executable).with_name("strongroom")
    found = str(beside) if beside.exists() else shutil.which("strongroom")
    return (found,) if found else (sys.executable, "-m", "core")


def generated_files(schedule: Schedule, form: ScheduleFormat) -> tuple[GeneratedFile, ...]:
    """Return the files for a scheduler.

    Raises:
        NotSupported: The command cannot be written in this format.
    """
    name = schedule_name(schedule)
    match form:
        case ScheduleFormat.SYSTEMD:
            return _systemd(schedule, name)
        case ScheduleFormat.CRON:
            return (GeneratedFile("crontab", _cron_line(schedule)),)
        case ScheduleFormat.TASK_SCHEDULER:
            return (GeneratedFile(f"{name}.xml", _task(schedule)),)


def _title(schedule: Schedule) -> str:
    some = "some rows of " if schedule.where else ""
    return f"Strongroom: back up {some}{schedule.scope} of {schedule.database}"


def _systemd(schedule: Schedule, name: str) -> tuple[GeneratedFile, GeneratedFile]:
    hour, minute = schedule.at.split(":")
    calendar = {
        Every.HOUR: f"*-*-* *:{minute}:00",
        Every.DAY: f"*-*-* {hour}:{minute}:00",
        Every.WEEK: f"Mon *-*-* {hour}:{minute}:00",
    }[schedule.every]
    title = _title(schedule).replace("%", "%%")
    if title.endswith("\\"):  # it would join the next line to this one
        title += "."
    program, *arguments = backup_command(schedule)
    # systemd replaces no variables in the path of the program.
    command = " ".join(
        (systemd_quoted(program).replace("$$", "$"), *map(systemd_quoted, arguments))
    )
    return (
        GeneratedFile(f"{name}.service", _SERVICE.format(title=title, command=command)),
        GeneratedFile(f"{name}.timer", _TIMER.format(title=title, calendar=calendar)),
    )


def systemd_quoted(text: str) -> str:
    """Return an argument of `ExecStart=`, in which `%` and `$` have a meaning even in quotes."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{quoted}"'


def _cron_line(schedule: Schedule) -> str:
    hour, minute = (int(part) for part in schedule.at.split(":"))
    when = {
        Every.HOUR: f"{minute} * * * *",
        Every.DAY: f"{minute} {hour} * * *",
        Every.WEEK: f"{minute} {hour} * * 1",
    }[schedule.every]
    # cron replaces `%` by a line break, also in quotes, and removes the backslash before it.
    command = shlex.join(backup_command(schedule)).replace("%", r"\%")
    if "\\\\%" in command:
        raise NotSupported(
            "The command cannot be written as a cron line",
            cause="It contains a backslash followed by a percent sign.",
            remedy="Use a timer of systemd.",
            hints=Hint.FORMAT_SYSTEMD,
        )
    if len(command.encode()) > _LONGEST_CRON_COMMAND:
        raise NotSupported(
            "The command cannot be written as a cron line",
            cause=f"It has {format_counted(len(command.encode()), 'byte')}, and cron reads at most "
            f"{_LONGEST_CRON_COMMAND}.",
            remedy="Use a timer of systemd, or back up all tables, or those that match a pattern.",
            hints=Hint.FORMAT_SYSTEMD,
        )
    return f"{when} {command}\n"


def _task(schedule: Schedule) -> str:
    from xml.sax.saxutils import escape  # with HTTP clients of the standard library

    program, *arguments = backup_command(schedule)
    if any("%" in each for each in (program, *arguments)):
        raise NotSupported(
            "The command cannot be written as a Task Scheduler entry",
            cause="It contains a percent sign, with which Windows marks variables.",
            remedy="Use secret:NAME for the address, or rename the file or table.",
        )
    start = f"00:{schedule.at[3:]}" if schedule.every is Every.HOUR else schedule.at
    return _TASK.format(
        title=escape(_title(schedule)),
        start=start,
        interval=_INTERVALS[schedule.every],
        program=escape(program),
        arguments=escape(subprocess.list2cmdline(arguments)),
    )
