"""How old each secret is, whether it was ever rotated, and which values are used twice.

Values are compared by a keyed hash in memory; the key is random and of this run only, so the
hashes are of no use anywhere else, and nothing of them is stored.
"""

from __future__ import annotations

import hmac
import secrets as randomness
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import InvalidInput, NotFound, ScheduledForDeletion, StorageError
from core.model.connection import SECRET_PREFIX
from core.model.secrets import SecretInfo, SecretValue
from core.secrets import secret_text
from core.storage.aws_secrets_manager import SecretsManager
from core.units import format_counted, utc_now
from core.work import Progress, Work, default_work

#: The tag that keeps a secret's own limit, in days.
LIMIT_TAG = "strongroom:max-age-days"
DEFAULT_DAYS = 90
#: The longest limit that can be set.
MOST_DAYS = 3650
#: Shorter values are no secrets: regions, ports, user names that many share.
_SHORTEST = 8
#: What the names of fields hold that are worth comparing.
_SECRET_NAMES = ("password", "secret", "key", "token", "passphrase", "credential")


@dataclass(frozen=True, slots=True)
class SecretHygiene:
    """One secret. `age` counts from the last change of its value; None where AWS tells none.

    `changed` is when the current version was made. What AWS calls a secret's last change counts
    tags as well: where the value may not be read that has to do.

    `overdue` is how much longer than `limit_days` that is; zero when it is in time. `same_as`
    are places, as `name / field`, that hold a value which this secret holds too. `unseen` says
    why its values were not compared.
    """

    info: SecretInfo
    age: timedelta | None
    limit_days: int
    limit_is_own: bool
    same_as: tuple[str, ...] = ()
    unseen: str = ""
    changed: datetime | None = None

    @property
    def overdue(self) -> timedelta:
        """How long ago the value should have been changed."""
        limit = timedelta(days=self.limit_days)
        return max((self.age or timedelta()) - limit, timedelta())

    @property
    def never_rotated(self) -> bool:
        """Whether its first value is still the current one, as far as AWS tells."""
        if self.info.rotated:
            return False
        changed, created = self.changed, self.info.created
        return not changed or not created or changed - created < timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class HygieneReport:
    """All secrets below a prefix, the most urgent first, and when they were looked at (UTC)."""

    rows: tuple[SecretHygiene, ...]
    inspected: datetime


def hygiene_report(
    secrets: SecretsManager,
    prefix: str = SECRET_PREFIX,
    *,
    clock: Callable[[], datetime] = utc_now,
    work: Work | None = None,
) -> HygieneReport:
    """Look at every secret below a prefix; each value is read once, for the comparison.

    Raises:
        StorageError: the secrets cannot be listed.
    """
    work, now = default_work(work), clock()
    infos = secrets.list_infos(prefix, work=work)
    places: dict[bytes, list[tuple[str, str]]] = defaultdict(list)
    unseen: dict[str, str] = {}
    made: dict[str, datetime | None] = {}
    key = randomness.token_bytes(32)
    for number, info in enumerate(infos):
        work.report(Progress(number, len(infos), "secrets", info.name))
        try:
            value = None if info.deleted else secrets.read(info.name, work=work)
        except (NotFound, ScheduledForDeletion):  # gone since it was listed
            continue
        except StorageError as error:
            if error.retryable or not error.action:
                raise
            unseen[info.name] = f"needs {error.action}"
            continue
        if value is None:
            continue
        made[info.name] = value.created
        for field, text in _values(value):
            digest = hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
            places[digest].append((info.name, field))
    twice = _twice(places)
    rows = [
        _row(
            info,
            now,
            made.get(info.name) or info.updated,
            twice.get(info.name, ()),
            unseen.get(info.name, ""),
        )
        for info in infos
    ]
    return HygieneReport(tuple(sorted(rows, key=_urgency)), now)


def set_limit(
    secrets: SecretsManager, name: str, days: int | None, *, work: Work | None = None
) -> None:
    """Keep a secret's own limit as its tag; None goes back to the default.

    Raises:
        InvalidInput: it is not between 1 and 3,650 days.
        AccessDenied: `secretsmanager:TagResource` or `UntagResource` is missing.
    """
    if days is None:
        secrets.untag(name, LIMIT_TAG, work=work)
        return
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(
            f"A limit of {format_counted(days, 'day')} is not possible",
            remedy=f"Choose 1 to {MOST_DAYS:,} days.",
            subject=name,
        )
    secrets.tag(name, LIMIT_TAG, str(days), work=work)


def limit_of(info: SecretInfo) -> tuple[int, bool]:
    """Return a secret's limit in days, and whether it is its own; a broken tag is ignored."""
    text = dict(info.tags).get(LIMIT_TAG, "")
    if text.isdecimal() and 1 <= int(text) <= MOST_DAYS:
        return int(text), True
    return DEFAULT_DAYS, False


def _row(
    info: SecretInfo,
    now: datetime,
    changed: datetime | None,
    same_as: tuple[str, ...],
    unseen: str,
) -> SecretHygiene:
    days, own = limit_of(info)
    age = now - changed if changed else None
    return SecretHygiene(info, age, days, own, same_as, unseen, changed)


def _urgency(row: SecretHygiene) -> tuple[bool, timedelta, bool, str]:
    return (
        not row.info.deleted,
        -row.overdue,
        not row.same_as,
        row.info.name,
    )


def _values(value: SecretValue) -> Iterator[tuple[str, str]]:
    """Yield the fields that are worth comparing; a text without fields is one."""
    if value.binary:
        return
    text = value.text.reveal()
    try:
        rows = secret_text.rows_of(text)
    except InvalidInput:
        yield ("(the whole text)", text)
        return
    for row in rows:
        plain = row.value.reveal()
        name = row.key.casefold()
        telling = any(word in name for word in _SECRET_NAMES) and not name.endswith("key_id")
        if row.quoted and len(plain) >= _SHORTEST and telling:
            yield (row.key, plain)


def _twice(places: dict[bytes, list[tuple[str, str]]]) -> dict[str, tuple[str, ...]]:
    """Return for each secret the places that hold a value of its own, too."""
    found: dict[str, list[str]] = defaultdict(list)
    for same in places.values():
        for place in same if len(same) > 1 else ():
            found[place[0]].extend(" / ".join(other) for other in same if other != place)
    return {name: tuple(sorted(set(others))) for name, others in found.items()}
