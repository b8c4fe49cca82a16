"""The Links tab: creates and tests links, and lists all links of this computer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtGui import QGuiApplication, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QTableView, QVBoxLayout, QWidget

from core.errors import InvalidInput, StorageError
from core.links.check import LinkCheck, check_link
from core.links.existence import existing_keys
from core.links.ledger import Entry, LedgerPage
from core.links.make import FORM, Link, actual_lifetime, make_forms, make_links
from core.links.render import FORMATS, as_text
from core.model.change import Change, ChangeKind
from core.objects.presign import Lifetime
from core.units import format_counted, utc_now
from core.work import Work
from core.workspace import Workspace
from gui.context import Context
from gui.tabs.base import Tab
from gui.tabs.links.form import LinkForm
from gui.tabs.links.models import MADE_BY, SIGNED_WITH, LedgerModel, NewLinksModel, warning_text
from gui.tabs.links.options_dialog import LinkOptionsDialog
from gui.tabs.links.qr_dialog import QRDialog
from gui.tabs.links.revocation import Revocation
from gui.widgets.buttons import menu_button, plain_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import muted_label
from gui.widgets.panel import Panel, splitter
from gui.widgets.table import columns_of, make_table

#: How many objects of the form, and of the newest links, are checked with one request each.
_CHECKED_KEYS, _CHECKED_LINKS = 20, 100
#: Pixels of the columns after the object, and the width below which two of them are hidden.
_LEDGER_WIDTHS, _WIDE, _NARROW = (84, 104, 124, 100, 196), 880, 600
_REVOCATION = (
    "A single link cannot be revoked. It stops working when it expires, when the access key that "
    "signed it is deactivated or deleted (with all other links of that key), when the object is "
    "deleted or renamed, or when a bucket policy denies the request."
)


class LinksTab(Tab):
    """The form for new links at the left; new links and the list of all links at the right."""

    origin = "Links"

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._ledger = Workspace.ledger()
        #: Whether objects have changed since their existence was checked.
        self._stale = False
        self.form = LinkForm()
        self.made = NewLinksModel(self)
        self.ledger_model = LedgerModel(self)
        self.made_table = make_table(
            self.made, "New links", settings=context.settings, key="links/made",
            sortable=False, multiple=True,
        )  # fmt: skip
        self.ledger_table = make_table(
            self.ledger_model, "All links", settings=context.settings, key="links/ledger",
            sortable=False,
        )  # fmt: skip
        self.copy = plain_button("Copy", self._on_copy, icon_name="copy")
        self.copy_as = menu_button("Copy as", self._copy_menu())
        self.try_out = plain_button("Test", self._on_test)
        self.qr = plain_button("QR code", self._on_qr)
        self.revoke = plain_button("Revoke…", self._on_revoke)
        self._revocation = Revocation(self, self._ledger)
        self._made_view = Loadable(
            self.made_table,
            EmptyState(
                "No links created yet",
                "Enter keys at the left, select how long the links are valid, and create them.",
            ),
        )
        self._ledger_view = Loadable(
            self.ledger_table,
            EmptyState(
                "No links yet", "Every link created here is listed, but its URL is never stored."
            ),
        )
        self._lay_out()
        self.form.wanted.connect(self._on_wanted)
        self.form.life_changed.connect(self._on_life)
        self.form.check_wanted.connect(self._check_keys)
        self.form.options_wanted.connect(self._on_options)
        self.ledger_table.selectionModel().selectionChanged.connect(self._update_buttons)
        self.ledger_model.modelReset.connect(self._update_buttons)
        self._update_buttons()

    def _lay_out(self) -> None:
        actions = (self.try_out, self.qr, self.copy_as, self.copy)
        made = Panel("Links", self._made_view, actions=actions)
        ledger = _LedgerPanel(self.ledger_table, self._ledger_view, self.revoke)
        note = muted_label(_REVOCATION, wrap=True, small=True)
        note.setContentsMargins(12, 8, 12, 8)
        note.setMinimumHeight(66)  # three lines in a narrow window
        ledger.add(note)
        right = splitter(made, ledger, vertical=True, sizes=(320, 360))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(
            splitter(Panel("Create links", self.form), right, sizes=(380, 900), stretch=(1, 2)), 1
        )

    def _copy_menu(self) -> QMenu:
        menu = QMenu(self)
        for title, render in FORMATS:
            action = menu.addAction(title)
            action.setData(render)
        menu.triggered.connect(self._on_copy_as)
        return menu

    def open_target(self, target: object) -> None:
        """Fill in the keys that another tab has sent."""
        if isinstance(target, str):
            self.form.set_keys([target])
        elif isinstance(target, (list, tuple)):
            self.form.set_keys([str(key) for key in target])

    def showEvent(self, event: QShowEvent) -> None:
        """Check again which objects exist if some changed while the tab was hidden."""
        super().showEvent(event)
        if self._stale:
            self._check_all()

    def _do_workspace(self, workspace: Workspace | None) -> None:
        self.banner.clear()
        self.made.show(())
        self._made_view.show_empty()
        self._update_buttons()
        self._load_ledger()
        if workspace is not None:
            self._on_life(self.form.seconds)
            self._check_keys()

    def _do_refresh(self) -> None:
        self._load_ledger()
        self._on_life(self.form.seconds)
        self._check_keys()

    def _do_change(self, change: Change) -> None:
        """Check again which objects exist after some were written, deleted or moved."""
        if change.kind is ChangeKind.OBJECTS:
            # A hidden tab would send requests for each change in other tabs; it checks once when it
            # is shown.
            self._stale = True
            if self.isVisible():
                self._check_all()

    def _check_all(self) -> None:
        self._stale = False
        self._check_keys()
        self._check_links()

    def _check_keys(self) -> None:
        """Check whether the objects of the form exist before links are created."""
        workspace, keys = self.context.workspace, self.form.chosen_keys[:_CHECKED_KEYS]
        if workspace is not None and keys:
            self.run(
                "Check which objects exist",
                lambda work: existing_keys(workspace.bucket, keys, work=work),
                self.form.show_existence,
                failed=_ignore,  # creating the links reports it
                latest="links/keys",
                quiet=True,
            )

    def _check_links(self) -> None:
        """Check whether the objects of the profile's newest download links exist."""
        workspace = self.context.workspace
        if workspace is None:
            return
        profile, bucket = workspace.profile.name, workspace.profile.bucket
        keys = self.ledger_model.keys_to_check(profile, bucket, _CHECKED_LINKS)
        if not keys:
            return
        show = partial(self.ledger_model.show_existence, profile, bucket)
        self.run(
            "Check which linked objects exist",
            lambda work: existing_keys(workspace.bucket, keys, work=work),
            show,
            batch=show,
            failed=_ignore,  # their state stays “not checked”
            latest="links/existence",
            quiet=True,
        )

    def _on_life(self, seconds: int) -> None:
        workspace = self.context.workspace
        if workspace is None:
            return
        self.run(
            "Calculate the expiry of a link",
            lambda work: actual_lifetime(
                workspace.bucket, seconds, key_ends=workspace.key_ends(), work=work
            ),
            self._on_lifetime,
            latest="links/life",
            quiet=True,
        )

    def _on_lifetime(self, life: Lifetime) -> None:
        self.form.show_lifetime(life)

    def _on_wanted(self) -> None:
        workspace, keys = self.context.workspace, self.form.chosen_keys
        if workspace is None or not keys:
            return
        method, seconds, ledger = self.form.purpose.current, self.form.seconds, self._ledger
        options = self.form.choices.for_method(method, len(keys))
        limits = self.form.choices.limits

        def make(work: Work) -> tuple[Link, ...]:
            if method == FORM:
                return make_forms(
                    workspace.bucket, keys, limits=limits, seconds=seconds,
                    key_ends=workspace.key_ends(), made_by=workspace.profile.name,
                    ledger=ledger, work=work,
                )  # fmt: skip
            return make_links(
                workspace.bucket, keys, method=method, options=options, seconds=seconds,
                key_ends=workspace.key_ends(), made_by=workspace.profile.name,
                ledger=ledger, work=work,
            )  # fmt: skip

        noun = "form" if method == FORM else "link"
        self.run(
            f"Create {format_counted(len(keys), noun)}",
            make,
            self._on_made,
            call=self.call(f"links.{method.lower()}", keys=keys),
        )

    def _on_made(self, links: tuple[Link, ...]) -> None:
        self.made.show(links)
        columns_of(self.made_table).fit_content()
        self._warn(links)
        workspace = self.context.workspace
        if workspace is not None:
            checked = (one for one in links if one.exists is not None and not one.version_id)
            found = {link.key: link.exists for link in checked}
            profile = workspace.profile
            self.ledger_model.show_existence(profile.name, profile.bucket, found)
        self._made_view.show_view()
        self.made_table.selectAll()
        self._update_buttons()
        self._load_ledger()

    def _warn(self, links: Sequence[Link]) -> None:
        """Warn about what may prevent a link from working, before it is sent to anyone."""
        warned = [link for link in links if link.warnings]
        if not warned:
            self.banner.clear()
        elif len(warned) == 1:
            self.banner.show_warning(f"{warned[0].key}: {'; '.join(warned[0].warnings)}.")
        else:
            self.banner.show_warning(warning_text(len(warned), links))

    def _load_ledger(self) -> None:
        ledger = self._ledger
        self.run(
            "Read the list of links",
            lambda _work: ledger.read(),
            self._on_ledger,
            latest="links/ledger",
            quiet=True,
        )

    def _on_ledger(self, page: LedgerPage) -> None:
        self.ledger_model.show(page.entries)
        columns_of(self.ledger_table).fit_content()
        self._check_links()
        if page.entries:
            self._ledger_view.show_view()
        else:
            self._ledger_view.show_empty()
        if page.broken:
            where = f" They were moved to {page.aside}." if page.aside else ""
            self.banner.show_warning(
                f"{format_counted(page.broken, 'line')} of the list of links could not be read.{where}"
            )

    def _selected_links(self) -> list[Link]:
        rows = sorted({index.row() for index in self.made_table.selectionModel().selectedRows()})
        return [self.made.item(row) for row in rows] or list(self.made.links)

    def _on_copy(self) -> None:
        self._copied(as_text)

    def _on_copy_as(self, action: object) -> None:
        self._copied(action.data())  # type: ignore[attr-defined] # an action of the menu above

    def _copied(self, render: Callable[[Sequence[Link]], str]) -> None:
        links = self._selected_links()
        if links:
            QGuiApplication.clipboard().setText(render(links))
            ended = sum(link.expires <= utc_now() for link in links)
            if ended:
                self.banner.show_warning(
                    f"{ended} of {format_counted(len(links), 'copied link')} can no longer be used.",
                    "Expired links have to be created again at the left.",
                )
                return
            self.banner.show_info(
                f"Copied: {format_counted(len(links), 'link')}. Anyone with a URL can use it until it expires."
            )

    def _on_options(self) -> None:
        form = self.form
        LinkOptionsDialog(
            self, form.purpose.current, len(form.chosen_keys), form.choices, form.set_choices
        ).open()

    def _on_qr(self) -> None:
        (link,) = self._selected_links()[:1]
        try:
            dialog = QRDialog(self, link)
        except InvalidInput as error:
            self.show_error(error)
        else:
            dialog.open()

    def _on_revoke(self) -> None:
        entry = self._selected_entry()
        if entry is not None:
            self._revocation.open(entry, self.ledger_model.entries)

    def _selected_entry(self) -> Entry | None:
        rows = self.ledger_table.selectionModel().selectedRows()
        return self.ledger_model.entry(rows[0].row()) if rows else None

    def _on_test(self) -> None:
        # The test of an upload link would write an object.
        links = [link for link in self._selected_links() if link.method == "GET"]
        if not links:
            self.banner.show_info("Only download links can be tested without changing anything.")
        workspace = self.context.workspace
        bucket = workspace.bucket if workspace is not None else None
        # Each test sends two requests: one for the properties of the object, and one for its first
        # byte.
        for link in links[:20]:
            self.run(
                "Test a link",
                lambda work, link=link: (link.key, check_link(link, bucket=bucket, work=work)),  # type: ignore[misc] # bound per turn
                self._on_tested,
                failed=self._on_test_failed,
            )

    def _on_tested(self, found: tuple[str, LinkCheck]) -> None:
        key, check = found
        self.made.set_test(key, check.explanation, "good" if check.works else "danger")
        columns_of(self.made_table).fit_content()

    def _on_test_failed(self, error: StorageError) -> None:
        self.made.set_test(error.subject, error.summary, "danger")

    def _update_buttons(self, *_changed: object) -> None:
        for button in (self.copy, self.copy_as, self.try_out, self.qr):
            button.allow(bool(self.made.links), "Create a link first.")
        entry = self._selected_entry()
        if entry is None:
            self.revoke.allow(allowed=False, reason="Select a link in the list first.")
        else:
            self.revoke.allow(entry.alive(), "This link has expired already.")


class _LedgerPanel(Panel):
    """The table of all links; a narrow one hides the profile and the access key."""

    def __init__(self, table: QTableView, view: QWidget, revoke: QWidget) -> None:
        super().__init__("All links", view, actions=(revoke,))
        self._table = table
        columns_of(table).fill_with_names(*_LEDGER_WIDTHS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide or show columns according to the available width."""
        super().resizeEvent(event)
        width = event.size().width()
        self._table.setColumnHidden(SIGNED_WITH, width < _WIDE)
        self._table.setColumnHidden(MADE_BY, width < _NARROW)
        columns_of(self._table).fill_with_names(*_LEDGER_WIDTHS)


def _ignore(_error: StorageError) -> None:
    """Ignore the failure of a background check."""
