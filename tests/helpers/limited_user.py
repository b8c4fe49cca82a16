"""A user with rights on one prefix of a bucket only, on each of the S3 servers.

It may neither list the buckets nor the bucket itself, as with the policy of a partner or of one
desk: `s3:ListBucket` has the condition `s3:prefix`.
"""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

from helpers.rgw import OTHER_USER
from helpers.s3_servers import S3Server

from core.model.connection import AccessKeys
from core.redaction import Secret


def policy_of(bucket: str, prefix: str, principal: str = "") -> str:
    """Return a policy of a user or, with a principal, of the bucket."""
    arn = f"arn:aws:s3:::{bucket}"
    listing = {
        "Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn,
        "Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}},
    }  # fmt: skip
    objects = {
        "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{arn}/{prefix}*",
    }  # fmt: skip
    statements = [listing, objects]
    if principal:
        statements = [each | {"Principal": {"AWS": principal}} for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def user_of_demo(iam: Any, bucket: str, prefix: str) -> AccessKeys:
    """Create a user of the embedded server with the policy."""
    name = f"prefix-{uuid4().hex[:10]}"
    iam.create_user(UserName=name)
    iam.put_user_policy(
        UserName=name, PolicyName="prefix", PolicyDocument=policy_of(bucket, prefix)
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return AccessKeys(key["AccessKeyId"], Secret(key["SecretAccessKey"]))


def limited(server: S3Server, client: Any, bucket: str, prefix: str) -> S3Server:
    """Return the server with the keys of a user that has rights on one prefix only.

    Args:
        server: the server with its administrator's keys.
        client: a client of the administrator.
        bucket: the bucket.
        prefix: the only keys that the user may list, read and write.
    """
    server.require("users with conditions")
    if server.name == "rgw":
        key, secret, principal = OTHER_USER
        client.put_bucket_policy(Bucket=bucket, Policy=policy_of(bucket, prefix, principal))
        return replace(server, access_key_id=key, secret_access_key=secret)
    keys = user_of_demo(_iam(server), bucket, prefix)
    return replace(
        server, access_key_id=keys.access_key_id, secret_access_key=keys.secret_access_key.reveal()
    )


def _iam(server: S3Server) -> Any:
    import boto3

    session = boto3.session.Session(
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name="us-east-1",
    )
    return session.client("iam", endpoint_url=server.endpoint_url)
