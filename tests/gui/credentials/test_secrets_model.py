"""The list of secrets shows their ages and states."""

from datetime import timedelta

import pytest
from helpers.credentials import DATABASE, settled

from core.model.secrets import SecretInfo
from core.units import utc_now
from gui.tabs.credentials.secrets.secrets_model import AGE, STATE, SecretsModel

NOW = utc_now()
OLD = NOW - timedelta(days=94)


@pytest.fixture
def model(qapp):
    model = SecretsModel()
    model.show([SecretInfo("a/b", created=OLD, changed=NOW)], NOW)
    return model


def cells(model):
    return model.index(0, AGE).data(), model.index(0, STATE).data()


def test_an_age_counts_from_the_current_value_once_that_is_known(model, qtbot):
    assert cells(model) == ("now", "")
    with qtbot.waitSignal(model.dataChanged):
        model.set_created({"a/b": OLD})
    assert cells(model) == ("94 days", "overdue")
    model.show([SecretInfo("a/b", created=OLD, changed=NOW)], NOW)
    assert cells(model) == ("94 days", "overdue")


def test_a_value_of_the_future_is_of_now(model):
    model.set_created({"a/b": NOW + timedelta(hours=1)})
    assert cells(model) == ("now", "")


def test_the_view_learns_when_the_values_were_made(tab, qtbot, server):
    made = tab.secrets.model._created[DATABASE]
    server.tag_resource(SecretId=DATABASE, Tags=[{"Key": "a", "Value": "b"}])
    tab.refresh()
    settled(qtbot, tab)
    assert tab.secrets.model._created[DATABASE] == made
