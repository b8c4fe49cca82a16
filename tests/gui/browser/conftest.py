"""A bucket on moto, and the Browser tab that shows it."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers.browser import DAY, candles, in_other_thread, settled
from helpers.moto_bucket import moto_bucket

from core.model.connection import KeySource, Profile
from core.objects.bucket import Bucket
from core.objects.writing import put
from gui.tabs.browser import BrowserTab

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def clients():
    """One server and its clients for all tests of a file; each test has a separate bucket."""
    made = moto_bucket()
    yield in_other_thread(made.__enter__).clients
    in_other_thread(made.__exit__, None, None, None)


@pytest.fixture
def bucket(clients, request):
    bucket = Bucket(clients, f"bucket-{next(_numbers)}")
    in_other_thread(make, bucket, versioned=getattr(request, "param", True))
    return bucket


def make(bucket, *, versioned):
    client = bucket.clients.s3()
    client.create_bucket(Bucket=bucket.name)
    if versioned:
        status = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration=status)
    fill(bucket)


def fill(bucket):
    for hour in range(3):
        metadata = {"symbol": "BTC-USD", "timeframe": "1h"}
        put(bucket, f"{DAY}2024-01-15T{hour:02}:00:00Z.json", candles([0, 1, 4]), metadata=metadata)
    put(bucket, "logs/app.log", b"INFO one\nERROR two\n")
    put(bucket, "note.txt", b"hello")
    put(bucket, "odd//x", b"1")


@pytest.fixture
def workspace(bucket):
    return workspace_of(bucket)


@pytest.fixture
def other(clients):
    """The workspace of another bucket with the same objects."""
    bucket = Bucket(clients, f"bucket-{next(_numbers)}")
    in_other_thread(make, bucket, versioned=True)
    return workspace_of(bucket)


def workspace_of(bucket):
    made = bucket.clients.connection
    profile = Profile("moto", KeySource.SESSION, bucket=bucket.name)
    return SimpleNamespace(
        bucket=bucket,
        clients=bucket.clients,
        profile=profile,
        # That of the server is for another bucket, which the engine would use.
        connection=replace(made, profile=replace(made.profile, bucket=bucket.name)),
        set_unlocked=bucket.clients.set_unlocked,
        close=lambda: None,
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
