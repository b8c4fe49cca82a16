"""Time limit and cancellation for credential programs (`credential_process` in AWS's files).

botocore waits for these programs without a limit, and cannot be cancelled there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePath
from time import monotonic
from typing import Any

from botocore.credentials import ProcessProvider
from botocore.exceptions import CredentialRetrievalError
from botocore.session import Session

from core.aws.current_work import current_work
from core.errors import CredentialsMissing

#: Time limit of a credential program in seconds, including its questions to the user.
HELPER_SECONDS = 30.0
_POLL_SECONDS = 0.1
#: Seconds to read the rest of the output of a program that was killed.
_REST_SECONDS = 1.0


def limit_helper_programs(session: Session) -> None:
    """Limit every `credential_process` of a session, including those of source profiles."""
    for provider in session.get_component("credential_provider").providers:
        if isinstance(provider, ProcessProvider):
            _limit(provider)
        builder = getattr(provider, "_profile_provider_builder", None)
        if builder is not None:
            make = builder._create_process_provider  # noqa: SLF001 - botocore has no setter
            builder._create_process_provider = lambda name, make=make: _limit(make(name))  # noqa: SLF001 - as above


def _limit(provider: ProcessProvider) -> ProcessProvider:
    provider._popen = HelperProgram  # noqa: SLF001 - only its constructor takes it
    retrieve = provider._retrieve_credentials_using  # noqa: SLF001 - as above

    def retrieved(command: str) -> dict[str, Any]:
        found: dict[str, Any] = retrieve(command)
        texts = [found[name] for name in ("access_key", "secret_key")]
        texts += [found["token"]] if found.get("token") is not None else []
        if not all(isinstance(text, str) and text for text in texts):
            raise CredentialRetrievalError(
                provider=provider.METHOD, error_msg="its answer contains a key that is not text"
            )
        return found

    provider._retrieve_credentials_using = retrieved  # noqa: SLF001 - as above
    return provider


class HelperProgram:
    """Replacement for `subprocess.Popen` in botocore that ends on a cancel or at the limit."""

    def __init__(self, arguments: Sequence[str], **options: Any) -> None:
        self._name = PurePath(arguments[0]).name if arguments else ""
        # The program is the user's own choice, named in their configuration.
        self._process = subprocess.Popen(arguments, **options)  # noqa: S603 - see above

    @property
    def returncode(self) -> int | None:
        """The exit code, once the program has ended."""
        return self._process.returncode

    def communicate(self) -> tuple[bytes, bytes]:
        """Wait until the program ends, and return its standard output and error output.

        Raises:
            CredentialsMissing: the program exceeded the limit and was stopped.
            Cancelled: the current work was cancelled, and the program was stopped.
        """
        work, deadline = current_work(), monotonic() + HELPER_SECONDS
        while True:
            with suppress(subprocess.TimeoutExpired):
                return self._process.communicate(timeout=_POLL_SECONDS)
            if work.token.cancelled or monotonic() > deadline:
                self._stop()
                work.check()
                raise self._too_slow()

    def _stop(self) -> None:
        """Kill the program and close its pipes, which its child processes may still hold open."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            # With a limit, since a child of the killed program may still hold the pipes open.
            self._process.communicate(timeout=_REST_SECONDS)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _too_slow(self) -> CredentialsMissing:
        return CredentialsMissing(
            f"The program {self._name} returned no keys within {HELPER_SECONDS:.0f} seconds",
            cause="The program is the credential_process of an AWS profile. It was stopped.",
            remedy="Run it in a terminal to see what it waits for: a sign-in, a question, or the "
            "network. Then try again.",
            subject=self._name,
        )
