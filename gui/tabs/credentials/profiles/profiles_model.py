"""List models of the connection profiles and of the permissions of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from core.aws.endpoints import default_endpoint_text
from core.health.permissions import PermissionResult
from core.model.connection import KeySource, Profile
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import ASIDE_ROLE, DOT_ROLE, MONO_ROLE, PROFILE_TONES, TONE_ROLE
from gui.widgets.icons import icon

SOURCES = {
    KeySource.KEYRING: "keys in the system keyring",
    KeySource.SESSION: "keys for this session only",
    KeySource.AWS_PROFILE: "AWS profile",
    KeySource.ENVIRONMENT: "environment (AWS default chain)",
    KeySource.ROLE: "role of this machine",
}
#: The text of a permission by its result, and by whether the platform needs it.
_PERMISSION_TEXTS = {
    (True, True): "{action}: allowed (needed)",
    (True, False): "{action}: allowed (optional)",
    (False, True): "{action}: not allowed (needed)",
    (False, False): "{action}: not allowed (optional)",
    (None, True): "{action}: unknown (needed)",
    (None, False): "{action}: unknown (optional)",
}
_SIGNS = {True: ("check", "good"), False: ("close", "danger"), None: ("minus", "muted")}


class ProfilesModel(QAbstractListModel):
    """One row per profile; the current one is marked."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._profiles: tuple[Profile, ...] = ()
        self._used = ""
        self._read_only = False

    def show(self, profiles: Sequence[Profile], used: str) -> None:
        """Show other profiles; `used` is the name of the current one."""
        self.beginResetModel()
        self._profiles = tuple(profiles)
        self._used = used
        self.endResetModel()

    def set_read_only(self, read_only: bool) -> None:
        """Show whether the current profile is locked; one of production may be unlocked for a time."""
        if read_only != self._read_only:
            self._read_only = read_only
            if self._profiles:
                self.dataChanged.emit(self.index(0), self.index(len(self._profiles) - 1))

    @property
    def used(self) -> str:
        """The name of the current profile."""
        return self._used

    def profile(self, row: int) -> Profile | None:
        """Return the profile of a row, or None when there is no such row."""
        return self._profiles[row] if 0 <= row < len(self._profiles) else None

    def row_of(self, name: str) -> int:
        """Return the row of a profile, or -1."""
        return next((row for row, each in enumerate(self._profiles) if each.name == name), -1)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of profiles."""
        return 0 if parent.isValid() else len(self._profiles)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a profile's name, colour and details."""
        if not index.isValid():
            return None
        profile = self._profiles[index.row()]
        used = profile.name == self._used
        aside = _aside(profile, used=used, read_only=self._read_only)
        cells: dict[int, Any] = {
            Qt.ItemDataRole.DisplayRole: profile.name,
            Qt.ItemDataRole.ToolTipRole: profile_details(profile),
            Qt.ItemDataRole.AccessibleDescriptionRole: f"{profile.colour.value}, {aside}",
            DOT_ROLE: PROFILE_TONES[profile.colour],
            ASIDE_ROLE: aside,
        }
        return cells.get(role)


def _aside(profile: Profile, *, used: bool, read_only: bool) -> str:
    if not profile.production:
        return "in use" if used else ""
    if not used:
        return "read-only"
    return "in use · read-only" if read_only else "in use · writing"


def profile_details(profile: Profile) -> str:
    """Return the details of a profile, one per line: source of the keys, bucket, region, endpoint."""
    named = profile.aws_profile
    source = f"AWS profile {named}" if named else SOURCES[profile.source]
    lines = [source, f"{profile.bucket} in {profile.region}"]
    if profile.role_arn:
        lines.append(f"then assumes {profile.role_arn}")
    lines.append(profile.endpoint_url or default_endpoint_text())
    return "\n".join(lines)


class PermissionsModel(QAbstractListModel):
    """One row per permission: ✓, ✗ or a dash, the action, and the reason as a tooltip."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._results: list[PermissionResult] = []

    def clear(self) -> None:
        """Remove all permissions."""
        self.beginResetModel()
        self._results = []
        self.endResetModel()

    def add(self, result: PermissionResult) -> None:
        """Add a permission."""
        at = len(self._results)
        self.beginInsertRows(QModelIndex(), at, at)
        self._results.append(result)
        self.endInsertRows()

    @property
    def results(self) -> tuple[PermissionResult, ...]:
        """The permissions that are shown."""
        return tuple(self._results)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of permissions."""
        return 0 if parent.isValid() else len(self._results)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the action, sign or tooltip of a permission."""
        if not index.isValid():
            return None
        result = self._results[index.row()]
        if role == Qt.ItemDataRole.DecorationRole:
            return icon(*_sign(result))
        cells: dict[int, Any] = {
            Qt.ItemDataRole.DisplayRole: result.action,
            Qt.ItemDataRole.ToolTipRole: permission_text(result),
            Qt.ItemDataRole.AccessibleTextRole: permission_text(result),
            MONO_ROLE: True,
            # A missing optional permission is no problem, so it does not attract attention.
            TONE_ROLE: None if result.ok or result.needed == "contract" else "muted",
        }
        return cells.get(role)


def _sign(result: PermissionResult) -> tuple[str, str]:
    name, tone = _SIGNS[result.ok]
    return (name, "muted") if result.ok is False and result.needed == "extra" else (name, tone)


def permission_text(result: PermissionResult) -> str:
    """Return a permission as text: whether it is allowed, whether it is needed, and why."""
    text = _PERMISSION_TEXTS[result.ok, result.needed == "contract"]
    return f"{text.format(action=result.action)}\n{result.detail}".strip()
