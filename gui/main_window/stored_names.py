"""The names of secrets, tables and backups for the search, loaded when it opens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from PySide6.QtCore import QObject, Signal

from core.backup.keys import parse
from core.backup.listing import backup_keys
from core.errors import StorageError
from core.model.change import Change, ChangeKind
from core.units import utc_now
from core.work import Work
from core.workspace import Workspace
from gui.context import Context
from gui.models.names import Name, NameList, NameSource
from gui.tabs.base import Tab

#: Seconds after which names are loaded again when the search opens.
_FRESH = timedelta(minutes=1)
_LOADING_ALL = "Loading the names of secrets, tables and backups…"
#: The kinds of changes after which the names of a tab are loaded again.
_CHANGES = {
    "credentials": frozenset({ChangeKind.SECRETS}),
    "backups": frozenset({ChangeKind.BACKUPS, ChangeKind.OBJECTS}),
}


@dataclass(slots=True)
class _Part:
    """The names of one tab: its texts, how to load them, and the loaded names.

    `task`, `loading_text` and `failed_text` are the title of the task, what is shown while it runs,
    and what is shown after it failed, with a placeholder for the reason.
    """

    tab: str
    task: str
    loading_text: str
    failed_text: str
    fetch: Callable[[Workspace, Work], tuple[Name, ...]]
    source: NameSource | None = None
    fetched: datetime | None = None
    loading: bool = False
    problem: str = ""


class StoredNames(QObject):
    """All names that the search can open: those that tabs show, and those that are stored.

    Names are loaded in worker threads, even if their tab was never opened, and cached.

    Args:
        context: the current connection.
        tabs: the created tabs by id.

    Signals:
        changed: names have been loaded or could not be loaded.
    """

    changed = Signal()

    def __init__(self, context: Context, tabs: Mapping[str, Tab], parent: QObject) -> None:
        super().__init__(parent)
        self._context, self._tabs = context, tabs
        self._reset()
        context.workspace_changed.connect(self._reset)
        context.changed.connect(self._on_change)

    def sources(self) -> list[tuple[str, NameSource]]:
        """Return the searchable sources, each with the id of the tab that opens its names."""
        loaded = [(key, tab) for key, tab in self._tabs.items() if tab.loaded]
        shown = [(key, source) for key, tab in loaded for source in tab.searchable()]
        stored = [(part.tab, part.source) for part in self._parts if part.source is not None]
        # Names shown by a tab come first: they are newer, and equal names are merged.
        return [*shown, *stored]

    @property
    def loading(self) -> str:
        """What is being loaded, as a sentence; empty for nothing."""
        texts = [part.loading_text for part in self._parts if part.loading]
        return _LOADING_ALL if len(texts) == len(self._parts) else " ".join(texts)

    @property
    def problem(self) -> str:
        """What could not be loaded and why, as sentences; empty if everything was loaded."""
        missing = [part for part in self._parts if part.problem and part.source is None]
        return " ".join(part.failed_text.format(reason=part.problem) for part in missing)

    def fetch(self) -> None:
        """Load the names that are missing or too old."""
        workspace = self._context.workspace
        if workspace is None:
            return
        for part in self._parts:
            fresh = part.fetched is not None and utc_now() - part.fetched < _FRESH
            if not (fresh or part.loading):
                self._fetch(part, workspace)

    def _fetch(self, part: _Part, workspace: Workspace) -> None:
        part.loading = True
        self._context.runner.run(
            part.task,
            lambda work: part.fetch(workspace, work),
            owner=self,
            then=partial(self._on_names, part),
            failed=partial(self._on_failed, part),
            latest=f"names/{part.tab}",
            quiet=True,
        )

    def _on_names(self, part: _Part, names: tuple[Name, ...]) -> None:
        part.source, part.fetched, part.problem = NameList(names), utc_now(), ""
        self._end(part)

    def _on_failed(self, part: _Part, error: StorageError) -> None:
        part.problem = error.summary
        self._end(part)

    def _end(self, part: _Part) -> None:
        part.loading = False
        if part in self._parts:  # else the workspace has changed
            self.changed.emit()

    def _reset(self, *_workspace: object) -> None:
        # New objects: results of running tasks for the former workspace belong to the old ones.
        self._parts = (
            _Part(
                "credentials",
                "List the names of secrets",
                "Loading the names of secrets…",
                "Secrets cannot be searched: {reason}.",
                _secret_names,
            ),
            _Part(
                "backups",
                "List the names of tables and backups",
                "Loading the names of tables and backups…",
                "Tables and backups cannot be searched: {reason}.",
                _backup_names,
            ),
        )

    def _on_change(self, change: Change) -> None:
        for part in self._parts:
            if change.kind in _CHANGES[part.tab]:
                # Only marked as old: the search loads them when it is opened.
                part.fetched = None


def _secret_names(workspace: Workspace, work: Work) -> tuple[Name, ...]:
    found = workspace.secrets.list_infos(work=work)
    return tuple(Name("Secret", info.name, info.name) for info in found)


def _backup_names(workspace: Workspace, work: Work) -> tuple[Name, ...]:
    keys = backup_keys(workspace, work)
    tables = dict.fromkeys(found.table for key in keys if (found := parse(key)) is not None)
    return (
        *(Name("Table", table, table) for table in tables),
        *(Name("Backup", key, key) for key in keys),
    )
