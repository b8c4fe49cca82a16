"""Which rule changes an object, and when."""

from datetime import UTC, datetime

import pytest

from core.lifecycle.forecast import Forecast, ObjectFacts, forecast, undecided
from core.lifecycle.rules import Configuration, Rule

STORED = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
BIG = 1_000_000


def rules(*raws, minimum_size=None):
    made = tuple(
        Rule.of({"ID": f"r{number}", "Status": "Enabled", "Filter": {}, **raw})
        for number, raw in enumerate(raws)
    )
    return Configuration(made, minimum_size)


def moves(*pairs):
    return {"Transitions": [{"Days": days, "StorageClass": name} for days, name in pairs]}


def found(**fields):
    return ObjectFacts("logs/a", **{"size": BIG, "modified": STORED, **fields})


def test_moves_and_the_deletion_are_due_at_the_next_midnight():
    configuration = rules(
        {**moves((90, "GLACIER"), (30, "STANDARD_IA")), "Expiration": {"Days": 365}}
    )
    assert forecast(configuration, found()) == (
        Forecast("r0", datetime(2024, 2, 15, tzinfo=UTC), "STANDARD_IA"),
        Forecast("r0", datetime(2024, 4, 15, tzinfo=UTC), "GLACIER"),
        Forecast("r0", datetime(2025, 1, 15, tzinfo=UTC)),
    )
    assert forecast(configuration, found())[0].text == "moves to Standard-IA"
    assert forecast(configuration, found())[2].text == "is deleted"


def test_nothing_follows_a_deletion_and_no_object_moves_back():
    configuration = rules({"Expiration": {"Days": 10}}, moves((30, "GLACIER")))
    assert [each.storage_class for each in forecast(configuration, found())] == [""]
    configuration = rules(moves((30, "STANDARD_IA"), (90, "DEEP_ARCHIVE")))
    assert [each.storage_class for each in forecast(configuration, found(storage_class="GLACIER"))
            ] == ["DEEP_ARCHIVE"]  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "fields", "applied"),
    [
        ({"Prefix": "logs/"}, {}, True),
        ({"Prefix": "other/"}, {}, False),
        ({"ObjectSizeGreaterThan": BIG}, {}, False),
        ({"And": {"Prefix": "logs/", "ObjectSizeLessThan": BIG + 1}}, {}, True),
        ({"Tag": {"Key": "a", "Value": "1"}}, {"tags": (("a", "1"),)}, True),
        ({"Tag": {"Key": "a", "Value": "1"}}, {"tags": ()}, False),
        ({"And": {"Tags": [{"Key": "a", "Value": "1"}]}}, {"tags": None}, False),
    ],
)
def test_the_filter_of_a_rule(limits, fields, applied):
    configuration = rules({"Filter": limits, "Expiration": {"Days": 1}})
    assert bool(forecast(configuration, found(**fields))) is applied


def test_small_objects_are_not_moved_by_default():
    small = found(size=1000)
    glacier = moves((1, "GLACIER"))
    assert forecast(rules(glacier), small) == ()
    varies = rules(glacier, minimum_size="varies_by_storage_class")
    assert len(forecast(varies, small)) == 1
    limits = {"Filter": {"ObjectSizeGreaterThan": 1}, **glacier}
    assert len(forecast(rules(limits), small)) == 1


def test_disabled_rules_and_dates():
    day = {"Expiration": {"Date": "2030-01-01T00:00:00Z"}}
    assert forecast(rules({**day, "Status": "Disabled"}), found()) == ()
    assert forecast(rules(day), found())[0].when == datetime(2030, 1, 1, tzinfo=UTC)
    assert forecast(rules({"Expiration": {"ExpiredObjectDeleteMarker": True}}), found()) == ()


def test_rules_that_depend_on_unknown_tags_are_named():
    tag = {"Key": "stage", "Value": "raw"}
    configuration = rules(
        {"Filter": {"Tag": tag}, "Expiration": {"Days": 30}},
        {"Filter": {"And": {"Prefix": "logs/", "Tags": [tag]}}, "Expiration": {"Days": 30}},
        {"Filter": {"And": {"Prefix": "other/", "Tags": [tag]}}, "Expiration": {"Days": 30}},
        {"Filter": {"Tag": tag}, "Status": "Disabled", "Expiration": {"Days": 30}},
        {"Filter": {"Tag": tag}, "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
        {"Expiration": {"Days": 30}},
    )
    unknown = found(tags=None)
    assert [each.rule_id for each in forecast(configuration, unknown)] == ["r5"]
    assert undecided(configuration, unknown) == ("r0", "r1")
    assert undecided(configuration, found(tags=())) == ()
