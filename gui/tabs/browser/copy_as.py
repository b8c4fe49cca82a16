"""The menu that copies an object's address as a URI, a command line or code."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from core.model.connection import Profile
from core.objects.snippets import snippets
from gui.widgets.labels import tooltip


def copy_menu(parent: QWidget, profile: Profile, bucket: str, key: str) -> QMenu:
    """Return the menu with all forms of the address of an object.

    Args:
        parent: the view that opens it.
        profile: the connection.
        bucket: the name of the bucket.
        key: the object.
    """
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)
    for each in snippets(profile, bucket, key):
        action = menu.addAction(f"Copy as {each.title}")
        action.setToolTip(tooltip(each.text))
        action.triggered.connect(partial(_copy, each.text))
    return menu


def open_copy_menu(
    parent: QWidget, profile: Profile, bucket: str, key: str, where: QPoint
) -> QMenu:
    """Open the menu at a position on the screen, with its first entry selected."""
    menu = copy_menu(parent, profile, bucket, key)
    menu.setActiveAction(menu.actions()[0])
    menu.popup(where)
    return menu


def _copy(text: str, _checked: bool = False) -> None:
    QGuiApplication.clipboard().setText(text)
