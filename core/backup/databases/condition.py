"""SQL conditions of operators, which select the rows of a backup."""

from __future__ import annotations


def enclosed(where: str) -> str:
    """Return a checked condition as an operand of AND or WHERE."""
    # The line break ends a comment, which would hide the parentheses and what follows them. There
    # are two, because a text like `a) OR (b` passes the check with one, and AND binds stronger.
    return f"(({where}\n))"


def clause(where: str) -> str:
    """Return a condition as a WHERE clause with a space before it; empty without a condition."""
    return f" WHERE {enclosed(where)}" if where else ""


def checks_of(table: str, where: str) -> tuple[str, str]:
    """Return two queries without rows that are both valid only for one SQL expression.

    A text that closes the parenthesis in order to continue the query (`1=1) UNION SELECT (1`) does
    not fit into both, so that no parser of each engine's quotes and comments is needed.

    Args:
        table: The quoted name of the table.
        where: The condition.
    """
    return (
        f"SELECT 1 FROM {table} WHERE ({where}\n) LIMIT 0",  # noqa: S608 - the name is quoted; see above
        f"SELECT CASE WHEN ({where}\n) THEN 1 END FROM {table} LIMIT 0",  # noqa: S608 - the same
    )
