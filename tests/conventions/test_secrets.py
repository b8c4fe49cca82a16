"""No public record shows a secret in any text form."""

import ast
import dataclasses
import importlib
import json
import pickle
import pkgutil
import re
import typing

import pytest
from conventions import source

import core
from core.cli.output import plain
from core.redaction import MASK, Secret

CANARY = "conventions-canary-0123456789"
#: Fields whose names sound like secrets and are none: names of secrets, and pages' tokens.
INNOCENT = {"secret_name", "secrets", "secret", "password_fields", "token", "next_token"}


def _records():
    found = {}
    for info in pkgutil.walk_packages(core.__path__, "core."):
        if info.name.endswith("__main__") or ".demo." in info.name:
            continue
        for value in vars(importlib.import_module(info.name)).values():
            if isinstance(value, type) and dataclasses.is_dataclass(value):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


RECORDS = _records()


def _holds_secret(record):
    return any(
        "Secret" in re.findall(r"\w+", str(field.type)) for field in dataclasses.fields(record)
    )


def _filled(record):
    """An instance whose fields of type Secret hold the canary; the others nothing."""
    made = object.__new__(record)
    for field in dataclasses.fields(record):
        is_secret = "Secret" in re.findall(r"\w+", str(field.type))
        object.__setattr__(made, field.name, Secret(CANARY) if is_secret else None)
    return made


SECRETIVE = sorted(name for name, record in RECORDS.items() if _holds_secret(record))


def test_there_are_records_to_look_at():
    assert "core.model.connection.AccessKeys" in SECRETIVE
    assert "core.objects.presign.Presigned" in SECRETIVE


@pytest.mark.parametrize("name", SECRETIVE)
def test_a_record_never_reports_its_secret(name):
    made = _filled(RECORDS[name])
    parts = (dataclasses.asdict(made), dataclasses.astuple(made))
    for text in (repr(made), str(made), f"{made}", f"{made!r:>80}", *map(repr, parts)):
        assert CANARY not in text
    output = json.dumps(plain(made))
    assert CANARY not in output
    assert MASK in output
    with pytest.raises(TypeError):
        pickle.dumps(made)


def test_what_sounds_like_a_secret_is_one():
    """A password, a key or a signed URL held as text would be printed by the first log line."""
    sounds = re.compile(r"password|secret|session_token|signature|private", re.IGNORECASE)
    texts = [
        f"{name}.{field.name}"
        for name, record in RECORDS.items()
        for field in dataclasses.fields(record)
        if sounds.search(field.name) and field.name not in INNOCENT
        and str(field.type) in {"str", "str | None", "bytes"}
    ]  # fmt: skip
    assert texts == []


def test_the_log_filter_masks_no_public_field():
    """The value of a row is wrapped by `field_value`, which knows public fields.

    A `Secret` of the bucket's name would be masked in each later message of the process.
    """
    found = [
        source.place(path, node.lineno)
        for path in source.python_files("core", "gui")
        for node, name in source.calls(path)
        if name in {"SecretRow", "replace", "dataclasses.replace"}
        and re.search(r"\bSecret\((?!.*remembered=False)", ast.unparse(node))
    ]
    assert found == []


def test_hints_are_readable_as_text():
    """The tests above read annotations as text: they must not be hidden behind other names."""
    hints = typing.get_type_hints(RECORDS["core.model.connection.AccessKeys"])
    assert hints["secret_access_key"] is Secret
