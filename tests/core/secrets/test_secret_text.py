"""A change of one field leaves all other bytes of a secret unchanged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Corrupt, InvalidInput
from core.model.secrets import SecretValue
from core.redaction import Secret, redacted
from core.secrets.secret_text import (
    SecretRow,
    check_size,
    diff,
    diff_values,
    draft_rows,
    encoded,
    json_problem,
    parsed,
    problem_line,
    rows_of,
    text_of,
)

ODD = '{ "id" : "x\\u00fc", "n":1.10,\n "big": 123456789012345678901, "o": {"b": [1,2]} , "z":null}'
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    st.lists,
    max_leaves=5,
)


def test_rows_keep_each_value_as_it_stands():
    rows = rows_of(ODD)
    assert [row.key for row in rows] == ["id", "n", "big", "o", "z"]
    assert [row.value.reveal() for row in rows] == [
        "xü",
        "1.10",
        "123456789012345678901",
        '{"b": [1,2]}',
        "null",
    ]
    assert [row.quoted for row in rows] == [True, False, False, False, False]


def test_an_unchanged_form_gives_the_text_back_to_the_byte():
    assert text_of(rows_of(ODD), ODD) == ODD


def test_changing_one_key_leaves_every_other_value_untouched():
    rows = list(rows_of(ODD))
    rows[0] = SecretRow("id", Secret("new"))
    after = text_of(rows, ODD)
    assert after == ODD.replace('"x\\u00fc"', '"new"')
    assert diff(ODD, after).changed == ("id",)


@pytest.mark.parametrize(
    ("gone", "new", "wanted"),
    [
        ((), ("k",), ODD[:-1] + ', "k":"v"}'),
        ((0,), (), ODD.replace('"id" : "x\\u00fc", ', "")),
        ((2, 3), (), ODD[: ODD.index(",\n")] + ' , "z":null}'),
        ((0, 1, 2, 3), ("k",), '{ "z":null, "k":"v"}'),
        ((0, 1, 2, 3, 4), ("k",), '{ "k":"v"}'),
        ((0, 1, 2, 3, 4), (), "{}"),
    ],
)
def test_removed_and_new_keys_leave_the_rest_to_the_byte(gone, new, wanted):
    rows = [row for at, row in enumerate(rows_of(ODD)) if at not in gone]
    rows += [SecretRow(key, Secret("v")) for key in new]
    found = text_of(rows, ODD)
    assert found == wanted


def test_a_key_that_appears_twice_is_stored_and_reported():
    text = '{"a": 1, "b": 2, "a": 3}'
    rows = rows_of(text)
    assert text_of(rows, text) == text
    assert diff(text, text.replace("1", "9")).changed == ("a",)
    with pytest.raises(InvalidInput, match="twice"):
        text_of([rows[0], SecretRow("b", Secret("9"), quoted=False), rows[2]], text)
    assert text_of(rows[:2], text) == '{"a": 1, "b": 2}'


@given(
    st.dictionaries(st.text(min_size=1), JSON_VALUES, min_size=1, max_size=5),
    st.data(),
)
def test_a_changed_value_replaces_its_own_bytes_only(value, data):
    text = json.dumps(value, indent=data.draw(st.none() | st.integers(0, 4)))
    rows = list(rows_of(text))
    at = data.draw(st.integers(0, len(rows) - 1))
    rows[at] = SecretRow(rows[at].key, Secret(data.draw(st.text())))
    after = text_of(rows, text)
    assert json.loads(after) == value | {rows[at].key: rows[at].value.reveal()}
    untouched = [row for row in rows_of(after) if row.key != rows[at].key]
    assert untouched == [row for row in rows_of(text) if row.key != rows[at].key]
    assert after.startswith(text[: text.index(":")])


@given(st.dictionaries(st.text(min_size=1), JSON_VALUES, max_size=5))
def test_any_object_goes_through_the_form_unchanged(value):
    for text in (json.dumps(value), json.dumps(value, indent=3, ensure_ascii=False)):
        rows = rows_of(text)
        assert text_of(rows, text) == text
        assert json.loads(text_of(rows)) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "Line 1, column 2"),
        ('{\n  "a": }', "Line 2, column 8"),
        ("[1]", "not an object"),
        ('{"NaN": "NaN",\n "a": [NaN]}', "Line 2, column 8: NaN is not JSON"),
        ('{"a": -Infinity}', "Line 1, column 7: -Infinity"),
        ('{"a": 1, "b": 2, "a": 3}', "Line 1, column 18: Key appears twice: a"),
        ('{"a": 1,\n "a": 3}', "Line 2, column 2: Key appears twice: a"),
        ("hunter2-plain", "Line 1"),
        ("[" * 100_000, "Not a JSON object"),
    ],
)
def test_what_is_wrong_is_reported_with_its_place_and_never_its_value(text, expected):
    assert expected in json_problem(text)
    assert "hunter2" not in json_problem(text)


def test_a_problem_names_its_line():
    assert problem_line(json_problem('{\n  "a": }')) == 2
    assert problem_line(json_problem("{}")) == problem_line(json_problem("[1]")) == 0


def test_a_number_of_any_length_is_stored():
    text = f'{{"n": {"9" * 6000}}}'
    assert json_problem(text) == ""
    assert rows_of(text)[0].value.reveal() == "9" * 6000


def test_a_form_with_a_nameless_a_double_or_a_broken_row_is_refused():
    good = SecretRow("a", Secret("1"))
    for rows, text in (
        ([good, SecretRow("", Secret("x"))], "no name"),
        ([good, good], "twice"),
        ([SecretRow("a", Secret("{canary"), quoted=False)], "not JSON"),
        ([SecretRow("a", Secret("[" * 30_000), quoted=False)], "not JSON"),
    ):
        with pytest.raises(InvalidInput, match=text) as raised:
            text_of(rows)
        assert "canary" not in f"{raised.value} {raised.value.__context__}"


def test_sizes_count_bytes_of_utf8():
    check_size("x" * 65_536)
    check_size("ü" * 32_768)
    for text in ("", "x" * 65_537, "ü" * 32_769, "\ud800"):
        with pytest.raises(InvalidInput):
            check_size(text)


def test_mappings_become_json_and_texts_stay_verbatim():
    assert encoded({"a": "ü"}) == '{"a": "ü"}'
    assert encoded("not json\n") == "not json\n"
    for wrong in ({"a": object()}, {"a": float("nan")}, 3, b"bytes"):
        with pytest.raises(InvalidInput) as raised:
            encoded(wrong)
        assert raised.value.__context__ is None


def test_the_difference_names_keys_only():
    found = diff('{"a": "1", "b": "2", "c": "3"}', '{"a": "1", "b": "x", "d": "4"}')
    assert (found.added, found.removed, found.changed) == (("d",), ("c",), ("b",))
    assert not diff("same", "same")
    assert diff("plain", "other").changed == ("(the complete text)",)


def test_a_text_that_is_no_object_is_corrupt_and_not_repeated():
    for text in ("plain-canary", "[1]", "3", '{"a":' * 10_000):
        with pytest.raises(Corrupt) as raised:
            parsed("x", text)
        assert "canary" not in f"{raised.value} {raised.value.__context__}"


def test_names_beside_secrets_stay_legible_in_messages():
    bucket, password = "a-bucket-of-this-test", "a-password-of-this-test"
    rows_of(json.dumps({"bucket_name": bucket, "password": password}))
    assert redacted(f"{bucket} {password}") == f"{bucket} ***"


def test_a_binary_value_differs_as_a_complete():
    text = SecretValue("n", "1", Secret("AAAA"))
    binary = SecretValue("n", "2", Secret("AAAA"), binary=True)
    other = SecretValue("n", "3", Secret("AAAB"), binary=True)
    assert diff_values(text, binary).changed == ("(the binary value)",)
    assert diff_values(binary, other).changed == ("(the binary value)",)
    assert not diff_values(binary, binary)
    assert diff_values(text, text) == diff("AAAA", "AAAA")


@pytest.mark.parametrize("field", ["host", "database", "username", "engine"])
@pytest.mark.parametrize(
    "value",
    [
        "redis://:{}@h", "postgresql://ada:{}@h/db", "Server=h;Pwd={}", "ada:{}@h", ["{}"],
        "https://h/?key={}", {"token": "{}"}, "https://hooks.example.com/{}",
    ],
)  # fmt: skip
def test_a_public_field_that_contains_more_than_a_name_is_masked(field, value):
    text = json.dumps({field: value}).replace("{}", f"public-canary-{field}")
    (row,) = rows_of(text)
    assert "public-canary" not in redacted(f"Not found: {row.value.reveal()}")


def test_plain_values_of_public_fields_are_shown():
    values = {
        "host": "db-1.example.com:5432,[2001:db8::1]:5432", "database": "trading_2024",
        "username": "ada.lovelace+test@example.com", "engine": "mysql+pymysql",
        "dbname": "market $data", "bucket_name": "raw.market-data", "region": "eu-central-1",
    }  # fmt: skip
    for row in (*rows_of(json.dumps(values)), *rows_of('{"host": "/run/postgresql"}')):
        assert redacted(row.value.reveal()) == row.value.reveal()


def test_a_text_that_is_being_typed_hides_nothing():
    """Each keystroke is checked; the values would be `ethereum`, `ethereum-`, `ethereum-u`…"""
    typed = '{"password": "ethereum-usd", "rate": 123454321}'
    assert json_problem(typed) == ""
    assert draft_rows(typed) == (
        SecretRow("password", Secret("ethereum-usd", remembered=False)),
        SecretRow("rate", Secret("123454321", remembered=False), quoted=False),
    )
    assert redacted("ethereum-usd at 123454321") == "ethereum-usd at 123454321"
