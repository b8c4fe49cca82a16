"""Previews without a time limit, which a busy machine would exceed; the limit has separate tests."""

import pytest

from core.preview.limits import LIMITS

#: Modules that test the limits of time themselves.
_OF_TIME = ("test_hostile",)


@pytest.fixture(autouse=True)
def _without_time_limit(request):
    if request.module.__name__.endswith(_OF_TIME):
        yield
        return
    names = ("seconds", "more_seconds", "most_seconds")
    before = {name: getattr(LIMITS, name) for name in names}
    for name in names:
        object.__setattr__(LIMITS, name, 60.0)  # the record is frozen
    yield
    for name, seconds in before.items():
        object.__setattr__(LIMITS, name, seconds)
