"""Binary values of secrets: kind, hex dump, and files that only the user can read."""

from base64 import b64encode

import pytest

from core.aws.limits import SECRET_BYTES
from core.errors import InvalidInput, LocalIOError
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.secrets.binary import content_of, hex_dump, kind_of, read_from_file, save_to_file


def value_with(content):
    return SecretValue("n", "1", Secret(b64encode(content).decode()), binary=True)


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (b"\x30\x82\x0a\x0a\x02\x01\x03rest", "p12"),
        (b"\x30\x82\x0a\x0a\x30\x82", "der"),
        (b"\xfe\xed\xfe\xed\0\0\0\2", "jks"),
        (b"\x1f\x8b\x08", "gz"),
        (b"\n-----BEGIN CERTIFICATE-----\n", "pem"),
        ("text ü\n".encode(), "txt"),
        (b"text\0", "bin"),
        (b"\xff" * 32, "bin"),
    ],
)
def test_the_kind_follows_from_the_first_bytes(content, ending):
    assert kind_of(content).ending == ending


def test_the_dump_has_the_first_bytes_with_positions_and_characters():
    lines = hex_dump(b"AB\0\xff" + bytes(300)).splitlines()
    assert lines[0] == "0000  41 42 00 ff 00 00 00 00  AB......"
    assert len(lines) == 32
    assert hex_dump(b"A") == f"0000  41{' ' * 21}  A"


def test_a_file_with_the_value_can_only_be_read_by_the_user(tmp_path):
    path = tmp_path / "key.p12"
    path.write_bytes(b"old")
    path.chmod(0o644)
    assert save_to_file(value_with(b"\0new"), path) == 4
    assert path.read_bytes() == b"\0new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert content_of(value_with(read_from_file(path))) == b"\0new"
    with pytest.raises(LocalIOError):
        save_to_file(value_with(b"\0new"), tmp_path)


def test_what_cannot_be_a_secret_is_not_read(tmp_path):
    path = tmp_path / "file"
    for content, problem in ((b"", "empty"), (bytes(SECRET_BYTES + 1), "too large")):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=problem):
            read_from_file(path)
    with pytest.raises(LocalIOError, match="not a file"):
        read_from_file(tmp_path)
