"""Construction of keys."""

from __future__ import annotations

from datetime import datetime

from core.errors import InvalidInput
from core.layout.key_checks import check_key, check_segment
from core.layout.kinds import Kind, kind
from core.layout.timestamps import key_timestamp


def build(kind_id: str, *, moment: datetime | None = None, **names: str) -> str:
    """Return the key of one object of a kind.

    Args:
        kind_id: an id of `KINDS`.
        moment: the time of the data, now if None; a naive one is taken as UTC.
        names: the names of the kind, for example `symbol` and `timeframe`.

    Raises:
        InvalidInput: a name is missing, empty, `.` or `..`, or contains `/` or a control character,
            or the key would be longer than 1,024 bytes.
    """
    found = kind(kind_id)
    moment, spelled = key_timestamp(moment)
    segments = {name: check_segment(name, names.get(name, "")) for name in found.names}
    _refuse_others(found, names)
    key = found.template.format(
        **segments,
        Y=f"{moment.year:04}",
        M=f"{moment.month:02}",
        D=f"{moment.day:02}",
        H=f"{moment.hour:02}",
        m=f"{moment.minute:02}",
        ts=spelled,
    )
    return check_key(key)


def _refuse_others(found: Kind, names: dict[str, str]) -> None:
    if unknown := sorted(set(names) - set(found.names)):
        raise InvalidInput(
            f"{found.title} have no {', '.join(unknown)}",
            cause=f"They are named by {', '.join(found.names)}.",
            remedy="Omit the other names.",
        )
