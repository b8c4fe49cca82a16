"""Addresses and code for an object: complete, quoted, and without keys."""

import ast
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.connection import KeySource, Profile
from core.objects.snippets import snippets

AWS = Profile("main", KeySource.AWS_PROFILE, region="eu-west-1", aws_profile="team")
OWN = Profile(
    "own", KeySource.KEYRING, endpoint_url="http://127.0.0.1:9000", access_key_id="AKIAEXAMPLE"
)
keys = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def texts(profile, key):
    return {each.title: each.text for each in snippets(profile, "bkt", key)}


def test_all_forms_of_an_object_on_aws():
    found = texts(AWS, "a b/ü.csv.gz")
    assert found["S3 URI"] == "s3://bkt/a b/ü.csv.gz"
    assert found["ARN"] == "arn:aws:s3:::bkt/a b/ü.csv.gz"
    assert found["URL"] == "https://bkt.s3.eu-west-1.amazonaws.com/a%20b/%C3%BC.csv.gz"
    assert shlex.split(found["AWS command line"])[3:] == [
        "s3://bkt/a b/ü.csv.gz", "ü.csv.gz", "--region", "eu-west-1", "--profile", "team",
    ]  # fmt: skip
    assert "boto3.Session(profile_name='team')" in found["boto3"]
    assert "read_csv_auto('s3://bkt/a b/ü.csv.gz')" in found["DuckDB"]
    assert (
        "pd.read_csv('s3://bkt/a b/ü.csv.gz', storage_options=storage_options)" in found["pandas"]
    )


@pytest.mark.parametrize(
    ("region", "arn", "url"),
    [
        ("cn-north-1", "arn:aws-cn:s3:::bkt/x.csv", "https://bkt.s3.cn-north-1.amazonaws.com.cn/x.csv"),
        ("us-gov-west-1", "arn:aws-us-gov:s3:::bkt/x.csv", "https://bkt.s3.us-gov-west-1.amazonaws.com/x.csv"),
        ("eusc-de-east-1", "arn:aws-eusc:s3:::bkt/x.csv", "https://bkt.s3.eusc-de-east-1.amazonaws.eu/x.csv"),
    ],
)  # fmt: skip
def test_the_partition_of_the_region_is_named(region, arn, url):
    found = texts(replace(AWS, region=region), "x.csv")
    assert (found["ARN"], found["URL"]) == (arn, url)
    assert ("ENDPOINT" in found["DuckDB"]) is not url.endswith(".amazonaws.com/x.csv")


def test_an_access_point_has_its_own_forms():
    point = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports"
    found = {each.title: each.text for each in snippets(AWS, point, "a b.csv")}
    assert found["ARN"] == f"{point}/object/a b.csv"
    host = "reports-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"
    assert found["URL"] == f"https://{host}/a%20b.csv"


def test_another_server_is_named_everywhere():
    found = texts(OWN, "x.parquet")
    assert found["URL"] == "http://127.0.0.1:9000/bkt/x.parquet"
    assert "--endpoint-url http://127.0.0.1:9000" in found["AWS command line"]
    assert "endpoint_url='http://127.0.0.1:9000'" in found["boto3"]
    assert "ENDPOINT '127.0.0.1:9000', URL_STYLE 'path', USE_SSL false" in found["DuckDB"]
    assert "read_parquet" in found["DuckDB"]
    assert "http://127.0.0.1:9000" in found["pandas"]


@pytest.mark.parametrize("profile", [AWS, OWN])
@given(key=keys)
def test_every_key_is_quoted_and_no_form_has_a_key_id(profile, key):
    found = texts(profile, key)
    assert shlex.split(found["AWS command line"])[3] == f"s3://bkt/{key}"
    for name in ("boto3", "pandas"):
        tree = ast.parse(found[name])
        constants = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
        assert {key, f"s3://bkt/{key}"} & constants
    assert "AKIAEXAMPLE" not in "".join(found.values())


def test_duckdb_reads_exactly_this_object():
    assert "'s3://bkt/a[*]b[[]c'" in texts(AWS, "a*b[c")["DuckDB"]
    assert "it''s" in texts(AWS, "it's")["DuckDB"]
    assert "SET " not in texts(AWS, "a*b[c")["DuckDB"]


@pytest.mark.parametrize("key", ["a?b.csv", "a?s3_region=x*[1].csv", "a\\b.csv"])
def test_duckdb_does_not_take_a_part_of_a_key_for_parameters(key):
    lines = texts(OWN, key)["DuckDB"].splitlines()
    assert lines[1] == "SET s3_url_compatibility_mode = true;"
    assert lines[-1] == f"SELECT * FROM read_csv_auto('s3://bkt/{key}');"


@pytest.mark.parametrize("key", ["a/..", "a/.", "a/../"])
def test_no_form_writes_to_a_folder_above(key):
    assert shlex.split(texts(AWS, key)["AWS command line"])[4] == "object"


def test_pandas_gets_the_bytes_of_keys_that_fsspec_reads_as_its_syntax():
    found = texts(AWS, "a::b.csv")["pandas"]
    assert "pd.read_csv(io.BytesIO(body))" in found
    assert "Key='a::b.csv'" in found
    ast.parse(found)
    assert "BytesIO" not in texts(AWS, "x?versionId=1.log")["pandas"]
