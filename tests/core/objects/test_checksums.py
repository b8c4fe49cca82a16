"""Checksums are calculated as specified, and a hash of the server is compared only if valid."""

import base64
import hashlib
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.objects import Verdict
from core.objects import crc
from core.objects.checksums import (
    NOTHING,
    Digests,
    Expected,
    composite,
    digest_of,
    expected_hashes,
)
from core.objects.sending import Hashes, confirmed

#: Algorithm -> the check value of its definition, for b"123456789".
CHECK_VALUES = {
    "crc32": "cbf43926",
    "crc32c": "e3069283",
    "crc64nvme": "ae8b14860a799888",
    "md5": "25f9e794323b453885f5181f1b624d0b",
    "sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "sha256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
}


@pytest.mark.parametrize("algorithm", CHECK_VALUES)
def test_each_algorithm_has_the_check_value_of_its_definition(algorithm):
    assert digest_of(algorithm, b"123456789").hex() == CHECK_VALUES[algorithm]


@given(data=st.binary(max_size=300), repeats=st.integers(1, 200), before=st.binary(max_size=40))
def test_crc32_is_that_of_zlib(data, repeats, before):
    expected = zlib.crc32(before + data * repeats)
    assert crc.crc32(memoryview(bytearray(data * repeats)), crc.crc32(before)) == expected


@pytest.mark.parametrize(("byte", "value"), [(b"\0", 0x8A9136AA), (b"\xff", 0x62A8AB43)])
def test_crc32c_is_that_of_rfc_3720(byte, value):
    assert crc.crc32c(byte * 12, crc.crc32c(byte * 20)) == value


def test_only_hashes_that_are_computed_in_python_are_not_used_for_large_objects():
    slow = {name for name in CHECK_VALUES if Expected(Verdict.CRC, name).is_slow(1 << 30)}
    assert slow == {"crc64nvme"}
    assert not Expected(Verdict.CRC, "crc64nvme").is_slow(1 << 20)


def with_data(digests, data, cuts):
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        digests.update(data[start:end])
    return digests


@given(
    data=st.binary(min_size=1, max_size=300),
    part=st.integers(1, 80),
    algorithm=st.sampled_from(["md5", "crc32", "sha256", "sha1", "crc32c"]),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    flip=st.integers(0, 299),
)
def test_a_composite_hash_does_not_depend_on_how_the_bytes_arrive(
    data, part, algorithm, cuts, flip
):
    parts = [data[start : start + part] for start in range(0, len(data), part)]
    value = composite(algorithm, (digest_of(algorithm, each) for each in parts))
    expected = Expected(Verdict.MD5, algorithm, value, len(parts))
    assert with_data(Digests(expected, part), data, cuts).agree()
    damaged = bytearray(data)
    damaged[flip % len(data)] ^= 1
    assert not with_data(Digests(expected, part), bytes(damaged), cuts).agree()
    if len(data) > 1:
        assert not with_data(Digests(expected, part), data[:-1], cuts).agree()


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_neither_does_a_hash_of_the_complete_object(data, cuts):
    for algorithm in CHECK_VALUES:
        expected = Expected(Verdict.CRC, algorithm, digest_of(algorithm, data))
        digests = with_data(Digests(expected), data, cuts)
        assert digests.agree()
        assert digests.sha256 == hashlib.sha256(data).hexdigest()
        assert not with_data(Digests(expected), data + b"x", cuts).agree()


def b64(value):
    return base64.b64encode(value).decode()


def test_what_an_answer_says_is_read_in_the_order_of_its_worth():
    md5 = hashlib.md5(b"x").hexdigest()
    crc32 = {"ChecksumCRC32": b64(zlib.crc32(b"x").to_bytes(4, "big"))}
    own = {"Metadata": {"sha256": hashlib.sha256(b"x").hexdigest()}}

    def first(answer):
        found = expected_hashes(answer)
        return (found[0].algorithm, found[0].parts) if found else None

    assert first({"ETag": f'"{md5}"', **crc32, **own}) == ("sha256", 0)
    assert first({"ETag": f'"{md5}"', **crc32}) == ("crc32", 0)
    assert first({"ETag": f'"{md5}-7"', "ChecksumCRC32": "AAAAAA==-7"}) == ("crc32", 7)
    assert first({"ETag": f'"{md5}-7"', "ChecksumCRC64NVME": b64(bytes(8))}) == ("md5", 7)
    assert first({"ETag": f'"{md5}"', "ServerSideEncryption": "aws:kms"}) is None
    assert first({"ETag": f'"{md5}"', "ServerSideEncryption": "AES256"}) == ("md5", 0)
    assert first({"ETag": f'"{md5}"', "SSECustomerAlgorithm": "AES256"}) is None
    assert first({"ETag": '"0x8DC9"'}) is None
    assert first({}) is None


@given(
    st.dictionaries(
        st.sampled_from(["ETag", "ChecksumCRC32", "ChecksumSHA256", "ChecksumCRC64NVME"]),
        st.text(alphabet='abcdef0123456789-"=+/AZé', max_size=50),
    )
)
def test_no_answer_whatever_is_taken_for_a_hash_of_the_wrong_length(answer):
    for expected in expected_hashes(answer):
        assert len(expected.value) == len(digest_of(expected.algorithm, b""))
        assert expected.parts >= 0


def test_nothing_to_compare_with_is_no_agreement_about_a_hash():
    digests = Digests(NOTHING)
    digests.update(b"anything")
    assert digests.agree()
    assert NOTHING.verdict is Verdict.SIZE_ONLY


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=6))
def test_a_write_is_confirmed_by_the_servers_hash_only(parts):
    every = [Hashes.of(part) for part in parts]
    complete = Hashes.composite(every)
    by_hand = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert confirmed({"ETag": f'"{by_hand}-{len(parts)}"'}, complete) is Verdict.MD5
    assert confirmed({"ETag": f'"{by_hand}-{len(parts) + 1}"'}, complete) is None
    assert confirmed({"ETag": f'"{by_hand}"'}, complete) is None
    assert confirmed({"ETag": '"opaque"'}, every[0]) is None
    assert confirmed({"ETag": f'"{every[0].etag}"'}, every[0]) is Verdict.MD5
    crc = b64(every[0].crc32)
    kms = {"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "aws:kms", "ChecksumCRC32": crc}
    assert confirmed(kms, every[0]) is Verdict.CRC
    wrong = {"ETag": f'"{every[0].etag}"', "ChecksumCRC32": b64(bytes(3) + b"\7")}
    assert confirmed(wrong, every[0]) is None
