"""Prompt for an MFA code on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.aws.sign_in import MfaQuestion


def asker(ask: Callable[[str], str]) -> Callable[[MfaQuestion], str]:
    """Return a function that prompts for the code with `ask`; it fails without a terminal."""

    def answer(question: MfaQuestion) -> str:
        from core.aws.sign_in import no_code

        if not sys.stdin.isatty():
            error = no_code(question)
            error.remedy = "Run the command in a terminal, where the code can be entered."
            raise error
        code = ask(f"MFA code of {question.device} for {question.section}: ").strip()
        if not code:
            raise no_code(question)
        return code

    return answer
