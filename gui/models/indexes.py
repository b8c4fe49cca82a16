"""What every item model needs to speak of places."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex

#: Any index that Qt may hand to a model.
Index = QModelIndex | QPersistentModelIndex
#: The invalid index: the root of a model.
NOWHERE = QModelIndex()
