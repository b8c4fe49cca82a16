"""Accessible roles for custom-painted widgets, for which Qt reports none."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget

_PROPERTY = "accessible_role"
#: The interfaces passed to Qt, which deletes them with their widgets; Python must not delete them.
_interfaces: list[QAccessibleInterface] = []


def set_role(widget: QWidget, role: QAccessible.Role) -> None:
    """Set the accessible role of a widget, for example a chart; call it in the constructor."""
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
    # Without a reference Python would delete the interface while Qt still uses it.
    _interfaces.append(made)
    return made
