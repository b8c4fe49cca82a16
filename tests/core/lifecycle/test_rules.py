"""Lifecycle rules are read, merged and compared without the loss of unknown parts."""

from datetime import UTC, datetime

import pytest

from core.errors import InvalidInput
from core.lifecycle.rules import Configuration, Rule, difference
from core.lifecycle.sentences import difference_lines, scope, sentence
from core.lifecycle.templates import TEMPLATES, archive

FOREIGN = {
    "ID": "theirs",
    "Status": "Disabled",
    "Filter": {
        "And": {
            "Prefix": "logs/",
            "Tags": [{"Key": "team", "Value": "ops"}],
            "ObjectSizeGreaterThan": 131072,
        }
    },
    "Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
    "SomethingOf2031": {"Level": 3},
}


def test_unknown_parts_survive_and_are_named():
    rule = Rule.of(FOREIGN)
    assert rule.raw()["SomethingOf2031"] == {"Level": 3}
    assert rule.raw()["Expiration"]["Date"].startswith("2030-01-01T00:00:00")
    text = sentence(rule)
    assert text == (
        "Objects below logs/, tagged team=ops, larger than 131.1 KB: delete on 1 Jan 2030; "
        "delete old versions 30 days after they were replaced, except the 2 newest; and "
        "elements that this version does not support (SomethingOf2031), which stay unchanged "
        "(disabled)."
    )


def test_template_reads_as_promised():
    assert sentence(archive()) == (
        "Objects below market-data/: move to Standard-IA after 30 days; "
        "move to Glacier after 90 days."
    )
    assert all(template.rule.rule_id for template in TEMPLATES)


def test_merge_adds_or_replaces_by_id_and_keeps_everything_else():
    before = Configuration((Rule.of(FOREIGN), archive()), "varies_by_storage_class")
    after = before.merged(archive(glacier_days=180))
    assert after.rules[0] == before.rules[0]
    assert len(after.rules) == 2
    assert after.minimum_size == "varies_by_storage_class"
    diff = difference(before, after)
    assert [new.rule_id for _, new in diff.changed] == ["ArchiveOldData"]
    assert not diff.added
    assert not diff.removed
    assert any("180 days" in line for line in difference_lines(diff))


def test_difference_names_added_and_removed():
    before, after = Configuration((archive(),)), Configuration((Rule.of(FOREIGN),))
    diff = difference(before, after)
    assert [rule.rule_id for rule in diff.added] == ["theirs"]
    assert [rule.rule_id for rule in diff.removed] == ["ArchiveOldData"]
    assert difference(before, before).empty
    assert before.without(archive()) == Configuration()


def test_of_rules_without_an_id_one_is_removed_and_named_by_what_it_does():
    """Servers other than S3 store rules without an id."""
    one, two = (
        Rule.of({"Filter": {"Prefix": f"{name}/"}, "Status": "Enabled", "Expiration": {"Days": 5}})
        for name in ("a", "b")
    )
    before = Configuration((one, two, one, archive()))
    after = before.without(one)
    assert after.rules == (two, one, archive())
    diff = difference(before, after)
    assert (diff.added, diff.changed, diff.removed) == ((), (), (one,))
    assert difference_lines(diff) == ("- (no id): Objects below a/: delete after 5 days.",)
    assert difference(after, before).added == (one,)
    assert difference(before, before.merged(archive(glacier_days=180))).removed == ()


def test_order_of_rules_and_fields_does_not_matter():
    one, two = archive(), Rule.of(FOREIGN)
    turned = Rule.of(dict(reversed(FOREIGN.items())))
    assert turned == two
    assert Configuration((one, two)).same_as(Configuration((turned, one)))
    assert not Configuration((one,)).same_as(Configuration((one,), "all_storage_classes_128K"))


@pytest.mark.parametrize(
    "days", [(0, 90), (1, 90), (29, 90), (30, 30), (30, 59), (90, 30), (-1, 5)]
)
def test_archive_days_that_s3_refuses_are_refused_here_with_the_figure(days):
    with pytest.raises(InvalidInput, match=r"at least \d+ days"):
        archive(ia_days=days[0], glacier_days=days[1])
    assert archive(ia_days=30, glacier_days=60)


def test_limits_are_refused_before_sending():
    many = Configuration(tuple(archive(rule_id=f"r{n}") for n in range(1000)))
    assert len(many.merged(archive(rule_id="r5")).rules) == 1000
    with pytest.raises(InvalidInput, match="1000"):
        many.merged(archive(rule_id="one more"))
    for rule_id in ("", "x" * 256):
        with pytest.raises(InvalidInput, match="have 1 to 255"):
            Configuration().merged(Rule.of({**archive().raw(), "ID": rule_id}))
    longest = "ü" * 255  # characters, not bytes
    assert Configuration().merged(archive(rule_id=longest)).find(longest) is not None
    with pytest.raises(InvalidInput, match="prefix"):
        archive(prefix="")


@pytest.mark.parametrize(
    ("raw", "everything", "text"),
    [
        ({"Filter": {"Prefix": ""}}, True, "Objects in the entire bucket"),
        ({"Prefix": ""}, True, "Objects in the entire bucket"),
        ({"Prefix": "a/"}, False, "Objects below a/"),
        ({"Prefix": "a"}, False, "Objects whose keys start with 'a'"),
        ({"Prefix": "/a/"}, False, "Objects whose keys start with '/a/'"),
        (
            {"Filter": {"Tag": {"Key": "k", "Value": "v"}}},
            False,
            "Objects in the entire bucket, tagged k=v",
        ),
        (
            {"Filter": {"ObjectSizeLessThan": 5}},
            False,
            "Objects in the entire bucket, smaller than 5 B",
        ),
    ],
)
def test_scope(raw, everything, text):
    rule = Rule.of({"ID": "x", "Status": "Enabled", **raw})
    assert rule.touches_everything is everything
    assert scope(rule) == text


def test_a_deprecated_prefix_means_the_same_as_a_filter():
    filtered = Rule.of({"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "logs/"}})
    deprecated = Rule.of({"ID": "r", "Status": "Enabled", "Prefix": "logs/"})
    assert filtered != deprecated
    assert filtered.meaning == deprecated.meaning
    of_all = [{"Filter": {"Prefix": ""}}, {"Prefix": ""}, {"Filter": {}}]
    assert len({Rule.of({"ID": "r", **each}).meaning for each in of_all}) == 1
    tagged = Rule.of({"ID": "r", "Filter": {"Tag": {"Key": "k", "Value": "v"}}})
    assert tagged.meaning != Rule.of({"ID": "r", "Prefix": ""}).meaning
