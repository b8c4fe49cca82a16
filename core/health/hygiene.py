"""Hygiene of secrets: age, rotation, and reuse of values.

Values are compared by a keyed hash in memory; the key is random for each run, so the hashes are
useless elsewhere, and they are not stored.
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

#: The tag that stores the limit of a secret in days.
LIMIT_TAG = "strongroom:max-age-days"
DEFAULT_DAYS = 90
#: The maximum limit in days.
MOST_DAYS = 3650
#: Minimum length of compared values; shorter ones are regions, ports or user names.
_SHORTEST = 8
#: Parts of the names of fields that are compared.
_SECRET_NAMES = ("password", "secret", "key", "token", "passphrase", "credential")


@dataclass(frozen=True, slots=True)
class SecretHygiene:
    """Hygiene of a secret; `age` counts from the last change of its value, None if unknown.

    `changed` is when the current version was created, or AWS's last change, which includes tags, if
    the versions cannot be read.

    `overdue` is the time beyond `limit_days`, or zero. `same_as` are other places (`name / field`)
    with a value of this secret. `unseen` is the reason why its values were not compared.
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
        """The time since the value should have been changed; zero for a key of backups."""
        if self.info.is_backup_key:
            return timedelta()
        limit = timedelta(days=self.limit_days)
        return max((self.age or timedelta()) - limit, timedelta())

    @property
    def never_rotated(self) -> bool:
        """Whether the first value is still current, as far as it is known."""
        if self.info.rotated or self.info.is_backup_key:
            return False
        # The first version is created with its secret, within the same minute.
        changed, created = self.changed, self.info.created
        return not changed or not created or changed - created < timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class HygieneReport:
    """All secrets below a prefix, most urgent first, and the time of the inspection (UTC)."""

    rows: tuple[SecretHygiene, ...]
    inspected: datetime


def hygiene_report(
    secrets: SecretsManager,
    prefix: str = SECRET_PREFIX,
    *,
    clock: Callable[[], datetime] = utc_now,
    work: Work | None = None,
) -> HygieneReport:
    """Inspect every secret below a prefix; each value is read once, for the comparison.

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
        except (NotFound, ScheduledForDeletion):  # deleted since it was listed
            continue
        except StorageError as error:
            # An outage would fail for every further secret; a denied secret concerns only itself.
            if error.retryable or not error.action:
                raise
            unseen[info.name] = f"requires {error.action}"
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
    """Store the limit of a secret as a tag; None restores the default.

    Raises:
        InvalidInput: the limit is not between 1 and 3,650 days.
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
    """Return the limit of a secret in days, and whether it comes from a valid tag."""
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
    # None means unknown and not "new": such a secret is never shown as overdue.
    days, own = limit_of(info)
    age = now - changed if changed else None
    return SecretHygiene(info, age, days, own, same_as, unseen, changed)


def _urgency(row: SecretHygiene) -> tuple[bool, timedelta, bool, str]:
    # `False` sorts first: deleted secrets, which can only be restored for some days.
    return (
        not row.info.deleted,
        -row.overdue,
        not row.same_as,
        row.info.name,
    )


def _values(value: SecretValue) -> Iterator[tuple[str, str]]:
    """Yield the fields to compare; a text without fields is one value."""
    if value.binary:
        return
    text = value.text.reveal()
    try:
        rows = secret_text.rows_of(text)
    except InvalidInput:
        yield ("(the complete text)", text)
        return
    for row in rows:
        plain = row.value.reveal()
        name = row.key.casefold()
        # Names of users, hosts and buckets are the same in many secrets, which is no reuse of a
        # password.
        telling = any(word in name for word in _SECRET_NAMES) and not name.endswith("key_id")
        if row.quoted and len(plain) >= _SHORTEST and telling:
            yield (row.key, plain)


def _twice(places: dict[bytes, list[tuple[str, str]]]) -> dict[str, tuple[str, ...]]:
    """Return for each secret the other places that contain one of its values."""
    found: dict[str, list[str]] = defaultdict(list)
    for same in places.values():
        for place in same if len(same) > 1 else ():
            found[place[0]].extend(" / ".join(other) for other in same if other != place)
    return {name: tuple(sorted(set(others))) for name, others in found.items()}
