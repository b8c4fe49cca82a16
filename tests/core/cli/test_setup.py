"""`setup` reads the secret key from standard input, exactly once."""

import io
import sys

from core.errors import ErrorKind


def test_the_secret_key_is_read_from_a_pipe(command, demo_server, monkeypatch):
    """The keys are tested on the bucket; storing them needs other keys, which are missing here."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    keys = demo_server.platform
    piped = io.BytesIO(keys.secret_access_key.reveal().encode() + b"\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(piped))
    missing = ErrorKind.CREDENTIALS_MISSING.value
    output = command("setup", "--access-key-id", keys.access_key_id, code=missing)
    assert "Read it back: 70 bytes, equal" in output.err
