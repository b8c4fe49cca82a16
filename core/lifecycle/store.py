"""Reading and saving of the lifecycle configuration of a bucket.

`PutBucketLifecycleConfiguration` replaces the complete configuration unconditionally, so a save
reads again, compares, writes, reads back, and retains the former configuration for an undo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.aws.faults import translated
from core.effects import states_effect
from core.errors import Conflict, NotFound, ServiceError
from core.lifecycle.checks import check_rules
from core.lifecycle.rules import Configuration, Rule, difference
from core.lifecycle.sentences import difference_lines
from core.local.state.database import state_database, write_durably
from core.objects.bucket import Bucket
from core.units import iso_utc, utc_now
from core.work import Work, default_work

#: Maximum delay of a read-back in seconds, since bucket configurations are eventually consistent.
READ_BACK_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Saved:
    """A configuration that was saved and read back, and the former one."""

    before: Configuration
    after: Configuration


@dataclass(frozen=True, slots=True)
class FormerRules:
    """The configuration that a bucket had before a save, and when it was replaced."""

    replaced: datetime
    configuration: Configuration


def read(bucket: Bucket, *, work: Work | None = None) -> Configuration:
    """Return the lifecycle configuration of a bucket; empty if there are no rules.

    Raises:
        StorageError: the request was denied (`s3:GetLifecycleConfiguration`) or failed.
    """
    work = default_work(work)
    work.check()
    try:
        with translated("s3:GetBucketLifecycleConfiguration", f"s3://{bucket.name}", work):
            answer = bucket.client.get_bucket_lifecycle_configuration(Bucket=bucket.name)
    except NotFound as error:
        if "NoSuchLifecycleConfiguration" in error.details:
            return Configuration()
        raise
    return _configuration(answer)


@states_effect("saved")
def save(
    bucket: Bucket, seen: Configuration, after: Configuration, *, work: Work | None = None
) -> Saved:
    """Replace the configuration `seen` by `after`, if the bucket still has `seen`.

    Raises:
        InvalidInput: S3 would refuse an added or changed rule; nothing was written.
        Conflict: another client changed the configuration; nothing was written.
        ServiceError: it was written, but the bucket still returns another one after 15 seconds.
        StorageError: a request was denied or failed.
    """
    work = default_work(work)
    diff = difference(seen, after)
    changed = [rule.raw() for rule in (*diff.added, *(rule for _, rule in diff.changed))]
    # Only what is new is checked: rules that are removed or stay the same must not block a save.
    if changed:
        check_rules([rule.raw() for rule in after.rules], changed)
    return _replaced(bucket, seen, after, work)


def _replaced(bucket: Bucket, seen: Configuration, after: Configuration, work: Work) -> Saved:
    before = read(bucket, work=work)
    if not before.same_as(seen):
        raise _edit_conflict(bucket, seen, before)
    # Before the request: a process that is killed after it could no longer store them.
    _store_former(bucket, before)
    _put(bucket, after, work)
    return Saved(before, _read_back(bucket, after, work))


@states_effect("changed")
def undo(bucket: Bucket, saved: Saved, *, work: Work | None = None) -> Saved:
    """Restore the configuration from before `saved`, unless it was changed afterwards.

    Raises:
        Conflict: another client changed the configuration; nothing was written.
    """
    return _replaced(bucket, saved.after, saved.before, default_work(work))


@states_effect("restored")
def restore(
    bucket: Bucket, seen: Configuration, former: Configuration, *, work: Work | None = None
) -> Saved:
    """Replace the configuration `seen` by a former one, if the bucket still has `seen`.

    The rules are not checked: S3 has accepted them before.

    Raises:
        Conflict: another client changed the configuration; nothing was written.
        ServiceError: it was written, but the bucket still returns another one after 15 seconds.
        StorageError: a request was denied or failed.
    """
    return _replaced(bucket, seen, former, default_work(work))


def former_rules(bucket_name: str) -> tuple[FormerRules, ...]:
    """Return the configurations that this machine has replaced in a bucket, newest first.

    Raises:
        LocalIOError: the state database cannot be read.
    """
    rows = state_database().rows(
        "SELECT moment, record FROM former_lifecycle_rules WHERE bucket = ? ORDER BY number DESC",
        (bucket_name,),
    )
    return tuple(
        FormerRules(datetime.fromisoformat(moment), _configuration(json.loads(record)))
        for moment, record in rows
    )


def _put(bucket: Bucket, wanted: Configuration, work: Work) -> None:
    if not wanted.rules:
        # S3 refuses a configuration without rules (MalformedXML); deleting it is the only way to
        # empty it.
        with translated("s3:DeleteBucketLifecycle", f"s3://{bucket.name}", work):
            bucket.client.delete_bucket_lifecycle(Bucket=bucket.name)
        return
    more: dict[str, Any] = {}
    if wanted.minimum_size is not None:  # a write without it would reset S3's default
        more["TransitionDefaultMinimumObjectSize"] = wanted.minimum_size
    with translated("s3:PutBucketLifecycleConfiguration", f"s3://{bucket.name}", work):
        bucket.client.put_bucket_lifecycle_configuration(
            Bucket=bucket.name,
            LifecycleConfiguration={"Rules": [rule.raw() for rule in wanted.rules]},
            **more,
        )


def _read_back(bucket: Bucket, wanted: Configuration, work: Work) -> Configuration:
    for pause in READ_BACK_SECONDS:
        work.token.wait(pause)
        found = read(bucket, work=work)
        # Not `same_as`: a server may return a default minimum size that was not part of the
        # request.
        if wanted.means(found):
            return found
    raise ServiceError(
        "The bucket does not return the new rules yet",
        cause="The rules were accepted, but reading them back still returns other rules.",
        remedy="Read them again in a minute. If they still differ, another client saved at the "
        "same time.",
        subject=f"s3://{bucket.name}",
    )


def _configuration(answer: Mapping[str, Any]) -> Configuration:
    rules = tuple(Rule.of(raw) for raw in answer.get("Rules", ()))
    return Configuration(rules, answer.get("TransitionDefaultMinimumObjectSize"))


def _store_former(bucket: Bucket, before: Configuration) -> None:
    """Store the configuration that is about to be replaced: S3 retains no former one."""
    record = {
        "Rules": [rule.raw() for rule in before.rules],
        "TransitionDefaultMinimumObjectSize": before.minimum_size,
    }
    write_durably(
        state_database(),
        "INSERT INTO former_lifecycle_rules (bucket, moment, record) VALUES (?, ?, ?)",
        (bucket.name, iso_utc(utc_now()), json.dumps(record)),
    )


def _edit_conflict(bucket: Bucket, seen: Configuration, now: Configuration) -> Conflict:
    return Conflict(
        "The lifecycle rules were changed by another client",
        cause="Changes since then: " + " | ".join(difference_lines(difference(seen, now))),
        remedy="Read the new rules and add yours again.",
        effect="Nothing was written.",
        subject=f"s3://{bucket.name}",
    )
