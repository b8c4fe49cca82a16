"""The list of operations: each can be found, each is marked, and a locked profile refuses changes."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest
from helpers.aws import connection
from typer.main import get_command

from core.cli.program import app
from core.engine.client import EngineClient
from core.engine.operations import OPERATIONS, operation
from core.errors import ReadOnlyProfile
from core.model.connection import ProfileColour
from core.work import Work

ROOT = Path(__file__).parents[3]


def _function(one):
    module, _, path = one.run.partition(":")
    found = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_each_operation_exists_and_is_described(one):
    function = _function(one)
    assert one.title
    assert not one.title.endswith(".")
    assert operation(one.name) is one
    if one.bulk:
        first, second, *_others = inspect.signature(function).parameters
        assert first.strip("_") == "workspace"
        assert second == "work"


def test_names_are_unique_and_commands_exist():
    names = [one.name for one in OPERATIONS]
    assert len(names) == len(set(names))
    commands = set(get_command(app).commands)
    assert {one.command for one in OPERATIONS} - {""} <= commands


@pytest.mark.parametrize(
    "one",
    [one for one in OPERATIONS if one.bulk and one.changes and one.refused_whole],
    ids=lambda one: one.name,
)
def test_the_engine_refuses_every_changing_operation_of_a_locked_profile(engine, one):
    locked = connection(colour=ProfileColour.RED, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(ReadOnlyProfile) as caught:
        engine.call(one.name, {}, connection=locked, work=Work())
    assert one.title in caught.value.cause


def test_only_what_ended_processes_left_may_begin_with_a_locked_profile(engine):
    begin = [one.name for one in OPERATIONS if one.changes and not one.refused_whole]
    assert begin == ["transfer.sweep"]
    locked = connection(colour=ProfileColour.RED, endpoint_url="http://127.0.0.1:9")
    report = engine.call("transfer.sweep", {}, connection=locked, work=Work())
    assert (report.uploads, report.failed) == ((), ())


def test_the_window_s_commands_are_those_of_the_operations():
    """`Copy as command` of a task shows the subcommand that its operation has in the list."""
    found = {}
    for path in (ROOT / "gui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words = {word.arg: word.value for word in getattr(node, "keywords", ())}
            if isinstance(node, ast.Call) and "command" in words and len(node.args) > 1:
                text = ast.unparse(words["command"]).strip("f'\"(")
                name = ast.unparse(node.args[1]).strip("'")
                if text.startswith("strongroom ") and name in {one.name for one in OPERATIONS}:
                    found[name] = text.split()[1]
    assert found["statistics.scan"] == "stats"
    assert found == {name: operation(name).command for name in found}


@pytest.fixture(scope="module")
def engine():
    client = EngineClient()
    yield client
    client.close()
