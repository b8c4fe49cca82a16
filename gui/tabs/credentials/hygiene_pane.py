"""The hygiene board: how old every secret is, and what should be done about it, at a glance."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.health.hygiene import Board, SecretHygiene
from gui.context import Context
from gui.models.roles import SORT_ROLE
from gui.tabs.credentials.hygiene_model import STATE, HygieneModel
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import Pill, muted_label
from gui.widgets.panel import SectionHead, row
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_table
