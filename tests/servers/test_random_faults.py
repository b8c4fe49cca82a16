"""Many random files through a network that damages one exchange of twenty: all arrive identical.

`make soak` transfers 10,000 files, the suite 500.
"""

import hashlib
import os
import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from helpers.fault_proxy import FaultProxy, Rule
from helpers.faults import FAULTS
from helpers.program import Program
from helpers.s3_servers import S3Server, heavy_servers

FILES = int(os.environ.get("RANDOM_FILES") or 500)
SHARE = 0.05
#: Faults of a bad network or an overloaded server. Those that wait for a time-out would take
#: minutes, and the pages of a portal end a transfer at once; both are in `tests/faults`.
KINDS = sorted({*FAULTS} - {
    "stall_before", "stall_middle", "portal_200", "redirect_302", "proxy_407", "wrong_type",
    "range_ignored",
})  # fmt: skip
#: A run may end with failed files when several faults in a row exceed the time for retries.
RUNS = 4


@dataclass
class ByChance(Rule):
    """Strikes a share of all requests, reproducibly."""

    share: float = 0.0
    chance: random.Random = field(default_factory=random.Random)

    def takes(self, request_class: str) -> bool:
        return self.chance.random() < self.share


def rules(seed: int) -> list[ByChance]:
    return [
        ByChance("*", kind, share=SHARE / len(KINDS), chance=random.Random(seed + number))
        for number, kind in enumerate(KINDS)
    ]


def random_files(folder: Path, chance: random.Random) -> dict[str, str]:
    """Write files of 0 B to 9 MB in random folders; return the SHA-256 of each name."""
    hashes = {}
    for number in range(FILES):
        name = f"{chance.choice('abc')}/{chance.randrange(20)}/{number} ü+%.bin"
        size = 9_000_000 if number in (7, 8) else int(chance.paretovariate(0.6) * 50) % 300_000
        data = b"" if number == 3 else chance.randbytes(size)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        hashes[name] = hashlib.sha256(data).hexdigest()
    return hashes


def hashes_below(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def stored_hashes(client, bucket: str, prefix: str) -> dict[str, str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [row["Key"] for page in pages for row in page.get("Contents", ())]
    bodies = ((key, client.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys)
    return {key.removeprefix(prefix): hashlib.sha256(body).hexdigest() for key, body in bodies}


def run_until_complete(program: Program, *arguments: str) -> list[int]:
    """Run a command until its exit code is 0, at most `RUNS` times; return the exit codes."""
    codes: list[int] = []
    while len(codes) < RUNS and 0 not in codes:
        codes.append(program.run(*arguments, seconds=120 + FILES / 10).returncode)
    return codes


@pytest.mark.timeout(240 + FILES)
@pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)
def test_every_file_arrives_identical(s3_server: S3Server, s3_client, s3_bucket, tmp_path, forks):
    source, target = tmp_path / "source", tmp_path / "target"
    expected = random_files(source, random.Random(5))
    struck = 0
    for seed, arguments in (
        (1, ("put", str(source), "in/")),
        (2, ("get", "--recursive", "in/source/", str(target))),
    ):
        with FaultProxy(s3_server, *rules(seed)) as proxy:
            reached = replace(s3_server, endpoint_url=proxy.url)
            codes = run_until_complete(Program(reached, s3_bucket, tmp_path, forks), *arguments)
            struck += len(proxy.struck)
        assert codes[-1] == 0, codes
    assert struck > FILES * SHARE
    assert stored_hashes(s3_client, s3_bucket, "in/source/") == expected
    assert hashes_below(target) == expected
