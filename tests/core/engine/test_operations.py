"""Each operation can be found by its name and states whether it changes data."""

import inspect
from importlib import import_module

import pytest
from helpers.aws import connection

from core.engine.client import EngineClient
from core.engine.operations import OPERATIONS, operation
from core.errors import ReadOnlyProfile
from core.model.connection import ProfileColour
from core.work import Work


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


def test_names_and_titles_are_unique():
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    assert len({one.title for one in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize(
    "one",
    [one for one in OPERATIONS if one.bulk and one.changes and one.refused_at_start],
    ids=lambda one: one.name,
)
def test_the_engine_refuses_every_changing_operation_of_a_locked_profile(engine, one):
    locked = connection(colour=ProfileColour.RED, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(ReadOnlyProfile) as caught:
        engine.call(one.name, {}, connection=locked, work=Work())
    assert one.title in caught.value.cause


def test_what_may_begin_with_a_locked_profile(engine):
    begin = [
        one.name for one in OPERATIONS if one.bulk and one.changes and not one.refused_at_start
    ]
    # A synchronization may also download; its changing requests are refused one by one.
    assert begin == ["transfer.sync", "transfer.sweep"]
    locked = connection(colour=ProfileColour.RED, endpoint_url="http://127.0.0.1:9")
    report = engine.call("transfer.sweep", {}, connection=locked, work=Work())
    assert (report.uploads, report.failed) == ((), ())


@pytest.fixture(scope="module")
def engine():
    client = EngineClient()
    yield client
    client.close()
