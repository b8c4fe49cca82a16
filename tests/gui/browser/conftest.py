"""A bucket on moto, and the Browser tab looking at it."""

from types import SimpleNamespace

import pytest
from helpers.browser import DAY, aside, candles, settled
from helpers.moto_bucket import moto_bucket

from core.model.connection import KeySource, Profile
from core.objects.writing import put
from gui.tabs.browser import BrowserTab


@pytest.fixture
def bucket(request):
    made = moto_bucket(versioned=getattr(request, "param", True))
    bucket = aside(made.__enter__)
    aside(fill, bucket)
    yield bucket
    aside(made.__exit__, None, None, None)


def fill(bucket):
    for hour in range(3):
        metadata = {"symbol": "BTC-USD", "timeframe": "1h"}
        put(bucket, f"{DAY}2024-01-15T{hour:02}:00:00Z.json", candles([0, 1, 4]), metadata=metadata)
    put(bucket, "logs/app.log", b"INFO one\nERROR two\n")
    put(bucket, "note.txt", b"hello")
    put(bucket, "odd//x", b"1")


@pytest.fixture
def workspace(bucket):
    profile = Profile("moto", KeySource.SESSION, bucket=bucket.name)
    return SimpleNamespace(
        bucket=bucket, profile=profile, connection=bucket.clients.connection, close=lambda: None
    )


@pytest.fixture
def tab(context, workspace, qtbot):
    context.set_workspace(workspace)
    tab = BrowserTab(context)
    qtbot.addWidget(tab)
    tab.resize(1280, 684)
    with qtbot.waitActive(tab):
        tab.show()
        tab.activateWindow()
    settled(qtbot, tab)
    return tab
