"""Texts of the preview of a restore: figures, and the sentences below them."""

from __future__ import annotations

from core.model.restore import Difference, RestorePreview
from core.units import format_count, format_counted

#: Number of schema differences that are listed; the rest is a number.
MOST_LINES = 8
#: Kinds that are shown elsewhere: foreign keys with their columns, and what the backup lacks, only
#: restores on request, or the user cannot see, with its problem.
_NO_DEPENDANTS = frozenset(("foreign key", "grant", "owner", "property", "routines", "events"))
_RIGHTS = frozenset(("grant", "owner"))


def changes_text(found: Difference) -> str:
    """Return the rows to add, change and remove with signs, for example `+12 ~3 -1`."""
    if not (found.added or found.changed or found.removed):
        return "none"
    return f"+{found.added:,} ~{found.changed:,} \N{MINUS SIGN}{found.removed:,}"


def preview_facts(preview: RestorePreview) -> list[tuple[str, str, str, str]]:
    """Return sign, tone, name and value of the facts of a preview."""
    difference = preview.difference
    rows = [
        ("+", "good", "rows to add", format_count(difference.added)),
        ("~", "warning", "rows to change", format_count(difference.changed)),
        ("\N{MINUS SIGN}", "danger", "rows to remove", format_count(difference.removed)),
        ("", "plain", "schema", _schema(preview)),
    ]
    if preview.incoming:
        pointers = ", ".join(f"{r.table}.{'+'.join(r.columns)}" for r in preview.incoming)
        references = f"{len(preview.incoming)} ({pointers})"
        rows.append(("", "plain", f"foreign keys into {preview.table}", references))
    others = [each for each in preview.dependants if each.kind not in _NO_DEPENDANTS]
    if others:
        names = ", ".join(f"{each.kind} {each.name}" for each in others)
        rows.append(("", "plain", f"depends on {preview.table}", names))
    if preview.triggers:
        names = ", ".join(trigger.name for trigger in preview.triggers)
        rows.append(("", "plain", "triggers of the backup", names))
    for table, count in preview.orphans:
        rows.append(("!", "danger", "dangling rows", f"{format_count(count)} of {table}"))
    if preview.exists and not difference.by_key:
        rows.append(("", "muted", "compared", "as complete rows, without a key"))
    return rows


def engine_facts(preview: RestorePreview, target: str) -> list[tuple[str, str, str, str]]:
    """Return the engine of the backup, and that of the database if it is another one."""
    engine = preview.backup.origin.engine
    if not engine:
        return []  # the old form does not record it
    if target in ("", engine):
        return [("", "plain", "engine", engine)]
    return [("!", "warning", "engine", f"{engine}, restored to {target}")]


def loss_text(preview: RestorePreview, place: str) -> str:
    """Return what a restore in place changes, for its confirmation."""
    difference = preview.difference
    parts = [
        f"{format_counted(count, 'row')} {verb}"
        for count, verb in (
            (difference.removed, "will be removed"),
            (difference.changed, "will be changed"),
            (difference.added, "will be added"),
        )
        if count
    ]
    loss = ", ".join(parts) if parts else "No row will change"
    broken = "".join(
        f" {format_counted(count, 'row')} of {table} will have dangling foreign keys."
        for table, count in preview.orphans
    )
    today = format_count(preview.rows_today or 0)
    return (
        f"{loss}.{broken} The present table (rows: {today}) is saved under another name until you "
        f"drop it. Database: {place}."
    )


def _schema(preview: RestorePreview) -> str:
    if preview.drift:
        return format_counted(len(preview.drift), "difference")
    if preview.inferred:
        return "inferred from the values"
    return "same" if preview.exists else "of the backup"


def detail_lines(preview: RestorePreview) -> str:
    """Return the sentences below the figures: schema differences, then notes."""
    lines = list(preview.drift[:MOST_LINES])
    if len(preview.drift) > MOST_LINES:
        lines.append(f"… and {format_counted(len(preview.drift) - MOST_LINES, 'more difference')}")
    if preview.inferred and preview.drift:
        lines.append("The column types of this old format are inferred from its values.")
    broken = [each for each in preview.dependants if each.problem]
    texts = [str(each) for each in broken if each.kind not in _RIGHTS]
    if len(texts) < len(broken):
        texts.append(
            "The new table gets its owner and grants from the backup only if this is chosen."
        )
    return "\n".join([*lines, *preview.problems, *texts])
