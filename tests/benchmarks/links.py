"""Presigned links for many keys, beside boto3 in the same process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from core.aws.clients import ClientFactory
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.objects.bucket import Bucket
from core.objects.link_signer import presign_many
from core.redaction import Secret
from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig

_LINKS = 10_000
_ROUNDS = 3


def figures() -> Iterator[Figure]:
    """Sign 10,000 links for GET; requests are only sent to find the region of the bucket."""
    keys = [f"market_data/BTCUSDT/1m/{number:05d}.json" for number in range(_LINKS)]
    with rig() as endpoint:
        profile = Profile("rig", KeySource.SESSION, endpoint_url=endpoint, bucket="b1m")
        keys_of_rig = AccessKeys("AKIARIG", Secret("rig-secret-0123456789"))
        clients = ClientFactory(Connection(profile, keys_of_rig))
        bucket, client = Bucket(clients, "b1m"), clients.for_bucket("b1m")

        def ours() -> list[str]:
            return [link.url.reveal() for link in presign_many(bucket, keys)]

        def boto3() -> list[str]:
            return [
                client.generate_presigned_url(
                    "get_object", Params={"Bucket": bucket.name, "Key": key}, ExpiresIn=3600
                )
                for key in keys
            ]

        mine, peer = _best(ours), _best(boto3)
        clients.close()
    yield Figure("presign 10,000 links", mine, "s", 10, "boto3", peer)


def _best(sign: Callable[[], list[str]]) -> float:
    """Return the shortest time of some rounds in seconds."""
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        links = sign()
        times.append(time.perf_counter() - began)
        assert len(set(links)) == _LINKS
    return min(times)
