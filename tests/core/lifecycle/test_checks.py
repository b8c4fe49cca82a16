"""Lifecycle rules that S3 refuses are refused before the request, and odd ones cause a warning."""

import json

import pytest
from helpers.lifecycle_rules import ACCEPTED, REFUSED, rule
from helpers.moto_bucket import moto_bucket

from core.errors import InvalidInput
from core.lifecycle import side_effects, store
from core.lifecycle.checks import check_prefix, check_rules, problems
from core.lifecycle.rules import Configuration, Rule
from core.lifecycle.templates import TEMPLATES, archive


def _short(value):
    return json.dumps(value)[:80]


@pytest.mark.parametrize("rules", ACCEPTED, ids=_short)
def test_what_s3_takes_passes(rules):
    assert list(problems(rules)) == []


def test_the_templates_are_what_s3_takes():
    check_rules([template.rule.raw() for template in TEMPLATES])


@pytest.mark.parametrize(("rules", "word"), REFUSED, ids=_short)
def test_what_s3_refuses_is_refused_with_the_figure_and_a_remedy(rules, word):
    with pytest.raises(InvalidInput) as caught:
        check_rules(rules)
    error = caught.value
    assert word in f"{error.cause} {error.remedy}"
    assert error.remedy
    if error.subject:
        assert error.subject in error.summary


def test_rules_of_others_are_theirs_to_judge():
    odd = rule(ID="odd", Transitions=[{"Days": 1, "StorageClass": "STANDARD_IA"}])
    check_rules([odd, rule()], [rule()])
    check_rules([rule(Expiration=None, SomethingOf2031={"Level": 3})])
    with pytest.raises(InvalidInput, match="odd"):
        check_rules([odd, rule()])


@pytest.mark.parametrize(
    ("prefix", "meant"),
    [
        ("/market-data/", "market-data/"),
        (" market-data/", "market-data/"),
        ("market-data/\n", "market-data/"),
        ("s3://bucket/market-data/", "market-data/"),
        ("market-data/*", "market-data/"),
        ("market-data//ohlcv/", "market-data/ohlcv/"),
        ("market-data\\ohlcv", "market-data/ohlcv/"),
    ],
)
def test_a_prefix_that_no_key_begins_with_is_refused_and_the_right_one_offered(prefix, meant):
    with pytest.raises(InvalidInput) as caught:
        archive(prefix=prefix)
    assert repr(meant) in caught.value.remedy
    check_prefix(meant)


def test_what_a_rule_reaches_is_said_before_it_is_saved():
    with moto_bucket() as bucket:
        for key in ("market-data/a", "market-data-old/b", "market-data-2/c", "logs/d"):
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"x")

        def said(*rules, before=()):
            present = Configuration(tuple(map(Rule.of, before)))
            after = Configuration((*present.rules, *map(Rule.of, rules)))
            return " | ".join(side_effects.side_effect_warnings(bucket, present, after))

        assert said(archive().raw()) == ""
        siblings = said(archive(prefix="market-data").raw())
        assert "market-data-2/, market-data-old/" in siblings
        assert "market-data/," not in siblings
        assert "no key starts with 'nothing/'" in said(archive(prefix="nothing/").raw())
        assert "slash" in said(rule(Filter={"Prefix": "/logs/"}))
        assert "both delete objects" in said(rule(ID="new"), before=[rule()])
        assert said(rule(ID="new", Status="Disabled"), before=[rule()]) == ""
        assert said(before=[rule(Filter={"Prefix": "/logs/"})]) == ""


def test_a_save_that_s3_would_refuse_writes_nothing():
    with moto_bucket() as bucket:
        wrong = Rule.of(rule(Transitions=[{"Days": 29, "StorageClass": "STANDARD_IA"}]))
        with pytest.raises(InvalidInput, match="30"):
            store.save(bucket, Configuration(), Configuration((wrong,)))
        assert store.read(bucket) == Configuration()
