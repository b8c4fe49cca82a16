"""Secrets are hidden in every text form, and the log filter removes them from records."""

import copy
import json
import logging
import pickle
import time
from dataclasses import asdict, dataclass

import pytest

from core.redaction import MASK, RedactingFilter, Secret, clamp_logging, redacted


@pytest.fixture(autouse=True)
def no_known_secrets(monkeypatch):
    """Each test starts without the values that other tests of this process remembered."""
    monkeypatch.setattr("core.redaction._known", set())


CANARY = "canary-wJalrXUtnFEMI/K7MDENG"


@dataclass(frozen=True)
class Holder:
    name: str
    key: Secret


def test_secret_hides_in_every_rendering():
    holder = Holder("x", Secret(CANARY))
    shown = (
        f"{holder!r} {holder.key} {holder.key:>40} {holder.key!s} %s" % holder.key
        + repr(asdict(holder))
        + json.dumps(asdict(holder), default=str)
    )
    assert CANARY not in shown
    assert MASK in shown


def test_secret_is_never_pickled_but_survives_copies():
    secret = Secret(CANARY)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert copy.deepcopy(secret) is secret
    assert secret == Secret(CANARY)
    assert secret != Secret("other")
    assert secret != CANARY
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(
    "text",
    [
        "https://b/k?X-Amz-Signature=abcdef0123&X-Amz-Expires=60",
        "https://b/k?X-Amz-Security-Token=abcdef0123",
        "{'aws_secret_access_key': 'abcdef0123'}",
        '{"password": "abcdef0123", "port": "5432"}',
        "postgresql://user:abcdef0123@host/db",
        "redis://:abcdef0123@host",
        "postgresql://user:ab/abcdef0123@host/db",
        "postgresql://user:12/abcdef0123@host/db",
        "mysql+pymysql://user:5432/x?abcdef0123@host:3306/db",
        "redis://:12/abcdef0123@host",
        "postgresql://user:p@abcdef0123@host/db",
        "password=abcdef0123&x=1",
    ],
)
def test_patterns_are_redacted_without_knowing_the_value(text):
    assert "abcdef0123" not in redacted(text)
    assert MASK in redacted(text)


def test_known_texts_do_not_hide_the_form_by_which_a_password_is_found():
    for word in ("postgresql", "password=", "X-Amz-Signature", "abcdef01"):
        Secret(f"{word}........"[: max(8, len(word))])
    for text in (
        "postgresql://user:hunter2-hunter2@host/db",
        "password=hunter2-hunter2&x=1",
        "https://b/k?X-Amz-Signature=hunter2-hunter2",
    ):
        assert "hunter2" not in redacted(text)
    assert redacted("secret: abcdef01, again: abcdef01abcdef01.") == "secret: ***, again: ***."


def test_ordinary_text_stays():
    text = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json: 3 of 4 (75 %)"
    assert redacted(text) == text


@pytest.mark.parametrize("part", ["a", "QUJD+/", "password-", 'password":"', "http://a:b"])
def test_a_message_with_a_long_value_is_redacted_at_once(part):
    text = part * (60_000 // len(part))
    began = time.perf_counter()
    redacted(text)
    assert time.perf_counter() - began < 0.5  # it took up to 17 s


def test_a_port_is_no_password_and_spaces_no_secret():
    Secret(" " * 12)
    for text in (
        "http://host:9000/bucket/ada@example.com",
        "postgresql://ada@host:5432/db",
        "name" + " " * 20 + "size",
    ):
        assert redacted(text) == text


def test_whether_a_password_was_used_is_no_password():
    for text in ("(using password: NO) (1045).", "(using password: YES)"):
        assert redacted(text) == text
    assert redacted("using password: s3cret)") == "using password: ***"
    assert redacted("password: NO)") == "password: ***"


def test_filter_redacts_message_arguments_and_traceback():
    Secret(CANARY)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "key %s", (CANARY,), None)
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        record.exc_info = (ValueError, error, error.__traceback__)
    RedactingFilter().filter(record)
    assert CANARY not in logging.Formatter().format(record)


def test_clamp_silences_the_talkative_and_filters_root_handlers():
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        logging.getLogger("botocore").setLevel(logging.DEBUG)
        clamp_logging()
        clamp_logging()
        assert logging.getLogger("botocore").level == logging.WARNING
        assert sum(isinstance(f, RedactingFilter) for f in handler.filters) == 1
    finally:
        root.removeHandler(handler)
