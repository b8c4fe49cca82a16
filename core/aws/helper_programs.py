"""The programs that AWS's files name as sources of keys (`credential_process`), with a time limit.

botocore waits for them without end, and no cancel reaches it there.
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

#: Seconds that a program may take, its questions to the user included.
HELPER_SECONDS = 30.0
_LOOK_SECONDS = 0.1
#: Seconds to read the rest of the output of a program that was killed.
_REST_SECONDS = 1.0


def limit_helper_programs(session: Session) -> None:
    """Give every `credential_process` of a session a time limit, those of source profiles too."""
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
                provider=provider.METHOD, error_msg="its answer holds a key that is no text"
            )
        return found

    provider._retrieve_credentials_using = retrieved  # noqa: SLF001 - as above
    return provider


class HelperProgram:
    """What botocore expects of `subprocess.Popen` here; ends with a cancel or at the limit."""

    def __init__(self, arguments: Sequence[str], **options: Any) -> None:
        self._name = PurePath(arguments[0]).name if arguments else ""
        # The program is the user's own choice, named in their configuration.
        self._process = subprocess.Popen(arguments, **options)  # noqa: S603 - see above

    @property
    def returncode(self) -> int | None:
        """The exit code, once it has ended."""
        return self._process.returncode

    def communicate(self) -> tuple[bytes, bytes]:
        """Wait for the end and return both outputs.

        Raises:
            CredentialsMissing: it did not end in time, and was stopped.
            Cancelled: the current work was cancelled, and it was stopped.
        """
        work, deadline = current_work(), monotonic() + HELPER_SECONDS
        while True:
            with suppress(subprocess.TimeoutExpired):
                return self._process.communicate(timeout=_LOOK_SECONDS)
            if work.token.cancelled or monotonic() > deadline:
                self._stop()
                work.check()
                raise self._too_slow()

    def _stop(self) -> None:
        """Kill it; what it has started may live on and hold the pipes, so they are closed."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=_REST_SECONDS)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _too_slow(self) -> CredentialsMissing:
        return CredentialsMissing(
            f"The program {self._name} gave no keys within {HELPER_SECONDS:.0f} seconds",
            cause="It is the credential_process of an AWS profile. It was stopped.",
            remedy="Run it in a terminal to see what it waits for: a sign-in, a question, or the "
            "network. Then try again.",
            subject=self._name,
        )
