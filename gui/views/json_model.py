"""The tree model of a JSON value, of which only the expanded parts are built."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from PySide6.QtCore import QObject, Qt

from core.preview import is_number, number_text
from gui.models.indexes import NOWHERE, Index
from gui.models.node_model import NodeModel
from gui.models.roles import MONO_ROLE, TONE_ROLE

#: Children that are built at once, when a branch is opened or scrolled to its end.
_PAGE = 500
_HEADERS = ("Name", "Value")
#: Longer texts would slow down every repaint of the row.
_CHARS = 2_000


class _Node:
    """One value; its children are built page by page."""

    __slots__ = ("_rest", "children", "name", "parent", "row", "value")

    def __init__(self, name: str, value: Any, parent: _Node | None, row: int) -> None:
        self.name, self.value, self.parent, self.row = name, value, parent, row
        self.children: list[_Node] = []
        # An iterator: a list with a million elements costs nothing until it is opened.
        self._rest: Iterator[tuple[str, Any]] = iter(())
        if isinstance(value, dict):
            self._rest = iter(value.items())
        elif isinstance(value, list):
            self._rest = ((str(number), part) for number, part in enumerate(value))

    @property
    def size(self) -> int:
        """The total number of children."""
        return len(self.value) if isinstance(self.value, dict | list) else 0

    def page(self) -> list[_Node]:
        """Return the next children that are not built yet."""
        start = len(self.children)
        return [
            _Node(name, value, self, start + number)
            for number, (name, value) in enumerate(islice(self._rest, _PAGE))
        ]


class JsonModel(NodeModel[_Node]):
    """The columns name and value; numbers are shown as written in the file."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(_Node("", None, None, 0), parent)
        self._old = self._root  # Qt may still hold a raw pointer into the former tree

    def set_root(self, value: Any) -> None:
        """Show another value; a scalar is shown as a single row."""
        self.beginResetModel()
        self._old = self._root
        # A tree needs a container; a scalar becomes its only row.
        plain = isinstance(value, dict | list)
        self._root = _Node("", value if plain else {"value": value}, None, 0)
        self._root.children = self._root.page()
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of built children."""
        # Qt requires children only below the first column.
        return 0 if parent.column() > 0 else len(self._node(parent).children)

    def columnCount(self, _parent: Index = NOWHERE) -> int:
        """Return 2."""
        return 2

    def hasChildren(self, parent: Index = NOWHERE) -> bool:
        """Return whether there are children."""
        return parent.column() <= 0 and self._node(parent).size > 0

    def size(self, index: Index) -> int:
        """Return the number of children, also of those that are not built yet."""
        return self._node(index).size

    def canFetchMore(self, parent: Index) -> bool:
        """Return whether some children are not built yet."""
        node = self._node(parent)
        return parent.column() <= 0 and len(node.children) < node.size

    def fetchMore(self, parent: Index) -> None:
        """Build the next page of children."""
        node = self._node(parent)
        page = node.page()
        if page:
            start = len(node.children)
            self.beginInsertRows(self._index_of(node), start, start + len(page) - 1)
            node.children.extend(page)
            self.endInsertRows()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return name or value, and the tone of the value's kind."""
        node = self._node(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return node.name if index.column() == 0 else _shown(node.value)
        if role == MONO_ROLE:
            return index.column() == 1
        if role == TONE_ROLE:
            return _tone(node.value) if index.column() == 1 else None
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the names of the two columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[section] if section < 2 else None
        return None


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{len(value):,}}}"
    if isinstance(value, list):
        return f"[{len(value):,}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    number = number_text(value)
    text = value if number is None else number
    cut = text if len(text) <= _CHARS else text[:_CHARS] + "…"
    return f'"{cut}"' if number is None else cut


def _tone(value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        return "muted"
    return "accent" if isinstance(value, bool) or is_number(value) else "plain"
