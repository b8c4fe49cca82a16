"""Every representation of every kind of preview is drawn, in both themes, with a head that fits."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.preview_pictures import pictures, previews
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel

from core.preview import preview
from gui import theme
from gui.views.preview_view import VIEWS, PreviewView
from gui.widgets.empty import EmptyState


def fits(switch):
    return switch.isHidden() or switch.width() >= switch.sizeHint().width()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_representation_is_drawn_and_its_labels_are_complete(themed, qtbot, mode):
    theme.current().set_mode(mode)
    view = PreviewView()
    qtbot.addWidget(view)
    view.resize(430, 400)
    view.show()
    drawn = set()
    for name, shown in pictures(view):
        qtbot.waitUntil(lambda: fits(view.switch))
        image = shown.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        colours = np.unique(np.frombuffer(image.constBits(), np.uint32)[::3])
        assert len(colours) > 8, f"{name} is nearly blank"
        drawn.add(name)
    theme.current().set_mode("light")
    for sample, seen in previews():
        labels = {each.label for each in seen.representations}
        assert labels >= set(sample.views), f"{sample.name} has no such view"
        assert {f"{sample.name}-{label.lower()}" for label in labels} <= drawn


def test_every_representation_has_a_sample():
    kinds = {type(each) for _, seen in previews() for each in seen.representations}
    assert kinds == {kind for kind, _ in VIEWS}


def test_an_object_without_bytes_is_named(themed, qtbot):
    view = PreviewView()
    qtbot.addWidget(view)
    view.show_preview(preview(b"", "empty.json"))
    assert isinstance(view.content_view, EmptyState)
    assert "This object is empty" in {label.text() for label in view.findChildren(QLabel)}
