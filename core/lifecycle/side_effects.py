"""What changed rules would touch that is hardly meant: asked of the bucket before they are saved."""

from __future__ import annotations

from collections.abc import Iterator

from core.aws.faults import translated
from core.lifecycle.checks import matches_siblings, prefix_warning
from core.lifecycle.rules import Configuration, Rule, difference
from core.objects.bucket import Bucket
from core.work import Work, default_work

#: Siblings that are named; more are counted.
_NAMED = 3


def warnings(
    bucket: Bucket, before: Configuration, after: Configuration, *, work: Work | None = None
) -> tuple[str, ...]:
    """Return what is doubtful in the rules that saving would add or change, in sentences.

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
        yield f"{rule.rule_id}: {prefix!r} is hardly the beginning of a key. {reason}"
    with translated("s3:ListObjectsV2", bucket.subject(prefix), work):
        page = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=prefix, Delimiter="/")
    folders = [each["Prefix"] for each in page.get("CommonPrefixes", ())]
    if not folders and not page.get("Contents"):
        yield f"{rule.rule_id}: no key begins with {prefix!r} at present, so the rule does nothing."
    siblings = [name for name in folders if name != f"{prefix}/"]
    if matches_siblings(prefix) and siblings:
        more = f" and {len(siblings) - _NAMED} more" if len(siblings) > _NAMED else ""
        names = ", ".join(siblings[:_NAMED])
        yield f"{rule.rule_id}: {prefix!r} also matches {names}{more}. End it with a slash?"


def _overlaps(rule: Rule, after: Configuration) -> Iterator[str]:
    """Yield the rules whose objects are (in part) the same and that do the same kind of thing."""
    for other in after.rules:
        if other.rule_id == rule.rule_id or not (rule.enabled and other.enabled):
            continue
        nested = rule.prefix.startswith(other.prefix) or other.prefix.startswith(rule.prefix)
        same = sorted(_KINDS[name] for name in set(rule.raw()) & set(other.raw()) & set(_KINDS))
        if nested and same:
            yield (
                f"{rule.rule_id} and {other.rule_id} both {', '.join(same)} for the same objects: "
                "S3 deletes rather than moves, and takes the earlier day."
            )


_KINDS = {
    "Transitions": "move objects",
    "Expiration": "delete objects",
    "NoncurrentVersionTransitions": "move old versions",
    "NoncurrentVersionExpiration": "delete old versions",
}
