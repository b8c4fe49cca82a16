"""The errors about keys and names that S3 or the data contract cannot use."""

import pytest

from core.errors import InvalidInput
from core.layout.key_checks import check_key, check_segment


def test_a_key_that_is_too_long_is_shortened_in_its_error():
    check_key("x" * 1024)
    with pytest.raises(InvalidInput) as caught:
        check_key("begin" + "é" * 600 + "end")
    error = caught.value
    assert error.summary == f"'begin{'é' * 25}…{'é' * 27}end' cannot be used as the key"
    assert error.cause == "It has 1,208 bytes; S3 allows 1,024."
    assert error.remedy == "Use a shorter key."
    assert len(error.subject) == 80


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (" ", "It is empty."),
        ("..", "It would mean another folder."),
        ("a/b", "A slash would divide it into two segments of the key."),
        ("a\nb", "It contains a control character."),
    ],
)
def test_a_name_that_cannot_be_a_segment_is_explained(value, cause):
    with pytest.raises(InvalidInput) as caught:
        check_segment("user_id", value)
    assert caught.value.summary == f"{value!r} cannot be used as the user id"
    assert caught.value.cause == cause
