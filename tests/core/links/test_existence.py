"""The existence of objects is checked one by one, and an outage ends the check."""

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import AccessDenied, Cancelled, Offline
from core.links import existence
from core.links.existence import existing_keys
from core.objects import writing
from core.work import CancelToken, Work


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        writing.put(made, "there", b"content")
        yield made


def test_each_key_is_there_or_not(bucket):
    news = []
    keys = ["there", *(f"missing {n}" for n in range(15)), "there"]
    found = existing_keys(bucket, keys, work=Work(batch=news.append))
    assert found == {"there": True} | {f"missing {n}": False for n in range(15)}
    assert news == [dict(list(found.items())[:10])], "what is known is passed on early"


def test_a_denial_is_not_known_and_an_outage_ends_it(bucket, monkeypatch):
    answers = {"a": AccessDenied("no"), "b": Offline("away")}
    asked = []

    def head(_bucket, key, *, work):
        asked.append(key)
        raise answers[key]

    monkeypatch.setattr(existence, "head", head)
    assert existing_keys(bucket, ["a", "b", "c"]) == {"a": None}
    assert asked == ["a", "b"]


def test_a_cancel_ends_it(bucket):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        existing_keys(bucket, ["there"], work=Work(token))
