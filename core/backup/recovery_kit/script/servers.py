"""Files for the clients of PostgreSQL and MariaDB, and the clients themselves."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from core.backup.recovery_kit.script.backups import Backup
from core.backup.recovery_kit.script.failures import (
    DATABASE,
    EXISTS,
    NOT_SUPPORTED,
    KitError,
    counted_rows,
    texts,
)
from core.backup.recovery_kit.script.long_rows import lines_of
from core.backup.recovery_kit.script.mariadb import MARIADB_SESSION, MariaDBTable, backquoted
from core.backup.recovery_kit.script.postgresql import SESSION, PostgreSQLTable


class Files:
    """New files for one table in a folder; after a failure those of this run are removed."""

    def __init__(self, folder: Path, table: str) -> None:
        self._stem = re.sub(r"[^A-Za-z0-9_.-]", "_", table).lstrip(".")[:100] or "table"
        self._folder = folder
        self._written: list[Path] = []

    def path(self, ending: str) -> Path:
        """Return the path of the table's file with an ending."""
        return self._folder / f"{self._stem}{ending}"

    def write(self, ending: str, pieces: Iterable[bytes]) -> Path:
        """Write a new file piece by piece.

        Raises:
            KitError: The file exists; it is not overwritten.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self.path(ending)
        try:
            with path.open("xb") as file:
                self._written.append(path)
                file.writelines(pieces)
        except FileExistsError as error:
            raise KitError(
                EXISTS, f"{path} already exists.", "Choose another folder with --output."
            ) from error
        return path

    def __enter__(self) -> Files:
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        # Also if the client fails: the same command, with the right password, writes them again.
        for path in self._written if kind else ():
            path.unlink()


def restore_to_postgresql(backup: Backup, files: Files, name: str, psql: str | None) -> list[str]:
    """Write TABLE.sql and TABLE.csv, and run them with `psql` if its options are given.

    Returns:
        Lines for the operator.

    Raises:
        KitError: The backup is damaged, a file exists, or psql failed.
    """
    table = PostgreSQLTable(backup.manifest["schema"], name)
    before, after = [*SESSION, *table.create()], list(table.complete())
    rows = files.write(".csv", backup.pieces())
    head = _psql_text(before, table, rows, after, backup)
    files.write(".sql", [head.encode()])
    _write_rest(files, table.foreign_keys(), backup.manifest)
    lines = [f"{rows} and {files.path('.sql')} were written."]
    lines += [f"The columns need the extension {one}." for one in table.extensions]
    if psql is None:
        return [*lines, f"Read the SQL, then run it in this folder: psql … -f {files.path('.sql')}"]
    command = [_program("psql"), *shlex.split(psql), "-X", "-q", "-o", "/dev/null"]
    command += ["-v", "ON_ERROR_STOP=1", "--single-transaction"]
    # Statements of -c are sent as they are: psql replaces no variables and obeys no backslash.
    for statement in (*before, _copy(table), *after, _count_check(table, backup)):
        command += ["-c", statement]
    with rows.open("rb") as file:
        _run_client(command, file, "Nothing was created: psql rolled its transaction back.")
    return [*lines, f"Restored to {table.sql} and counted: {counted_rows(backup.rows)}."]


def _copy(table: PostgreSQLTable) -> str:
    return f"COPY {table.sql} ({table.columns}) FROM STDIN WITH (FORMAT csv)"


def _count_check(table: PostgreSQLTable, backup: Backup) -> str:
    """Return a statement that fails, by a division by zero, if rows are missing."""
    return f"SELECT 1 / (count(*) = {backup.rows})::int AS complete FROM {table.sql}"  # noqa: S608 - the name is quoted


def _psql_text(
    before: list[str], table: PostgreSQLTable, rows: Path, after: list[str], backup: Backup
) -> str:
    place = f"{table.sql} ({table.columns})"
    if "\n" in place or "\r" in place:
        copy = "-- A name contains a line break, which \\copy does not support: use --psql."
    else:
        copy = f"\\copy {place} FROM '{rows.name}' WITH (FORMAT csv)"
    lines = [
        "-- Run it with psql in the folder of the CSV file.",
        "\\set ON_ERROR_STOP on",
        "BEGIN;",
    ]
    lines += [f"{statement};" for statement in before]
    lines += [copy, *(f"{statement};" for statement in after)]
    return "\n".join([*lines, f"{_count_check(table, backup)};", "COMMIT;", ""])


def _write_rest(files: Files, foreign_keys: Iterable[str], manifest: dict[str, Any]) -> None:
    """Write the foreign keys, which need the other tables, and the recorded definition to read."""
    keys = [f"{statement};\n".encode() for statement in foreign_keys]
    if keys:
        files.write(".foreign-keys.sql", keys)
    text = "".join((str(manifest.get("ddl", "")), *_rights(manifest["schema"])))
    if text:
        head = "-- As recorded in the manifest, only for reading: it was not checked.\n"
        files.write(".definition.txt", [(head + text).encode()])


def _rights(schema: dict[str, Any]) -> Iterable[str]:
    """Return lines with the owner and the grants, which are not restored."""
    owner, grants = schema.get("owner"), texts(schema.get("grants", []), "grants")
    found = [("Owner", owner)] if owner else []
    found += [("Grant", grant) for grant in grants]
    return [f"-- {title}: {json.dumps(text, ensure_ascii=False)}\n" for title, text in found]


def restore_to_mariadb(backup: Backup, files: Files, name: str, mariadb: str | None) -> list[str]:
    """Write TABLE.sql with all rows, and run it with `mariadb` if its options are given.

    The rows are loaded into a table with a temporary name, which gets its name when it is complete.

    Returns:
        Lines for the operator.

    Raises:
        KitError: The backup is damaged, a file exists, or the client failed.
    """
    table = MariaDBTable(backup.manifest["schema"], name)
    loading = f"restoring_{backup.id}"

    def statements() -> Iterable[bytes]:
        for text in (*MARIADB_SESSION, table.create(loading)):
            yield f"{text};\n".encode()
        yield from table.inserts(lines_of(backup.pieces()), loading)
        yield f"RENAME TABLE {backquoted(loading)} TO {table.sql};\n".encode()

    path = files.write(".sql", statements())
    _write_rest(files, table.foreign_keys(), backup.manifest)
    lines = [f"{path} was written."]
    if mariadb is None:
        return [*lines, f"Read it, then run it: mariadb --binary-mode … < {path}"]
    # Without --binary-mode the client obeys commands in the text, and changes NUL and line ends.
    options = [*shlex.split(mariadb), "--binary-mode", "--batch"]
    with path.open("rb") as file:
        remedy = f"Remove the table {loading} if it exists; no other table was changed."
        _run_client([_program("mariadb", "mysql"), *options], file, remedy)
    return [*lines, f"Restored to {table.sql}: {counted_rows(backup.rows)}."]


def _program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    raise KitError(NOT_SUPPORTED, f"The program {names[0]} is not installed.", "Install it.")


def _run_client(command: list[str], rows: IO[bytes], remedy: str) -> None:
    done = subprocess.run(command, stdin=rows, stderr=subprocess.PIPE, check=False)  # noqa: S603 - a list, no shell
    if done.returncode:
        raise KitError(DATABASE, done.stderr.decode("utf-8", "replace").strip()[-2000:], remedy)
