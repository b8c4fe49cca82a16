"""Notices of a failed backup: a command of the user, or a webhook.

The notice is JSON without secrets. A notice that fails is reported, but does not replace the error
of the backup.
"""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from core.backup.programs import run_program
from core.errors import InvalidInput, StorageError
from core.hints import Hint
from core.redaction import redacted
from core.units import iso_utc, utc_now

COMMAND_SECONDS = 30.0
WEBHOOK_SECONDS = 10.0


def failure_notice(database: str, tables: Sequence[str], error: StorageError) -> bytes:
    """Return the notice of a failed backup as JSON.

    Args:
        database: The address; a password in it is masked.
        tables: The requested tables; empty for all.
        error: The error that ended the backup.
    """
    content: dict[str, Any] = {
        "event": "backup failed",
        "moment": iso_utc(utc_now()),
        "host": platform.node(),
        "database": redacted(database),
        "tables": [redacted(table) for table in tables],
        "kind": error.kind.name.lower(),
        "exit_code": error.kind.value,
        "summary": redacted(error.summary),
        "cause": redacted(error.cause),
        "remedy": redacted(error.remedy),
    }
    # Not the JSON: its escapes hide a secret, and a mask could end in the middle of one.
    return json.dumps(content).encode()


def command_arguments(command: str) -> list[str]:
    """Return the arguments of a command line, which no shell reads.

    Raises:
        InvalidInput: It is empty, or a quotation mark is not closed.
    """
    try:
        arguments = shlex.split(command)
    except ValueError:
        arguments = []
    if not arguments:
        raise InvalidInput(
            "The command for a failure is not valid",
            cause="It is empty, or a quotation mark is not closed.",
            remedy='Enter a program and its arguments, for example: notify-send "Backup failed".',
            hints=Hint.FAILURE_COMMAND,
        )
    return arguments


def checked_webhook(url: str) -> str:
    """Return the address of a webhook.

    Raises:
        InvalidInput: It is not an `http` or `https` URL.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput(
            "The address of the webhook is not a URL",
            remedy="Use for example https://hooks.example.com/backups.",
        )
    return url


def run_command(arguments: Sequence[str], notice: bytes) -> None:
    """Run a command without a shell, with the notice as its standard input.

    Raises:
        LocalIOError: It cannot be started, fails, or takes longer than 30 seconds.
    """
    run_program(arguments, data=notice, seconds=COMMAND_SECONDS)


def post(url: str, notice: bytes) -> None:
    """Send the notice to a webhook.

    Raises:
        LocalIOError: The URL cannot be requested.
        Offline: The server cannot be reached within 10 seconds.
        ServiceError: The server refuses the notice.
    """
    # Its imports take a hundredth of a second, for which each backup would wait.
    from core.backup.webhook import send

    send(checked_webhook(url), notice, WEBHOOK_SECONDS)
