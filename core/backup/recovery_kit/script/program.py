"""The command line of the recovery script."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from core.backup.recovery_kit.script.backups import Backup, Place, chosen, list_backups
from core.backup.recovery_kit.script.encryption import keys_from
from core.backup.recovery_kit.script.failures import (
    INTERRUPTED,
    LOCAL,
    USAGE,
    KitError,
    counted_rows,
)
from core.backup.recovery_kit.script.servers import (
    Files,
    restore_to_mariadb,
    restore_to_postgresql,
)
from core.backup.recovery_kit.script.sqlite_load import restore_to_sqlite
from core.backup.recovery_kit.script.storage import (
    Bucket,
    Cache,
    Folder,
    configured_endpoint,
    environment_keys,
)

#: The version of Strongroom that wrote the kit.
VERSION = "unknown"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code: 0 for success."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except KitError as error:
        sys.stderr.write(f"Error: {error}\n")
        if error.remedy:
            sys.stderr.write(f"{error.remedy}\n")
        return error.code
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(
            f"Error: {place}{error.strerror or error}.\nCheck the path and the disk.\n"
        )
        return LOCAL
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Restore tables from backups that Strongroom wrote, without Strongroom. "
        f"Written by Strongroom {VERSION}. FORMAT.md describes the format of the backups."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, text in (
        ("list", _list, "list the backups"),
        ("check", _check, "read a backup completely and compare every hash"),
        ("restore", _restore, "restore a table as a new table"),
    ):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        _add_place(command)
        if name == "list":
            command.add_argument("table", nargs="?", default="", help="only backups of this table")
        else:
            command.add_argument("table", help="the name of the table, as `list` shows it")
            command.add_argument(
                "--id", default="", help="the backup; by default the newest with all rows"
            )
            command.add_argument(
                "--key-file",
                default="",
                metavar="FILE",
                help="the key of an encrypted backup; by default keys.json beside this script",
            )
        if name == "restore":
            _add_targets(command)
    return parser


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", help="a local copy of the bucket")
    command.add_argument("--bucket", help="the bucket; its keys are those of the variables AWS_…")
    command.add_argument(
        "--endpoint-url",
        default="",
        help="the server, if it is not AWS; default: AWS_ENDPOINT_URL_S3, or AWS_ENDPOINT_URL",
    )
    command.add_argument("--region", default="", help="default: AWS_REGION, or us-east-1")


def _add_targets(command: argparse.ArgumentParser) -> None:
    command.add_argument("--as", dest="name", default="", help="another name for the new table")
    command.add_argument("--sqlite", metavar="FILE", help="a new or existing SQLite file")
    command.add_argument(
        "--output", default=".", help="PostgreSQL, MariaDB: the folder of the written files"
    )
    command.add_argument(
        "--psql",
        metavar="OPTIONS",
        help='run psql, for example --psql="-h db.local -U ada -d shop"',
    )
    command.add_argument(
        "--mariadb", metavar="OPTIONS", help='run mariadb, for example --mariadb="-h db.local shop"'
    )
    command.add_argument(
        "--with-triggers", action="store_true", help="SQLite: also create the triggers (code)"
    )


def _place(options: argparse.Namespace) -> Place:
    if bool(options.folder) == bool(options.bucket):
        raise KitError(USAGE, "Name the place of the backups: either --folder or --bucket.")
    if options.folder:
        return Folder(Path(options.folder).absolute())
    keys = environment_keys()
    region = options.region or keys.get("AWS_REGION") or keys.get("AWS_DEFAULT_REGION")
    endpoint = options.endpoint_url or configured_endpoint(keys)
    bucket = Bucket(options.bucket, endpoint, region or "us-east-1", keys)
    # A restore reads the parts up to three times: to check, to load and to compare them.
    return Cache(bucket)


def _list(options: argparse.Namespace) -> int:
    code = 0
    for backup in list_backups(_place(options)):
        if options.table in ("", backup.table):
            text, problem = _described(backup)
            fields = (backup.time, backup.table, backup.id, text)
            # Names may contain control characters, which a terminal would obey.
            sys.stdout.write("\t".join(_printable(field) for field in fields) + "\n")
            code = problem or code
    return code


def _described(backup: Backup) -> tuple[str, int]:
    if backup.old:
        return "old form, no hash", 0
    try:
        manifest = backup.stored
    except KitError as error:
        return f"broken: {error}", error.code
    source = manifest["source"]
    place = f"{manifest.get('host', '')}:{manifest.get('path') or source.get('database')}"
    text = f"{counted_rows(backup.rows)}, {source.get('engine')} {source.get('version')}, {place}"
    if manifest.get("filter"):
        text += f", only rows where {manifest['filter']}"
    record = manifest.get("encryption")
    if isinstance(record, dict):
        text += f", encrypted with {record.get('key')}"
    return text, 0


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _chosen(options: argparse.Namespace) -> Backup:
    backup = chosen(_place(options), options.table, options.id)
    backup.keys = keys_from(options.key_file, Path(__file__).absolute().parent)
    return backup


def _check(options: argparse.Namespace) -> int:
    backup = _chosen(options)
    backup.check()
    found = "It has no hash." if backup.old else "Every hash matches."
    sys.stdout.write(f"Backup {backup.id} of {backup.table} was read completely. {found}\n")
    return 0


def _restore(options: argparse.Namespace) -> int:
    backup = _chosen(options)
    name = options.name or backup.table
    backup.check()
    engine = "" if backup.old else str(backup.manifest["source"].get("engine"))
    if engine in ("PostgreSQL", "MariaDB"):
        lines = _to_server(backup, engine, name, options)
    elif not options.sqlite:
        raise KitError(
            USAGE, "Name a file with --sqlite: the backup is of SQLite or of the old form."
        )
    else:
        path = Path(options.sqlite)
        count = restore_to_sqlite(backup, path, name, with_triggers=options.with_triggers)
        lines = [f"Restored to {name} in {path}: {counted_rows(count)}."]
    place = "" if backup.old else f", of {backup.source}"
    lines.append(f"It is the backup {backup.id}, taken {backup.time}{place}.")
    for line in lines:
        sys.stdout.write(_printable(line) + "\n")
    return 0


def _to_server(backup: Backup, engine: str, name: str, options: argparse.Namespace) -> list[str]:
    other = options.mariadb if engine == "PostgreSQL" else options.psql
    if options.sqlite or other is not None:
        raise KitError(USAGE, f"The backup is of a {engine} table.")
    with Files(Path(options.output), backup.table) as files:
        if engine == "PostgreSQL":
            return restore_to_postgresql(backup, files, name, options.psql)
        return restore_to_mariadb(backup, files, name, options.mariadb)
