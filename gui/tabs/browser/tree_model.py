"""The tree model of the folders of a bucket, loaded page by page when they are expanded.

The model makes no requests. It emits `wanted`, and its owner answers with `add_page` or
`set_failed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QIcon

from core.errors import AccessDenied, StorageError
from core.units import format_count, format_counted
from gui.models.indexes import NOWHERE, Index
from gui.models.node_model import NodeModel
from gui.models.roles import ASIDE_ROLE, TONE_ROLE
from gui.tabs.browser.row_positions import insertions

#: The key prefix of a node; None for a line that shows a state.
PREFIX_ROLE = Qt.ItemDataRole.UserRole + 50
#: True for the trash, the last line of a versioned bucket.
TRASH_ROLE = Qt.ItemDataRole.UserRole + 51


@dataclass(frozen=True, slots=True)
class Total:
    """The total of a prefix: objects, bytes, and the time of the newest object."""

    count: int = 0
    size: int = 0
    newest: datetime | None = None


class State(Enum):
    """The loading state of a folder's sub-folders."""

    UNKNOWN = "unknown"
    LOADING = "loading"
    PARTLY = "partly"
    COMPLETE = "complete"
    LOCKED = "locked"
    FAILED = "failed"


class _Node:
    """One folder; with `prefix` None a line that shows a folder's state, or the trash."""

    __slots__ = ("children", "note", "parent", "prefix", "row", "seen", "state", "token", "trash")

    def __init__(self, prefix: str | None, parent: _Node | None, row: int) -> None:
        self.prefix, self.parent, self.row = prefix, parent, row
        self.children: list[_Node] = []
        self.state = State.UNKNOWN if prefix is not None else State.COMPLETE
        self.note = ""
        self.seen = 0  # objects directly in the folder, as far as they are listed
        self.token: str | None = None
        self.trash = False

    @property
    def end(self) -> int:
        """The number of children without the trash, which is always the last."""
        return len(self.children) - (bool(self.children) and self.children[-1].trash)

    @property
    def folders(self) -> list[_Node]:
        """The children that are folders."""
        return [child for child in self.children if child.prefix is not None]


