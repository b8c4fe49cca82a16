"""The program with all commands as Click sees it, built once: that takes as long as many tests."""

from functools import cache

import typer.main
from click import Group

from core.cli.program import program_of


@cache
def complete_program() -> Group:
    """Return the group of all commands; tests must not change it."""
    return typer.main.get_command(program_of())  # type: ignore[return-value] # a program with several commands
