"""Options of `backup` that report a failure to a command or a webhook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import Cancelled, StorageError
from core.work import unexpected_error

if TYPE_CHECKING:
    from core.cli.common import Cli, Opener
    from core.cli.output import Output
    from core.model.selection import Selection

OnFailure = Annotated[
    str,
    typer.Option(
        "--on-failure",
        metavar="COMMAND",
        help="A command to run after a failure, without a shell, with the notice as its standard "
        "input and without the secrets in the environment.",
    ),
]
FailureWebhook = Annotated[
    str,
    typer.Option(
        "--failure-webhook",
        metavar="URL",
        envvar="STRONGROOM_FAILURE_WEBHOOK",
        show_envvar=True,
        help="An http or https URL to which the notice of a failure is sent by POST.",
    ),
]


@dataclass(frozen=True, slots=True)
class FailureNotices:
    """The command and the webhook for the failure of one backup; both may be empty."""

    out: Output
    command: tuple[str, ...]
    webhook: str
    database: str
    selection: Selection
    opener: Opener

    @classmethod
    def of(
        cls, cli: Cli, command: str, webhook: str, database: str, selection: Selection
    ) -> FailureNotices:
        """Create it from the options, or from the stored schedule of the same backup.

        A scheduled command does not contain the webhook, since its URL is often a secret and other
        programs can read commands.

        Raises:
            InvalidInput: The command or the URL is not valid. They are checked before the backup,
                since a failure would otherwise not be reported.
        """
        if not command and not webhook:
            command, webhook = _scheduled_notices(database, selection)
        arguments: tuple[str, ...] = ()
        if command or webhook:
            from core.backup.failure_notice import checked_webhook, command_arguments

            arguments = tuple(command_arguments(command)) if command else ()
            webhook = checked_webhook(webhook) if webhook else ""
        return cls(cli.out, arguments, webhook, database, selection, cli.opener)

    @contextmanager
    def sent_on_failure(self) -> Iterator[None]:
        """Send the notices if the block fails; a cancel by the user is not a failure."""
        try:
            yield
        except Cancelled:
            raise
        except StorageError as error:
            self.send(error)
            raise
        except Exception as error:
            # A bug in Strongroom also means that there is no backup.
            self.send(unexpected_error(error, "Strongroom"))
            raise

    def send(self, error: StorageError) -> None:
        """Record the failure and send the notices; one that fails is only reported."""
        from core.backup.failure_notice import failure_notice, post, run_command
        from core.backup.runs import record_failure

        record_failure(self.database, self.selection, error, self._place())
        if not self.command and not self.webhook:
            return
        notice = failure_notice(self.database, self.selection.tables or (), error)
        if self.command:
            with self._reported(error):
                run_command(self.command, notice)
        if self.webhook:
            with self._reported(error):
                post(self.webhook, notice)

    def _place(self) -> str:
        """Return the bucket of the backup; empty if it cannot be determined."""
        from core.backup.store import place_of

        try:
            profile = self.opener.profile()
        except Exception:  # noqa: BLE001 - what prevented the backup must not prevent the notices
            return ""
        return place_of(profile) if profile else ""

    @contextmanager
    def _reported(self, error: StorageError) -> Iterator[None]:
        try:
            yield
        except StorageError as problem:
            text = f"The failure could not be reported: {problem.reason.rstrip('.')}."
            if self.out.as_json:  # standard error is one document: that of the error
                error.cause = f"{error.cause} {text}".lstrip()
            self.out.note(text)


def _scheduled_notices(database: str, selection: Selection) -> tuple[str, str]:
    """Return the command and the webhook of the stored schedule; empty if there is none."""
    from core.backup.run_names import is_scheduled
    from core.backup.runs import run_name

    try:
        name = run_name(database, selection)
        if not is_scheduled(name):
            return "", ""
        from core.backup.schedules import schedules

        found = schedules().get(name)
    except StorageError:  # the backup itself reports an address that is not valid
        return "", ""
    return (found.on_failure, found.webhook) if found is not None else ("", "")
