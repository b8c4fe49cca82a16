"""An edit of a field keeps its JSON kind, or is refused with both kinds named."""

import json

import pytest

from core.errors import InvalidInput
from core.hints import Hint
from core.redaction import Secret, redacted
from core.secrets.kinds import NewValues, check_kinds, edited, kind_of, with_value
from core.secrets.secret_text import rows_of

STORED = {
    "text": "plain",
    "number": 5432,
    "boolean": True,
    "null": None,
    "list": ["a", "b"],
    "object": {"a": 1},
}
NEW = {
    "text": ("other", "5433", "true", "null", "[1]", '{"a": 2}', ""),
    "number": ("5433", "-1.10", "1e400", " 7 "),
    "boolean": ("false", "true"),
    "null": ("null",),
    "list": ("[]", '["a"]', "[1]"),
    "object": ("{}", '{"a": 2}', '{"a": {"b": [2]}}'),
}
VALUES = sorted({value for values in NEW.values() for value in values} | {"NaN", "Infinity", "0x1"})


def changed(field, value, how=NewValues.KEEP_KIND):
    text = json.dumps(STORED)
    return edited(text, {field: Secret(value, remembered=False)}, how)


@pytest.mark.parametrize("field", STORED)
@pytest.mark.parametrize("value", VALUES)
def test_a_value_of_the_fields_kind_is_stored_as_it_was_given(field, value):
    fits = field == "text" or value in NEW[field]
    if not fits:
        with pytest.raises(InvalidInput) as raised:
            changed(field, value)
        assert field in raised.value.summary
        assert str(kind_of(next(r for r in rows_of(json.dumps(STORED)) if r.key == field)).value)
        assert " and its new value would be " in raised.value.summary
        assert Hint.JSON_VALUE in raised.value.hints
        return
    text = changed(field, value)
    raw = json.dumps(value) if field == "text" else value.strip()
    assert f'"{field}": {raw}' in text
    assert type(json.loads(text)[field]) is type(STORED[field]) or field == "number"
    others = {key: stored for key, stored in json.loads(text).items() if key != field}
    assert others == {key: stored for key, stored in STORED.items() if key != field}


@pytest.mark.parametrize("field", STORED)
def test_a_kind_is_changed_on_purpose_only(field):
    assert json.loads(changed(field, "5", NewValues.AS_TEXT))[field] == "5"
    assert json.loads(changed(field, "[1.10]", NewValues.AS_JSON))[field] == [1.1]
    assert f'"{field}": [1.10]' in changed(field, "[1.10]", NewValues.AS_JSON)
    with pytest.raises(InvalidInput, match="is not JSON"):
        changed(field, "plain", NewValues.AS_JSON)


def test_a_new_field_is_a_text_unless_json_is_asked_for():
    assert json.loads(edited("{}", {"a": Secret("1")})) == {"a": "1"}
    assert json.loads(edited("{}", {"a": Secret("1")}, NewValues.AS_JSON)) == {"a": 1}


def test_no_message_holds_a_value():
    with pytest.raises(InvalidInput) as raised:
        changed("number", "kind-canary-0123456789")
    assert "canary" not in f"{raised.value} {raised.value.details} {raised.value.__cause__}"


def test_rows_of_a_form_are_compared_with_the_rows_it_began_with():
    before = rows_of('{"port": 1, "tls": true, "user": "a"}')
    check_kinds(before, rows_of('{"port": 2, "tls": false, "user": "b", "new": [1]}'))
    with pytest.raises(InvalidInput, match="port is a number, and its new value would be a text"):
        check_kinds(before, rows_of('{"port": "2"}'))
    with pytest.raises(InvalidInput, match="user is a text, and its new value would be a number"):
        check_kinds(before, rows_of('{"user": 2}'))


def test_a_new_value_is_masked_by_its_own_content():
    """A public field may get a URL with a password."""
    row = rows_of('{"host": "db.example.com"}')[0]
    with_value(row, Secret("https://h/?key=kinds-canary", remembered=False))
    assert redacted("Refused: https://h/?key=kinds-canary") == "Refused: ***"
    with_value(row, Secret("db2.kinds.example.com", remembered=False))
    assert redacted("db2.kinds.example.com") == "db2.kinds.example.com"
