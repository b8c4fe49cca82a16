"""Types and constants for model indexes."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex

#: Any index that Qt may pass to a model.
Index = QModelIndex | QPersistentModelIndex
#: The invalid index: the root of a model.
NOWHERE = QModelIndex()
