"""Every valid name of a place in a bucket is understood, and others are refused."""

import pytest

from core.errors import InvalidInput
from core.layout.places import Place, parse_place

KEY = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
POINT = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (KEY, Place(KEY)),
        (f"{KEY}\r\n", Place(KEY)),
        (f"  {KEY} \n", Place(KEY, literal=f"  {KEY} ")),
        ("s3://b/a ", Place("a", "b", literal="a ")),
        (" s3://b/a\n", Place("a", "b")),
        ("arn:aws:s3:::b/a ", Place("a", "b", literal="a ")),
        ("arn:x/y", Place("arn:x/y")),
        ("arn:aws", Place("arn:aws")),
        (f"{POINT}", Place("", POINT, "eu-west-1")),
        (f"{POINT}/object/a/b", Place("a/b", POINT, "eu-west-1")),
        (f"{POINT}/object/a/*", Place("a/", POINT, "eu-west-1", literal="a/*")),
        (f"{POINT.replace('accesspoint/', 'accesspoint:')}", Place("", POINT, "eu-west-1")),
        (f"s3://{POINT}/a/b", Place("a/b", POINT)),
        (f"s3://{POINT}", Place("", POINT)),
        ("market-data/", Place("market-data/")),
        ("market-data", Place("market-data")),
        ("", Place("")),
        ("a?b#c%20d", Place("a?b#c%20d")),
        ("s3://b", Place("", "b")),
        ("s3://b/", Place("", "b")),
        (f"S3://b/{KEY}", Place(KEY, "b")),
        ("s3a://b/x//y/", Place("x//y/", "b")),
        ("s3://b/a%20b?c", Place("a%20b?c", "b")),
        (f"arn:aws:s3:::b/{KEY}", Place(KEY, "b")),
        ("arn:aws-cn:s3:::b", Place("", "b")),
        ("arn:aws:s3:::b/logs/*", Place("logs/", "b", literal="logs/*")),
        (
            (
                "https://s3.console.aws.amazon.com/s3/buckets/b"
                "?region=eu-west-1&prefix=market-data/ohlcv/&showversions=false"
            ),
            Place("market-data/ohlcv/", "b", "eu-west-1"),
        ),
        (
            (
                "https://us-east-1.console.aws.amazon.com/s3/object/b"
                "?region=us-east-1&prefix=logs/2024-01-15T10%3A00%3A00Z+a%2Bb.json"
            ),
            Place("logs/2024-01-15T10:00:00Z a+b.json", "b", "us-east-1"),
        ),
        (
            "https://123456789012-abc.us-east-1.console.aws.amazon.com/s3/buckets/b?tab=objects",
            Place("", "b"),
        ),
        (
            "https://console.aws.amazon.com/s3/home?region=us-east-1#&bucket=b&prefix=logs/",
            Place("logs/", "b", "us-east-1"),
        ),
        (
            "https://console.amazonaws-us-gov.com/s3/buckets/b/object/info?prefix=x",
            Place("x", "b"),
        ),
        (
            "https://s3.console.aws.amazon.com/s3/buckets/b/logs/a%20b/?region=us-east-1&tab=overview",
            Place("logs/a b/", "b", "us-east-1"),
        ),
        ("https://s3.console.aws.amazon.com/s3/object/b/logs/x.json", Place("logs/x.json", "b")),
        ("https://b.s3.eu-west-1.amazonaws.com/a%20b/c", Place("a b/c", "b", "eu-west-1")),
        ("https://my.b.s3.amazonaws.com/c?X-Amz-Signature=0", Place("c", "my.b")),
        ("https://s3.eu-west-1.amazonaws.com/b/a/c", Place("a/c", "b", "eu-west-1")),
    ],
)
def test_every_form_names_its_place(text, place):
    assert parse_place(text) == place


@pytest.mark.parametrize(("key", "folder"), [("", True), ("a/", True), ("a", False)])
def test_only_a_slash_says_that_a_folder_is_meant(key, folder):
    assert Place(key).folder is folder


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "arn:aws:s3:::",
        "arn:aws:secretsmanager:us-east-1:1:secret:x",
        "arn:aws:s3::1:accesspoint/x.mrap",
        "arn:aws:s3::1:accesspoint/x",
        "arn:aws:s3:us-east-1:1:accesspoint/x/y",
        "arn:aws:s3:us-east-1:1:job/x",
        "https://example.com/b/key",
        "https://console.aws.amazon.com/ec2/home",
        "https://s3.console.aws.amazon.com/s3/buckets",
        "https://s3.amazonaws.com/",
        "https://[bad",
    ],
)
def test_what_names_no_bucket_is_refused_with_the_forms(text):
    with pytest.raises(InvalidInput) as refused:
        parse_place(text)
    assert "s3:// URI" in refused.value.remedy


def test_a_refusal_quotes_no_signature():
    with pytest.raises(InvalidInput) as refused:
        parse_place("https://example.com/b/key?X-Amz-Signature=abcdef")
    assert "abcdef" not in str(refused.value) + refused.value.subject
