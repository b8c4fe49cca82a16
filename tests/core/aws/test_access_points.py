"""An access point is opened by its ARN: requests go to its own host in its own region."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from core.aws.clients import ClientFactory
from core.layout.places import parse_place
from core.local.profile_check import profile_problems
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret

POINT = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports"


@pytest.fixture
def profile():
    return Profile("points", KeySource.KEYRING, region="us-east-1", bucket=POINT)


def test_requests_go_to_the_access_point(profile):
    clients = ClientFactory(
        Connection(profile, AccessKeys("AKIAIOSFODNN7EXAMPLE", Secret("x" * 40)))
    )
    place = parse_place(f"{POINT}/object/a/b.json")
    client = clients.for_bucket(place.bucket)
    url = client.generate_presigned_url(
        "get_object", Params={"Bucket": place.bucket, "Key": place.key}
    )
    assert urlsplit(url).hostname == "reports-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"
    assert urlsplit(url).path == "/a/b.json"
    assert clients.followed(place.bucket) == "eu-west-1"


def test_a_profile_may_name_an_access_point(profile):
    assert profile_problems(profile) == {}
    assert "bucket" in profile_problems(replace(profile, bucket=POINT.replace("reports", "")))
