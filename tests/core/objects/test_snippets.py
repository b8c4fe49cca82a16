"""Addresses and code for an object: complete, quoted, and without keys."""

import ast
import shlex

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
