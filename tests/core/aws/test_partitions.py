"""The partitions are those of botocore."""

import re

import botocore.session
import pytest

from core.aws.partitions import Partition, partition_of, without_partition


def _known():
    loader = botocore.session.Session().get_component("data_loader")
    return loader.load_data("partitions")["partitions"]


@pytest.mark.parametrize("partition", _known(), ids=lambda each: each["id"])
def test_each_region_of_botocore_is_in_its_partition(partition):
    expected = Partition(partition["id"], partition["outputs"]["dnsSuffix"])
    # Some regions stand for services without a region and have other names.
    regions = [name for name in partition["regions"] if re.match(partition["regionRegex"], name)]
    assert regions
    assert {partition_of(region) for region in regions} == {expected}


def test_unknown_regions_are_in_the_partition_of_most():
    assert partition_of("mars-north-1") == partition_of("us-east-1")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws-cn:s3:::b/x", "arn:aws:s3:::b/x"),
        ("arn:aws-eusc:s3:::b", "arn:aws:s3:::b"),
        ("arn:aws:s3:::arn:aws-cn:x", "arn:aws:s3:::arn:aws-cn:x"),
        ("*", "*"),
    ],
)
def test_arns_of_all_partitions_can_be_compared(arn, expected):
    assert without_partition(arn) == expected
