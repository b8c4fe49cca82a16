"""Templates of common lifecycle rules."""

from __future__ import annotations

from dataclasses import dataclass

from core.lifecycle.checks import check_prefix, check_rules
from core.lifecycle.rules import Rule


@dataclass(frozen=True, slots=True)
class Template:
    """A rule for merging, and its purpose."""

    title: str
    purpose: str
    rule: Rule


def archive(
    *,
    prefix: str = "market-data/",
    ia_days: int = 30,
    glacier_days: int = 90,
    rule_id: str = "ArchiveOldData",
) -> Rule:
    """Return the archive rule: Standard-IA after `ia_days`, Glacier after `glacier_days`.

    Raises:
        InvalidInput: S3 refuses the days, or the prefix is empty or cannot match a key.
    """
    check_prefix(prefix)
    rule = {
        "ID": rule_id,
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Transitions": [
            {"Days": ia_days, "StorageClass": "STANDARD_IA"},
            {"Days": glacier_days, "StorageClass": "GLACIER"},
        ],
    }
    check_rules([rule])
    return Rule.of(rule)


def abort_unfinished(*, days: int = 7) -> Rule:
    """Return the rule that removes unfinished multipart uploads, which are billed but not listed.

    Source: S3 user guide, "Configuring a bucket lifecycle configuration to delete incomplete
    multipart uploads".
    """
    return Rule.of(
        {
            "ID": "AbortUnfinishedUploads",
            "Status": "Enabled",
            # An empty prefix is the entire bucket: unfinished uploads are billed under every key.
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
        }
    )


def expire_logs(*, days: int = 365) -> Rule:
    """Return the rule that deletes log files after `days` days."""
    return Rule.of(
        {
            "ID": "ExpireLogs",
            "Status": "Enabled",
            "Filter": {"Prefix": "logs/"},
            "Expiration": {"Days": days},
        }
    )


TEMPLATES: tuple[Template, ...] = (
    Template(
        "Archive market data",
        "Standard-IA after 30 days, Glacier after 90. Small objects may cost more there.",
        archive(),
    ),
    Template(
        "Remove unfinished uploads",
        "Interrupted uploads are billed but not listed; remove them after 7 days.",
        abort_unfinished(),
    ),
    Template("Expire logs", "Delete log files after one year.", expire_logs()),
)
