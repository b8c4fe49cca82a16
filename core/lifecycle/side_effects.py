"""Warnings about objects that changed lifecycle rules would match unintentionally."""

from __future__ import annotations

from collections.abc import Iterator

from core.aws.faults import translated
from core.lifecycle.checks import matches_siblings, prefix_warning
from core.lifecycle.rules import Configuration, Rule, difference
from core.lifecycle.sentences import rule_name
from core.objects.bucket import Bucket
from core.work import Work, default_work

#: Maximum number of listed siblings.
_NAMED = 3


def side_effect_warnings(
    bucket: Bucket, before: Configuration, after: Configuration, *, work: Work | None = None
) -> tuple[str, ...]:
    """Return warnings about added and changed rules, as sentences.

    Raises:
        StorageError: the bucket cannot be listed.
    """
    work = default_work(work)
    diff = difference(before, after)
    changed = [*diff.added, *(rule for _, rule in diff.changed)]
    found: list[str] = []
    for rule in changed:
        work.check()
        found += _of_prefix(bucket, rule, work)
        found += _overlaps(rule, after)
    return tuple(found)


def _of_prefix(bucket: Bucket, rule: Rule, work: Work) -> Iterator[str]:
    prefix = rule.prefix
    if not prefix:
        return
    reason = prefix_warning(prefix)
    if reason:
        yield f"{rule.rule_id}: {prefix!r} is unlikely to be the beginning of a key. {reason}"
    # The delimiter limits the answer to one page of folders and objects, whatever the bucket's
    # size.
    with translated("s3:ListObjectsV2", bucket.subject(prefix), work):
        page = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=prefix, Delimiter="/")
    folders = [each["Prefix"] for each in page.get("CommonPrefixes", ())]
    if not folders and not page.get("Contents"):
        yield (
            f"{rule.rule_id}: no key starts with {prefix!r} at present, so the rule has no effect."
        )
    siblings = [name for name in folders if name != f"{prefix}/"]
    if matches_siblings(prefix) and siblings:
        names, more = ", ".join(siblings[:_NAMED]), len(siblings) - _NAMED
        yield (
            f"{rule.rule_id}: {prefix!r} also matches {names} and {more} more. Add a slash at its "
            "end if this is not intended."
            if more > 0
            else f"{rule.rule_id}: {prefix!r} also matches {names}. Add a slash at its end if this "
            "is not intended."
        )


def _overlaps(rule: Rule, after: Configuration) -> Iterator[str]:
    """Yield pairs of rules with overlapping objects and the same kind of action."""
    for other in after.rules:
        if other.rule_id == rule.rule_id or not (rule.enabled and other.enabled):
            continue
        # An empty prefix starts every other prefix: a rule for the entire bucket overlaps with all.
        nested = rule.prefix.startswith(other.prefix) or other.prefix.startswith(rule.prefix)
        same = sorted(_KINDS[name] for name in set(rule.raw()) & set(other.raw()) & set(_KINDS))
        if nested and same:
            yield (
                f"{rule.rule_id} and {rule_name(other)} both {', '.join(same)} for the same objects: "
                "S3 prefers deletions to transitions, and the earlier day."
            )


_KINDS = {
    "Transitions": "move objects",
    "Expiration": "delete objects",
    "NoncurrentVersionTransitions": "move old versions",
    "NoncurrentVersionExpiration": "delete old versions",
}
