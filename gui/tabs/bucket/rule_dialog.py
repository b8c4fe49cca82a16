"""The dialogs that add a lifecycle rule and restore former ones, and show what would change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QFormLayout, QLineEdit, QPlainTextEdit, QSpinBox, QWidget

from core.errors import StorageError
from core.lifecycle.checks import INFREQUENT_DAYS
from core.lifecycle.rules import Configuration, Rule, difference
from core.lifecycle.sentences import difference_lines
from core.lifecycle.store import FormerRules
from core.lifecycle.templates import TEMPLATES, archive
from core.units import format_counted, format_moment
from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import combo_box, inset
from gui.widgets.labels import muted_label, shown, text_label

#: Index of the only template that has fields.
_ARCHIVE = 0


class RuleDialog(Dialog):
    """The template, its numbers, and the difference to the existing rules.

    Args:
        parent: the view that opens it.
        present: the rules of the bucket.
        then: gets the rules to be saved.
        template: the title of the template that is selected first; empty for the first one.
    """

    def __init__(
        self,
        parent: QWidget,
        present: Configuration,
        then: Callable[[Configuration], object],
        template: str = "",
    ) -> None:
        super().__init__(parent, "Add a lifecycle rule", width=560)
        self._present, self._then = present, then
        self._after: Configuration | None = None
        self.template = combo_box("Template")
        self.template.addItems([each.title for each in TEMPLATES])
        self.template.setCurrentIndex(max(self.template.findText(template), 0))
        self.prefix = QLineEdit("market-data/")
        self.prefix.setFont(theme.mono_font())
        self.prefix.setAccessibleName("Folder to archive")
        self.ia_days = _days("Days until Standard-IA", 30, minimum=INFREQUENT_DAYS)
        # S3 requires 30 days before Standard-IA and 30 days in it before the next class.
        self.glacier_days = _days("Days until Glacier", 90, minimum=2 * INFREQUENT_DAYS)
        self._purpose = muted_label("", wrap=True)
        self._problem = text_label("", "danger", wrap=True)
        self._preview = _preview()
        self.save = primary_button("Save and verify", self._on_save)
        self._lay_out()
        self.template.currentIndexChanged.connect(self._refresh)
        self.prefix.textChanged.connect(self._refresh)
        self.ia_days.valueChanged.connect(self._refresh)
        self.glacier_days.valueChanged.connect(self._refresh)
        self._refresh()

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setSpacing(8)
        self._form.addRow("Template", self.template)
        self._form.addRow("", self._purpose)
        self._form.addRow("Folder", self.prefix)
        self._form.addRow("Standard-IA after", self.ia_days)
        self._form.addRow("Glacier after", self.glacier_days)
        self.body.addLayout(self._form)
        self.body.addWidget(
            muted_label("Saving makes these changes; all other rules stay the same:", wrap=True)
        )
        self.body.addWidget(self._preview)
        # Above the buttons: it appears after the dialog has got its size.
        self.add_note(self._problem)
        self.add_buttons(plain_button("Cancel", self.reject), self.save)

    def _refresh(self, *_changed: object) -> None:
        number = self.template.currentIndex()
        for field in (self.prefix, self.ia_days, self.glacier_days):
            self._form.setRowVisible(field, number == _ARCHIVE)
        self._purpose.setText(TEMPLATES[number].purpose)
        try:
            self._after = self._present.merged(self._rule(number))
            problem = ""
        except StorageError as error:
            # The dialog stays open: the reason is shown at once, before S3 would refuse the rule.
            parts = (error.summary, error.cause.removesuffix("."), error.remedy)
            self._after, problem = None, ". ".join(part for part in parts if part)
        self._show(problem)

    def _rule(self, number: int) -> Rule:
        if number != _ARCHIVE:
            return TEMPLATES[number].rule
        return archive(
            prefix=self.prefix.text(),
            ia_days=self.ia_days.value(),
            glacier_days=self.glacier_days.value(),
        )

    def _show(self, problem: str) -> None:
        lines: tuple[str, ...] = ()
        if self._after is not None:
            lines = difference_lines(difference(self._present, self._after))
            problem = problem or ("" if lines else "This rule already exists.")
        self._preview.setPlainText(shown("\n".join(lines), lines=True))
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self.save.allow(bool(lines), problem)

    def _on_save(self) -> None:
        if self._after is not None:
            self._then(self._after)
            self.accept()


class FormerRulesDialog(Dialog):
    """The configurations that were replaced on this computer, and what restoring one changes.

    Args:
        parent: the tab.
        present: the rules that the bucket has.
        former: the former configurations, newest first; at least one.
        then: gets the configuration to restore.
        locked: why nothing can be saved, or empty.
    """

    def __init__(
        self,
        parent: QWidget,
        present: Configuration,
        former: Sequence[FormerRules],
        then: Callable[[Configuration], object],
        *,
        locked: str = "",
    ) -> None:
        super().__init__(
            parent,
            "Former rules",
            "These rules were replaced by changes on this computer. Restoring them replaces all "
            "present rules:",
            width=560,
        )
        self._present, self._former, self._then, self._locked = present, former, then, locked
        self.choice = combo_box("Former rules")
        for each in former:
            rules = format_counted(len(each.configuration.rules), "rule")
            self.choice.addItem(f"{rules}, until {format_moment(each.replaced)}")
        self._preview = _preview()
        self.go = primary_button("Restore and verify", self._on_restore)
        self.body.addWidget(self.choice)
        self.body.addWidget(self._preview)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        self.choice.currentIndexChanged.connect(self._refresh)
        self._refresh()

    @property
    def _chosen(self) -> Configuration:
        return self._former[self.choice.currentIndex()].configuration

    def _refresh(self, *_changed: object) -> None:
        lines = difference_lines(difference(self._present, self._chosen))
        same = "" if lines else "The bucket has these rules at present."
        self._preview.setPlainText(shown("\n".join(lines), lines=True) or same)
        reason = self._locked or same
        self.go.allow(not reason, reason)

    def _on_restore(self) -> None:
        # First, because the former rules are restored by a task of the tab.
        self.accept()
        self._then(self._chosen)


def _days(name: str, value: int, *, minimum: int) -> QSpinBox:
    box = inset(QSpinBox())
    # A hundred years, far above every use.
    box.setRange(minimum, 36500)
    box.setValue(value)
    box.setSuffix(" days")
    box.setAccessibleName(name)
    return box


def _preview() -> QPlainTextEdit:
    view = QPlainTextEdit()
    view.setReadOnly(True)
    view.setFont(theme.mono_font())
    view.setFixedHeight(96)
    view.setAccessibleName("Changes")
    return view
