"""Previews that no pause of a busy machine cuts short; how long they may take is a test of its own."""

import pytest

from core.preview.limits import LIMITS

#: Modules that test the limits of time themselves.
_OF_TIME = ("test_hostile",)


@pytest.fixture(autouse=True)
def _time_enough(request):
    if request.module.__name__.endswith(_OF_TIME):
        yield
        return
    before = LIMITS.seconds, LIMITS.more_seconds
    object.__setattr__(LIMITS, "seconds", 60.0)  # the record is frozen
    object.__setattr__(LIMITS, "more_seconds", 60.0)
    yield
    object.__setattr__(LIMITS, "seconds", before[0])
    object.__setattr__(LIMITS, "more_seconds", before[1])
