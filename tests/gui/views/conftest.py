"""Fixtures of the tests of views."""

from __future__ import annotations

import pytest


@pytest.fixture
def show(themed, qtbot):
    def showing(view, size=(508, 420)):
        qtbot.addWidget(view)
        view.resize(*size)
        with qtbot.waitActive(view):
            view.show()
            view.activateWindow()
        return view

    return showing
