"""The base class of tree models whose items are linked nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject

from gui.models.indexes import NOWHERE, Index


class Node(Protocol):
    """One item of a tree: its parent (None for the root), its row there, and its children."""

    @property
    def parent(self) -> Node | None:
        """The item above it."""

    @property
    def row(self) -> int:
        """Its position among the children of its parent."""

    @property
    def children(self) -> Sequence[Node]:
        """The items below it, as far as they are built."""


N = TypeVar("N", bound=Node)


class NodeModel(QAbstractItemModel, Generic[N]):
    """Indexes of a tree of nodes; the root has no index. Subclasses add the data.

    An index has a raw pointer to its node, which Qt may still hold after a removal: subclasses
    must keep removed nodes alive until the next change.
    """

    def __init__(self, root: N, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = root

    def _node(self, index: Index) -> N:
        node = index.internalPointer() if index.isValid() else None
        return node if isinstance(node, type(self._root)) else self._root

    def _index_of(self, node: Node) -> QModelIndex:
        return QModelIndex() if node is self._root else self.createIndex(node.row, 0, node)

    def index(self, row: int, column: int, parent: Index = NOWHERE) -> QModelIndex:
        """Return the index of one child."""
        children = self._node(parent).children
        if 0 <= row < len(children) and 0 <= column < self.columnCount():
            return self.createIndex(row, column, children[row])
        return QModelIndex()

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]  # QObject.parent() is its overload
        """Return the index of the item above."""
        holder = self._node(index).parent if index.isValid() else None
        return QModelIndex() if holder is None else self._index_of(holder)