class PrefixTreeModel(NodeModel[_Node]):
    """The folders, each with its known number of objects at the right.

    Signals:
        wanted: prefix and continuation token of a page that a folder needs.
    """

    wanted = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(_Node("", None, 0), parent)
        self._nodes: dict[str, _Node] = {"": self._root}
        self._counts: dict[str, tuple[Total, bool]] = {}
        self._lock = self._bin = QIcon()
        self._removed: list[_Node] = []  # Qt may still hold a raw pointer to a removed node

    # Called by the owner

    def clear(self) -> None:
        """Clear the tree, for example for another bucket."""
        self.beginResetModel()
        self._removed = [self._root]
        self._root = _Node("", None, 0)
        self._nodes = {"": self._root}
        self._counts = {}
        self.endResetModel()

    def set_lock(self, icon: QIcon) -> None:
        """Set the icon of folders to which access is denied."""
        self._lock = icon

    def set_trash_icon(self, icon: QIcon) -> None:
        """Set the icon of the trash."""
        self._bin = icon

    def show_trash(self, *, shown: bool) -> None:
        """Add the trash as the last line, or remove it."""
        root, last = self._root, self._root.end
        if shown and last == len(root.children):
            self.beginInsertRows(QModelIndex(), last, last)
            line = _Node(None, root, last)
            line.note, line.trash = "Trash", True
            root.children.append(line)
            self.endInsertRows()
        elif not shown and last < len(root.children):
            self.beginRemoveRows(QModelIndex(), last, last)
            self._removed.append(root.children.pop())
            self.endRemoveRows()

    def trash_index(self) -> QModelIndex:
        """Return the index of the trash, or an invalid index."""
        root = self._root
        return self.index(root.end, 0) if root.end < len(root.children) else QModelIndex()

    def load(self, prefix: str = "", *, reload: bool = False) -> None:
        """Request the first page of a folder.

        Args:
            prefix: the folder.
            reload: request it even while a page is being loaded, which may be older than a change.
        """
        node = self._nodes.get(prefix)
        if node is not None and (reload or node.state is not State.LOADING):
            # The old folders stay visible until the new page arrives, without a state line below
            # them.
            node.state, node.seen, node.token = State.LOADING, 0, None
            if not node.folders:
                self._set_state_line(node, "loading…")
            self.wanted.emit(prefix, None)

    def add_page(
        self, prefix: str, folders: Sequence[str], objects: int, token: str | None, *, first: bool
    ) -> None:
        """Add a page: sub-folders, number of objects, and the token of the next page."""
        node = self._nodes.get(prefix)
        if node is None:
            return
        if first:
            node.seen = 0
            # A first page of several is no proof that a later folder is gone.
            self._remove_missing(node, set(folders) if token is None else None)
        self._set_state_line(node, "")
        node.seen += objects
        node.token = token
        node.state = State.COMPLETE if token is None else State.PARTLY
        # A reloaded page repeats folders that are shown, and has new ones between them.
        for at, keys in insertions([child.prefix or "" for child in node.folders], folders):
            self._insert(node, keys, at)
        if token is not None:
            self._set_state_line(
                node, f"{format_counted(len(node.folders), 'folder')} shown: load more"
            )
        self._changed(node)

    def set_failed(self, prefix: str, error: StorageError) -> None:
        """Show below a folder why it cannot be listed; activating that line tries again."""
        node = self._nodes.get(prefix)
        if node is None:
            return
        denied = isinstance(error, AccessDenied)
        node.state = State.LOCKED if denied else State.FAILED
        needs = f"needs {error.action}" if error.action else error.summary
        self._set_state_line(
            node, needs if denied else f"{error.summary.removesuffix('.')}. Try again"
        )
        self._changed(node)

    def add_known(self, prefix: str) -> None:
        """Show the next folder towards an opened one if the nearest folder above cannot be listed.

        Args:
            prefix: a folder that was opened without the tree, for example by its path.
        """
        nearest = max(filter(prefix.startswith, self._nodes), key=len)
        node = self._nodes[nearest]
        if node.state is State.LOCKED and nearest != prefix:
            child = prefix[: prefix.index("/", len(nearest)) + 1]
            at = sum(folder.prefix < child for folder in node.folders if folder.prefix is not None)
            self._insert(node, [child], at)

    def set_counts(self, counts: Mapping[str, Total], *, complete_until: str | None) -> None:
        """Set the totals of prefixes; the empty one is the bucket.

        `complete_until` is the last counted key (folders before it are complete), or None for all.
        """
        self._counts = {
            prefix: (total, complete_until is None or not _reaches(prefix, complete_until))
            for prefix, total in counts.items()
        }
        # Parents are in the list, too, so each node is painted once.
        for node in list(self._nodes.values()):
            self._changed(node, with_parents=False)

    def activate(self, index: Index) -> None:
        """Activate a state line: load more, or try again."""
        node = self._node(index)
        if node.prefix is None and node.parent is not None and not node.trash:
            holder = node.parent
            if holder.state is State.PARTLY and holder.token is not None:
                holder.state = State.LOADING
                self._set_state_line(holder, "loading…")
                self.wanted.emit(holder.prefix, holder.token)
            elif holder.state in (State.FAILED, State.LOCKED):
                self.load(holder.prefix or "")

    def index_of(self, prefix: str) -> QModelIndex:
        """Return the index of a folder, or an invalid index if it is not loaded."""
        node = self._nodes.get(prefix)
        return QModelIndex() if node is None else self._index_of(node)

    def state_of(self, prefix: str) -> State:
        """Return the state of a folder; `UNKNOWN` if it is not in the tree."""
        node = self._nodes.get(prefix)
        return State.UNKNOWN if node is None else node.state

    def total_of(self, prefix: str) -> tuple[Total, bool] | None:
        """Return the total of a folder and whether it is complete; None while it is unknown."""
        return self._counts.get(prefix)

    def folders_in(self, prefix: str) -> int | None:
        """Return the number of sub-folders; None while it is unknown."""
        node = self._nodes.get(prefix)
        return len(node.folders) if node is not None and node.state is State.COMPLETE else None

    def count_text(self, prefix: str) -> str:
        """Return `1,440`, `1,000+` when there may be more, or an empty text."""
        if prefix in self._counts:
            total, complete = self._counts[prefix]
            return format_count(total.count) + ("" if complete else "+")
        node = self._nodes.get(prefix)
        if node is None or node.state not in (State.PARTLY, State.COMPLETE):
            return ""
        count, complete = self._sum(node)
        return "" if not count and not complete else format_count(count) + ("" if complete else "+")

    def _sum(self, node: _Node) -> tuple[int, bool]:
        count, complete = node.seen, node.state is State.COMPLETE
        for child in node.folders:
            more, all_of_it = self._sum(child)
            count, complete = count + more, complete and all_of_it
        return count, complete

    # Changes

    def _insert(self, node: _Node, prefixes: list[str], start: int) -> None:
        self.beginInsertRows(self._index_of(node), start, start + len(prefixes) - 1)
        made = [_Node(prefix, node, 0) for prefix in prefixes]
        node.children[start:start] = made
        self._nodes.update(zip(prefixes, made, strict=True))
        _renumber(node, start)
        self.endInsertRows()

    def _set_state_line(self, node: _Node, text: str) -> None:
        """Add, change or remove a state line after the folders."""
        row = node.end
        last = node.children[row - 1] if row else None
        has = last is not None and last.prefix is None
        if has and text and last is not None:
            last.note = text
            self._changed(last, with_parents=False)
        elif has:
            self.beginRemoveRows(self._index_of(node), row - 1, row - 1)
            self._removed.append(node.children.pop(row - 1))
            _renumber(node, row - 1)
            self.endRemoveRows()
        elif text:
            self.beginInsertRows(self._index_of(node), row, row)
            line = _Node(None, node, row)
            line.note = text
            node.children.insert(row, line)
            _renumber(node, row)
            self.endInsertRows()

    def _remove_missing(self, node: _Node, remaining: set[str] | None) -> None:
        """Remove folders that a complete listing no longer contains."""
        if remaining is None:
            return
        for row in reversed(range(len(node.children))):
            child = node.children[row]
            if child.prefix is not None and child.prefix not in remaining:
                self.beginRemoveRows(self._index_of(node), row, row)
                del node.children[row]
                self._forget(child)
                _renumber(node, row)
                self.endRemoveRows()

    def _forget(self, node: _Node) -> None:
        self._removed.append(node)
        self._nodes.pop(node.prefix or "", None)
        for child in node.folders:
            self._forget(child)

    def _changed(self, node: _Node, *, with_parents: bool = True) -> None:
        while node is not self._root:
            index = self._index_of(node)
            self.dataChanged.emit(index, index)
            if not with_parents or node.parent is None:
                return
            node = node.parent

    # Qt interface

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of lines below a folder."""
        return len(self._node(parent).children)

    def columnCount(self, _parent: Index = NOWHERE) -> int:
        """Return 1."""
        return 1

    def hasChildren(self, parent: Index = NOWHERE) -> bool:
        """Return whether a folder may have children; True until it is loaded."""
        node = self._node(parent)
        if node.prefix is None:
            return False
        # An unknown folder gets the arrow that loads it.
        return node.state is State.UNKNOWN or bool(node.children)

    def canFetchMore(self, parent: Index) -> bool:
        """Return whether a folder has not been requested yet."""
        node = self._node(parent)
        return node is not self._root and node.state is State.UNKNOWN

    def fetchMore(self, parent: Index) -> None:
        """Request a folder that is expanded for the first time."""
        node = self._node(parent)
        if node.prefix is not None and self.canFetchMore(parent):
            self.load(node.prefix)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a folder's name, count, tone or lock."""
        node = self._node(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return node.note if node.prefix is None else name_of(node.prefix)
        if role == ASIDE_ROLE:
            return None if node.prefix is None else self.count_text(node.prefix)
        if role == TONE_ROLE:
            quiet = node.prefix is None and not node.trash
            return "muted" if quiet or node.state is State.LOCKED else None
        return self._rare_role(node, role)

    def _rare_role(self, node: _Node, role: int) -> Any:
        if role == Qt.ItemDataRole.DecorationRole:
            return self._icon_of(node)
        if role == Qt.ItemDataRole.ToolTipRole and node.state is State.LOCKED:
            return f"{node.prefix}: {node.children[-1].note}"
        tip = Qt.ItemDataRole.ToolTipRole
        found = {tip: node.note or node.prefix, TRASH_ROLE: node.trash, PREFIX_ROLE: node.prefix}
        return found.get(role)

    def _icon_of(self, node: _Node) -> QIcon | None:
        if node.trash:
            return self._bin
        # The bucket itself has no line: the line that names the missing action shows the lock.
        of = self._root if node.prefix is None and node.parent is self._root else node
        return self._lock if of.state is State.LOCKED else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return that every line can be selected."""
        return (
            Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            if index.isValid()
            else Qt.ItemFlag(0)
        )


def _renumber(node: _Node, start: int) -> None:
    """Set the row numbers of the children from `start` on."""
    for number in range(start, len(node.children)):
        node.children[number].row = number


def name_of(prefix: str) -> str:
    """Return the last segment of a prefix; an empty one as text."""
    return prefix.removesuffix("/").rsplit("/", 1)[-1] or "(empty name)"


def _reaches(prefix: str, last_key: str) -> bool:
    """Return whether counting stopped inside a prefix or before it."""
    # S3 lists keys in the order of their bytes: counting has passed a prefix only if the last key
    # sorts after all keys below it.
    return last_key.startswith(prefix) or last_key < prefix
