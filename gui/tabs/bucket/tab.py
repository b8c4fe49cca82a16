"""The Bucket tab: loads lifecycle rules and safety checks, and saves rules with an undo."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.errors import AccessDenied, StorageError
from core.health.facts import BucketFacts, fetch
from core.lifecycle import side_effects, store
from core.lifecycle.rules import Configuration, difference
from core.lifecycle.sentences import difference_lines, rule_name
from core.lifecycle.store import FormerRules, Saved
from core.model.change import Change, ChangeKind
from core.workspace import Workspace
from gui import actions, shortcuts
from gui.context import Context
from gui.dialogs.confirm import ask
from gui.tabs.base import Tab
from gui.tabs.bucket.facts_view import FactsView
from gui.tabs.bucket.rule_dialog import FormerRulesDialog, RuleDialog
from gui.tabs.bucket.rules_table import RowHeights, RulesModel
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import AgePill
from gui.widgets.panel import Panel, splitter
from gui.widgets.table import make_table

_NO_RULES = (
    "No lifecycle rules",
    "Rules move old objects to cheaper storage classes and delete what is no longer needed.",
)
#: The minimum width of the safety checks in pixels; their sentences wrap.
_MIN_SAFETY_WIDTH = 320
_UNCHECKED = (
    "Not checked yet",
    "Encryption, versioning and public access of the bucket are checked when it is opened.",
)


class BucketTab(Tab):
    """Rules at the left, safety checks at the right; both are loaded when the bucket is opened."""

    origin = "Bucket"

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._seen: Configuration | None = None
        self._facts_known = False
        self.model = RulesModel(self)
        self.table = make_table(
            self.model, "Lifecycle rules", settings=context.settings, key="bucket/rules",
            sortable=False,
        )  # fmt: skip
        RowHeights(self.table)
        self.add = primary_button("Add rule…", self._on_add)
        self.former = plain_button("Former rules…", self._on_former)
        self.remove = plain_button(actions.action("rules.remove").text, self._on_remove)
        self._empty = EmptyState(
            *_NO_RULES,
            "Add rule…",
            self._on_add,
        )
        self._rules = Loadable(self.table, self._empty)
        self._facts_view = FactsView()
        self._unchecked = EmptyState(*_UNCHECKED)
        self._facts = Loadable(self._facts_view, self._unchecked)
        self._age, self._rules_age = AgePill(), AgePill()
        self._wanted = ""
        self._lay_out()
        self.table.selectionModel().selectionChanged.connect(self._update_buttons)
        shortcuts.bind_button("rules.remove", self.table, self.remove)
        context.read_only_changed.connect(self._update_buttons)
        self._update_buttons()

    def _lay_out(self) -> None:
        rules = Panel("Lifecycle rules", self._rules, actions=(self.former, self.remove, self.add))
        safety = Panel("Safety", self._facts)
        safety.setMinimumWidth(_MIN_SAFETY_WIDTH)
        safety.head.add_pill(self._age)
        rules.head.add_pill(self._rules_age)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(splitter(rules, safety, sizes=(820, 460), stretch=(2, 1)), 1)

    def _do_workspace(self, _workspace: Workspace | None) -> None:
        self._seen, self._wanted = None, ""
        self.model.show(Configuration())
        self._facts_known = False
        for part, age in ((self._rules, self._rules_age), (self._facts, self._age)):
            part.show_empty()  # the text may be that of the former bucket
            age.clear_age()
        self.banner.clear()
        self._do_refresh()

    def _do_refresh(self) -> None:
        workspace = self.context.workspace
        if workspace is None:
            for part in (self._rules, self._facts):
                part.show_unconnected(self.choose_profile)
            return
        self._rules.show_loading()
        self._facts.show_loading()
        bucket = workspace.bucket
        self.run(
            "Read lifecycle rules",
            lambda work: store.read(bucket, work=work),
            self._on_rules,
            failed=self._on_rules_failed,
            latest="bucket/rules",
            quiet=True,
        )
        self.run(
            "Check the bucket's safety",
            lambda work: fetch(bucket, work=work),
            self._on_facts,
            failed=self._on_facts_failed,
            latest="bucket/facts",
            quiet=True,
        )

    def _do_change(self, change: Change) -> None:
        if change.kind is ChangeKind.BUCKET and change.origin != self.origin:
            self._do_refresh()

    def _on_rules(self, found: Configuration) -> None:
        self._rules_age.set_fetched()
        self._show_rules(found)

    def _show_rules(self, found: Configuration) -> None:
        self._seen = found
        self.model.show(found)
        self._empty.set_text(
            *_NO_RULES,
            "Add rule…",
        )
        if found.rules:
            self._rules.show_view()
        else:
            self._rules.show_empty()
        self._update_buttons()
        self._open_wanted()

    def _on_rules_failed(self, error: StorageError) -> None:
        if self._seen is not None:  # rules that were loaded before stay visible
            self._rules_age.set_failed()
            self._show_rules(self._seen)
            self.show_error(error, self._do_refresh)
            return
        if isinstance(error, AccessDenied):
            self._empty.set_text("Access to the rules is denied", f"This needs {error.action}.", "")
        else:
            self._empty.set_text("The rules could not be loaded", error.summary, "")
            self.show_error(error, self._do_refresh)
        self._rules.show_empty()
        self._update_buttons()

    def _on_facts(self, facts: BucketFacts) -> None:
        self._facts_view.show_facts(facts)
        self._facts.show_view()
        self._facts_known = True
        self._age.set_fetched(facts.fetched)

    def _on_facts_failed(self, error: StorageError) -> None:
        self._age.set_failed()
        if not self._facts_known:
            self._unchecked.set_text("The bucket could not be checked", error.summary, "")
            self._facts.show_empty()
        self.show_error(error, self._do_refresh)

    def open_target(self, target: object) -> None:
        """Open a new rule with the template of a title, once the present rules are known."""
        if isinstance(target, str):
            self._wanted = target
            self._open_wanted()

    def _open_wanted(self) -> None:
        wanted, reason = self._wanted, self.add.reason
        if wanted and self._seen is not None:
            self._wanted = ""
            if reason:  # for example a profile that is read-only
                self.banner.show_warning(reason)
            else:
                self._open_rule(self._seen, wanted)

    def _on_add(self) -> None:
        if self._seen is not None:
            self._open_rule(self._seen)

    def _open_rule(self, seen: Configuration, template: str = "") -> None:
        # With the rules that the dialog shows: the tab may read other ones while it is open.
        RuleDialog(self, seen, partial(self._check, seen), template).open()

    def _on_remove(self) -> None:
        rule, seen = self.model.rule(self.table.currentIndex().row()), self._seen
        if rule is None or seen is None:
            return
        after = seen.without(rule)
        ask(
            self,
            f"Remove the rule {rule_name(rule)}?",
            "Objects that it has already moved or deleted do not change. You can undo this.",
            lambda: self._save(seen, after),
            names=difference_lines(difference(seen, after)),
            button="Remove rule",
            danger=True,
        )

    def _on_former(self) -> None:
        workspace = self.context.workspace
        if workspace is not None:
            name = workspace.bucket.name
            self.run(
                "Read former lifecycle rules",
                lambda _work: store.former_rules(name),
                self._show_former,
                quiet=True,
            )

    def _show_former(self, former: tuple[FormerRules, ...]) -> None:
        if not former:
            self.banner.show_info("No rules of this bucket were replaced on this computer.")
        elif (seen := self._seen) is not None:
            then, locked = partial(self._restore, seen), self.context.locked_reason
            FormerRulesDialog(self, seen, former, then, locked=locked).open()

    def _restore(self, seen: Configuration, former: Configuration) -> None:
        workspace = self.context.workspace
        if workspace is None:
            return
        bucket = workspace.bucket
        self.run(
            "Restore former lifecycle rules",
            lambda work: store.restore(bucket, seen, former, work=work),
            self._on_restored,
            call=self.call("lifecycle.save"),
        )

    def _on_restored(self, saved: Saved) -> None:
        self._on_rules(saved.after)
        self.banner.show_good(
            "The former rules were restored and verified.",
            action=("Undo", lambda: self._undo(saved)),
        )

    def _check(self, seen: Configuration, after: Configuration) -> None:
        """Find the objects that the new rules would affect; save at once if there is nothing to confirm."""
        workspace = self.context.workspace
        if workspace is None:
            return
        bucket = workspace.bucket
        self.run(
            "Check what the rules match",
            lambda work: side_effects.side_effect_warnings(bucket, seen, after, work=work),
            lambda doubts: self._ask_or_save(doubts, seen, after),
            quiet=True,
        )

    def _ask_or_save(
        self, doubts: tuple[str, ...], seen: Configuration, after: Configuration
    ) -> None:
        if not doubts:
            self._save(seen, after)
            return
        ask(
            self,
            "Save the rule anyway?",
            "The rule may not do what you intend. Nothing has been saved yet.",
            lambda: self._save(seen, after),
            names=doubts,
            button="Save anyway",
        )

    def _save(self, seen: Configuration, after: Configuration) -> None:
        """Save rules in the place of those that the user has seen."""
        workspace = self.context.workspace
        if workspace is None:
            return
        bucket = workspace.bucket
        self.run(
            "Save lifecycle rules",
            # With the rules that were read, so that changes of another client are detected.
            lambda work: store.save(bucket, seen, after, work=work),
            self._on_saved,
            call=self.call("lifecycle.save"),
        )

    def _on_saved(self, saved: Saved) -> None:
        self._on_rules(saved.after)
        self.banner.show_good(
            "The rules were saved and verified.", action=("Undo", lambda: self._undo(saved))
        )

    def _undo(self, saved: Saved) -> None:
        workspace = self.context.workspace
        if workspace is None:
            return
        bucket = workspace.bucket
        self.run(
            "Undo the change of lifecycle rules",
            lambda work: store.undo(bucket, saved, work=work),
            self._on_undone,
            call=self.call("lifecycle.save", saved=saved),
        )

    def _on_undone(self, saved: Saved) -> None:
        self._on_rules(saved.after)
        self.banner.show_info("The former rules were restored.")

    def _update_buttons(self, *_changed: object) -> None:
        reason = self.context.locked_reason
        if self._seen is None:
            reason = "The rules have not been loaded."
        picked = self.model.rule(self.table.currentIndex().row()) is not None
        self.former.allow(self._seen is not None, "The rules have not been loaded.")
        self.add.allow(not reason, reason)
        self._empty.button.allow(not reason, reason)
        self.remove.allow(not reason and picked, reason or "Select a rule first.")
