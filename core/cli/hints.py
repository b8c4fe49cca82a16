"""The options and commands that carry out what the remedy of an error proposes."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping

from core.errors import StorageError
from core.hints import Hint

#: An option of the command that failed, or another command, for each proposal. `{value}` is the
#: `hint_value` of the error.
TEXTS: Mapping[Hint, str] = {
    Hint.LIST_BACKUPS: "`strongroom backups {value}`",
    Hint.CHOOSE_BACKUP: "--id ID",
    Hint.CHOOSE_TIME: "--at TIME",
    Hint.ANY_SOURCE: "--from-other-source",
    Hint.SOURCE: "--source NAME",
    Hint.NEW_TABLE_NAME: "--as NAME",
    Hint.ALLOW_ORPHANS: "--allow-orphans",
    Hint.SCRATCH_DATABASE: "--into DATABASE",
    Hint.THAW: "`strongroom backups --thaw {value}`",
    Hint.RESUME: "`strongroom backup --resume`",
    Hint.LIST_UNSENT: "`strongroom backup --resume --dry-run`",
    Hint.DISCARD_UNSENT: "`strongroom backup --resume --discard {value}`",
    Hint.IMPORT_KEY: "`strongroom backup-key import {value}`",
    Hint.CREATE_KEY: "`strongroom backup-key create {value}`",
    Hint.SHOW_KEY: "`strongroom backup-key show {value} --reveal`",
    Hint.QUERY_BACKUP: "`strongroom query {value} SQL`",
    Hint.FORMAT_CSV: "--format csv",
    Hint.FORMAT_CRON: "--format cron",
    Hint.FORMAT_SYSTEMD: "--format systemd",
    Hint.LIST_SCHEDULES: "`strongroom schedule --list`",
    Hint.FAILURE_COMMAND: "--on-failure COMMAND",
    Hint.RETAIN_DAILY: "--daily 7",
    Hint.STORE_LOGIN: "`strongroom database login URL`",
    Hint.OVERWRITE: "--overwrite",
    Hint.SET_UP: "`strongroom setup`",
    Hint.INPUT_SIZE: "--size BYTES",
    Hint.BINARY_VALUE: "--binary --file PATH",
    Hint.TEXT_VALUE: "--as-text",
    Hint.JSON_VALUE: "--json-value",
    Hint.ALLOW_DELETIONS: "--max-delete {value}",
    Hint.EXCLUDE: "--exclude PATTERN",
    Hint.LIST_OBJECTS: "`strongroom ls`",
    Hint.LIST_KEYS: "`strongroom catalog refresh`",
}
#: Options that every command has.
COMMON_TEXTS: Mapping[Hint, str] = {
    Hint.UNLOCK: "--unlock",
    Hint.REGION: "--region NAME",
    Hint.ENDPOINT: "--endpoint-url URL",
}


def remedy_with_options(error: StorageError, options: Collection[str] | None = None) -> str:
    """Return the remedy of an error with the options and commands that carry it out.

    Args:
        error: the error.
        options: the options of the command that failed; others are not named. None: name all.
    """
    value = shlex.quote(error.hint_value)
    usable = [
        text.replace("{value}", value)
        for hint in error.hints
        if (text := COMMON_TEXTS.get(hint) or _text_of(hint, options))
    ]
    if not usable:
        return error.remedy
    return f"{error.remedy} On the command line: {', '.join(usable)}.".lstrip()


def _text_of(hint: Hint, options: Collection[str] | None) -> str:
    """Return the option or command of a hint; empty for an option that the command does not have."""
    text = TEXTS[hint]
    known = options is None or not text.startswith("--") or text.partition(" ")[0] in options
    return text if known else ""
