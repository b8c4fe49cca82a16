"""Reading and saving of the lifecycle configuration of a bucket.

`PutBucketLifecycleConfiguration` replaces the complete configuration unconditionally, so a save
reads again, compares, writes, reads back, and retains the former configuration for an undo.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.aws.faults import translated
from core.effects import states_effect
from core.errors import Conflict, NotFound, ServiceError
from core.lifecycle.checks import check_rules
from core.lifecycle.rules import Configuration, Rule, difference
from core.lifecycle.sentences import difference_lines
from core.local.atomic import write_atomically
from core.objects.bucket import Bucket
from core.paths import data_dir
from core.units import iso_utc, utc_now
from core.work import Work, default_work

#: Maximum delay of a read-back in seconds, since bucket configurations are eventually consistent.
READ_BACK_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Saved:
    """A configuration that was saved and read back; `undo` is the former one."""

    before: Configuration
    after: Configuration
    undo: Path


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
    rules = tuple(Rule.of(raw) for raw in answer.get("Rules", ()))
    return Configuration(rules, answer.get("TransitionDefaultMinimumObjectSize"))


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
    if changed:
        check_rules([rule.raw() for rule in after.rules], changed)
    return _replaced(bucket, seen, after, work)


def _replaced(bucket: Bucket, seen: Configuration, after: Configuration, work: Work) -> Saved:
    before = read(bucket, work=work)
    if not before.same_as(seen):
        raise _edit_conflict(bucket, seen, before)
    undo = _store_backup(bucket, before)
    _put(bucket, after, work)
    return Saved(before, _read_back(bucket, after, work), undo)


@states_effect("changed")
def undo(bucket: Bucket, saved: Saved, *, work: Work | None = None) -> Saved:
    """Restore the configuration from before `saved`, unless it was changed afterwards.

    Raises:
        Conflict: another client changed the configuration; nothing was written.
    """
    return _replaced(bucket, saved.after, saved.before, default_work(work))


def _put(bucket: Bucket, wanted: Configuration, work: Work) -> None:
    if not wanted.rules:
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
        if difference(wanted, found).empty:
            return found
    raise ServiceError(
        "The bucket does not return the new rules yet",
        cause="The rules were accepted, but reading them back still returns other rules.",
        remedy="Read them again in a minute. If they still differ, another client saved at the "
        "same time.",
        subject=f"s3://{bucket.name}",
    )


def _store_backup(bucket: Bucket, before: Configuration) -> Path:
    folder = data_dir() / "lifecycle"
    folder.mkdir(mode=0o700, exist_ok=True)
    stamp = iso_utc(utc_now()).replace(":", "")
    path = folder / f"{bucket.name}-{stamp}.json"
    document = {
        "bucket": bucket.name,
        "saved": iso_utc(utc_now()),
        "Rules": [rule.raw() for rule in before.rules],
        "TransitionDefaultMinimumObjectSize": before.minimum_size,
    }
    write_atomically(path, json.dumps(document, indent=2).encode())
    return path


def _edit_conflict(bucket: Bucket, seen: Configuration, now: Configuration) -> Conflict:
    return Conflict(
        "The lifecycle rules were changed by another client",
        cause="Changes since then: " + " | ".join(difference_lines(difference(seen, now))),
        remedy="Nothing was written. Read the new rules and add yours again.",
        subject=f"s3://{bucket.name}",
    )
