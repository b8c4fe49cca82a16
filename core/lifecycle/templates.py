"""Rules that most buckets of this kind want, ready to be merged."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InvalidInput
from core.lifecycle.rules import Rule


@dataclass(frozen=True, slots=True)
class Template:
    """A rule ready to be merged, and what it is for."""

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
        InvalidInput: the days are not positive or not in order, or the prefix is empty.
    """
    if not 0 < ia_days < glacier_days:
        raise InvalidInput(
            "The days of an archive rule must grow",
            cause=f"Standard-IA after {ia_days} and Glacier after {glacier_days} days.",
            remedy="Choose at least 1 day for Standard-IA, and more for Glacier.",
        )
    if not prefix:
        raise InvalidInput(
            "An archive rule needs a prefix",
            cause="Without one it would archive backups and portfolios as well.",
            remedy="Name the folder to archive, for example market-data/.",
        )
    return Rule.of(
        {
            "ID": rule_id,
            "Status": "Enabled",
            "Filter": {"Prefix": prefix},
            "Transitions": [
                {"Days": ia_days, "StorageClass": "STANDARD_IA"},
                {"Days": glacier_days, "StorageClass": "GLACIER"},
            ],
        }
    )


def abort_unfinished(*, days: int = 7) -> Rule:
    """Return the rule that removes unfinished multipart uploads, which are billed but not listed.

    Source: S3 user guide, "Configuring a bucket lifecycle configuration to delete incomplete
    multipart uploads".
    """
    return Rule.of(
        {
            "ID": "AbortUnfinishedUploads",
            "Status": "Enabled",
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
        "Uploads that broke off are billed but never listed: remove them after 7 days.",
        abort_unfinished(),
    ),
    Template("Expire logs", "Delete log files after one year.", expire_logs()),
)
