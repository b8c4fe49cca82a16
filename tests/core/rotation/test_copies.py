"""Every copy of a rotated value is found, and unambiguous ones are replaced."""

import base64
import json
from urllib.parse import quote

import pytest

from core.model.rotation import Copy, CopyForm
from core.redaction import Secret
from core.rotation.copies import Replacement, find, replace_copies

OLD, NEW = "p4ss w0rd/@old", "n3w value&:'x"
PLAIN_OLD, PLAIN_NEW = "p4ssw0rd-old", "n3wvalue-new"


def rotated(text, *, old=PLAIN_OLD, new=PLAIN_NEW, user="bot", host="db.example"):
    """What is found in a secret beside its password, and its other fields afterwards."""
    text = Secret(json.dumps({"password": old, **text}))
    what = Replacement("password", Secret(old), Secret(new), user, host)
    look = Replacement("password", Secret(old), Secret(old), user, host)
    found, after = find(text, [look]), replace_copies(text, [what])
    assert find(text, [what]) == found
    fields = json.loads(after.reveal())
    assert fields.pop("password") == old  # the rotation itself sets it
    left = {copy.place for copy in find(after, [look])}
    assert left == {copy.place for copy in found if not copy.replaceable}
    return found, fields


@pytest.mark.parametrize(
    ("value", "form", "after"),
    [
        (PLAIN_OLD, CopyForm.COMPLETE, PLAIN_NEW),
        (f"postgresql://bot:{PLAIN_OLD}@db.example:5432/x?sslmode=require", CopyForm.URL,
         f"postgresql://bot:{PLAIN_NEW}@db.example:5432/x?sslmode=require"),
        (f"redis://:{PLAIN_OLD}@db.example/0", CopyForm.URL, f"redis://:{PLAIN_NEW}@db.example/0"),
        (f"mysql+pymysql://bot:{PLAIN_OLD}@other,db.example/x", CopyForm.URL,
         f"mysql+pymysql://bot:{PLAIN_NEW}@other,db.example/x"),
        (f"jdbc:postgresql://db.example/x?user=bot&password={PLAIN_OLD}&ssl=true",
         CopyForm.PARAMETER,
         f"jdbc:postgresql://db.example/x?user=bot&password={PLAIN_NEW}&ssl=true"),
        (f"host=db.example user=bot password={PLAIN_OLD}", CopyForm.PARAMETER,
         f"host=db.example user=bot password={PLAIN_NEW}"),
        (f"Server=db.example;Uid=bot;Pwd='{PLAIN_OLD}';", CopyForm.PARAMETER,
         f"Server=db.example;Uid=bot;Pwd='{PLAIN_NEW}';"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["field", "list", "object", "json text"])
def test_what_cannot_be_mistaken_is_replaced_wherever_it_is(value, form, after, around):
    wrapped = {
        "field": lambda text: text,
        "list": lambda text: [1.10, text, "other"],
        "object": lambda text: {"a": {"b secret": text}},
        "json text": lambda text: json.dumps({"a": [text]}),
    }[around]
    place = {
        "field": "url", "list": "url[1]", "object": "url.a.b secret", "json text": "url.a[0]",
    }[around]  # fmt: skip
    found, fields = rotated({"url": wrapped(value), "other": "x"})
    assert found == (Copy(place, form, replaceable=True),)
    assert fields == {"url": wrapped(after), "other": "x"}


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("notes", f"the password is {PLAIN_OLD}, do not tell", CopyForm.TEXT),
        ("header", "Basic " + base64.b64encode(f"bot:{PLAIN_OLD}".encode()).decode(),
         CopyForm.BASE64),
        ("header", base64.urlsafe_b64encode(PLAIN_OLD.encode()).decode().rstrip("="),
         CopyForm.BASE64),
        ("url", f"postgresql://admin:{PLAIN_OLD}@db.example/x", CopyForm.TEXT),  # another login
        ("url", f"postgresql://bot:{PLAIN_OLD}@elsewhere/x", CopyForm.TEXT),  # another server
        ("dsn", f"host=elsewhere user=bot password={PLAIN_OLD}", CopyForm.TEXT),
        ("url", f"jdbc:postgresql://elsewhere/x?user=bot&password={PLAIN_OLD}", CopyForm.TEXT),
        ("url", f"jdbc:mysql://db.example/x?user=root&password={PLAIN_OLD}", CopyForm.TEXT),
        ("username", PLAIN_OLD, CopyForm.COMPLETE),
        ("database", PLAIN_OLD, CopyForm.COMPLETE),
    ],
)  # fmt: skip
def test_what_could_be_a_guess_is_named_and_stays(name, value, form):
    found, fields = rotated({name: value})
    assert found == (Copy(name, form, replaceable=False),)
    assert fields == {name: value}


def test_values_are_encoded_as_their_place_wants_it():
    url = f"postgresql://bot:{quote(OLD, safe='')}@db.example/x"
    found, fields = rotated({"url": url}, old=OLD, new=NEW)
    assert [copy.form for copy in found] == [CopyForm.URL]
    assert fields["url"] == f"postgresql://bot:{quote(NEW, safe='')}@db.example/x"
    found, fields = rotated({"text": f"x {quote(OLD, safe='')} y"}, old=OLD, new=NEW)
    assert found == (Copy("text", CopyForm.ENCODED, replaceable=False),)


def test_two_copies_of_one_field_are_both_reported():
    url = f"postgresql://bot:{PLAIN_OLD}@db.example/x"
    found, fields = rotated({"urls": f"{url} and {PLAIN_OLD}"})
    assert {copy.form for copy in found} == {CopyForm.URL, CopyForm.TEXT}
    assert fields["urls"] == f"{url.replace(PLAIN_OLD, PLAIN_NEW)} and {PLAIN_OLD}"


def test_a_short_value_is_found_where_it_stands_alone_only():
    found, _fields = rotated({"text": "abcd", "pin": "abc", "password2": "abc"}, old="abc")
    assert found == (
        Copy("pin", CopyForm.COMPLETE, replaceable=False),
        Copy("password2", CopyForm.COMPLETE, replaceable=True),
    )


def test_every_other_byte_stays():
    text = (
        '{ "password":"old-pass-word",\n\t"rate": 1.10, "list":[ 1e5 ,"old-pass-word" ],'
        ' "u": "\\u00e9" }'
    )
    what = Replacement("password", Secret("old-pass-word"), Secret("new-pass-word"))
    after = replace_copies(Secret(text), [what]).reveal()
    assert after == text.replace('"old-pass-word" ]', '"new-pass-word" ]')


@pytest.mark.parametrize("text", ["plain old-pass-word", "[1]", '{"password": 1}', "{}"])
def test_a_text_without_fields_has_no_copies(text):
    what = Replacement("password", Secret("old-pass-word"), Secret("new-pass-word"))
    assert find(Secret(text), [what]) == ()
    assert replace_copies(Secret(text), [what]).reveal() == text


def test_an_identifier_goes_with_its_secret():
    text = Secret(json.dumps({"id": "AKIAOLD", "s": "old-secret-key",
                              "url": "s3://AKIAOLD:old-secret-key@bucket", "n": "AKIAOLD"}))  # fmt: skip
    both = [
        Replacement("id", Secret("AKIAOLD"), Secret("AKIANEW"), identifier=True),
        Replacement("s", Secret("old-secret-key"), Secret("new/secret+key")),
    ]
    after = json.loads(replace_copies(text, both).reveal())
    assert after["url"] == "s3://AKIANEW:new%2Fsecret%2Bkey@bucket"
    assert {copy.place for copy in find(text, both)} == {"url", "n"}
