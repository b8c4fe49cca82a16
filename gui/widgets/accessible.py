"""Roles for the widgets that draw themselves: Qt would call them a pane without a meaning."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget

_PROPERTY = "accessible_role"
#: The interfaces that Qt was given. Qt deletes them with their widgets, Python must not do it too.
_given: list[QAccessibleInterface] = []


def set_role(widget: QWidget, role: QAccessible.Role) -> None:
    """Have screen readers treat a widget as, for example, a chart; call it while it is made."""
    _install()
    widget.setProperty(_PROPERTY, role.value)


@cache
def _install() -> None:
    QAccessible.installFactory(_make)


def _make(_class_name: str, widget: QObject) -> QAccessibleInterface | None:
    role = widget.property(_PROPERTY) if isinstance(widget, QWidget) else None
    if role is None or not isinstance(widget, QWidget):
        return None
    made = QAccessibleWidget(widget, QAccessible.Role(role))
    _given.append(made)
    return made
