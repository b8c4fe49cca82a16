"""Every dialog of the window, opened with plausible content."""

import ast
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from helpers.browser_dialogs import BROWSER_MAKERS
from helpers.frame import workspace_of
from helpers.together_dialogs import TOGETHER_MAKERS
from PySide6.QtWidgets import QDialog, QWidget

from core.aws.sign_in import MfaQuestion
from core.backup.query import QueryResult
from core.backup.schedule import schedule_name
from core.errors import LocalIOError
from core.health.hygiene import SecretHygiene
from core.lifecycle.rules import Configuration
from core.lifecycle.store import FormerRules
from core.lifecycle.templates import archive
from core.limits import LimitValues
from core.links.ledger import Entry
from core.links.make import Link
from core.links.options import LinkOptions
from core.model.backup import Backup, Origin
from core.model.backup_run import BackupRun
from core.model.comparison import BackupComparison, ComparedRow, RowChange
from core.model.connection import KeySource, Profile
from core.model.doctor import Diagnosis, Finding, FindingKind, Repair, RepairKind
from core.model.retention import RetentionDecision, RetentionRule
from core.model.schedule import (
    BackupFinding,
    BackupHealth,
    BackupProblem,
    Every,
    Schedule,
    ScheduleFormat,
)
from core.model.secrets import SecretInfo, SecretValue
from core.model.upload_options import Encryption, UploadOptions
from core.redaction import Secret
from core.rotation.rollback import Move, RollBack
from core.secrets.secret_text import SecretDiff
from core.transfer.sync_values import SyncAction, SyncDirection, SyncItem, SyncPlan, SyncReason
from gui.context import Context
from gui.dialogs.confirm import Confirm, Question
from gui.dialogs.crash import CrashDialog
from gui.dialogs.file_as import FileAsDialog
from gui.dialogs.mfa import MfaForm, MfaRequest
from gui.dialogs.name import NameDialog
from gui.dialogs.policies import Policies
from gui.dialogs.profile_editor import ProfileEditor
from gui.dialogs.start_failure import StartFailure
from gui.dialogs.wizard import Wizard
from gui.main_window.shortcut_list import ShortcutList
from gui.tabs.backups.comparison import ComparisonDialog
from gui.tabs.backups.condition_dialog import ConditionDialog
from gui.tabs.backups.encryption_dialog import EncryptionDialog
from gui.tabs.backups.findings_dialog import FindingsDialog
from gui.tabs.backups.query_dialog import QueryDialog
from gui.tabs.backups.retention_dialog import RetentionDialog, RetentionScope
from gui.tabs.backups.schedule_entry import ScheduleEntry
from gui.tabs.backups.schedule_form import ScheduleChoices, ScheduleForm
from gui.tabs.backups.schedules_dialog import SchedulesDialog
from gui.tabs.backups.secret_dialog import SecretDialog
from gui.tabs.backups.selection_dialog import SelectionDialog
from gui.tabs.backups.server_dialog import ServerDialog
from gui.tabs.backups.sources import Source
from gui.tabs.browser.existing_dialog import ExistingFile, ExistingFiles
from gui.tabs.bucket.rule_dialog import FormerRulesDialog, RuleDialog
from gui.tabs.credentials.hygiene.hygiene_actions import LimitDialog
from gui.tabs.credentials.rotation.doctor_dialog import DoctorDialog
from gui.tabs.credentials.rotation.rotation_actions import NewValues
from gui.tabs.credentials.secrets.edit_conflict import EditConflict
from gui.tabs.credentials.secrets.secret_dialogs import DeleteSecret, NewSecret
from gui.tabs.credentials.secrets.version_dialogs import CompareVersions, RollBackPreview
from gui.tabs.links.options_dialog import LinkChoices, LinkOptionsDialog
from gui.tabs.links.qr_dialog import QRDialog
from gui.tabs.links.revoke_dialog import RevokeDialog, StatementDialog
from gui.tabs.uploads.limits_dialog import LimitsDialog
from gui.tabs.uploads.options_dialog import UploadOptionsDialog
from gui.tabs.uploads.sync_dialog import SyncDialog
from gui.tabs.uploads.watch_dialog import WatchDialog
from gui.widgets.secret_generator import Generator

_GUI = Path(__file__).resolve().parents[2] / "gui"
_NAME = "cryptotrading/database"
_DAY = datetime(2024, 1, 15, 10, tzinfo=UTC)
_FOLDER = "/data/trader/.local/share/strongroom"
_PROFILE = Profile("main", KeySource.KEYRING, bucket="tentimecrypto")
_KEYS = [f"market-data/ohlcv/BTC-USD/1h/2024-01-15T{hour:02}:00:00Z.json" for hour in range(24)]
#: Classes that the others are made of, and the search, which belongs to the window.
BASES = frozenset({"Dialog", "Question", "Palette"})

Make = Callable[[QWidget, Context], QDialog]


def _nothing(*_values: Any) -> None:
    """Take an answer that no test waits for."""


def _value(password: str, version: str, **fields: str) -> SecretValue:
    pairs = {"host": "db.internal", "password": password, **fields}
    text = "{" + ", ".join(f'"{key}": "{value}"' for key, value in pairs.items()) + "}"
    return SecretValue(_NAME, version * 32, Secret(text), ("AWSCURRENT",), _DAY)


def _doctor(parent: QWidget, _context: Context) -> QDialog:
    repair = Repair(
        RepairKind.DEACTIVATE, "Deactivate the key", "It is refused from now on.", "Activate it."
    )
    delete = Repair(RepairKind.DELETE, "Delete the key", "It is gone.", "There is none.", "AKIAX")
    finding = Finding(
        FindingKind.ORPHAN_KEY, _NAME, "AKIAX", "bot has a second key", repairs=(repair, delete)
    )
    dialog = DoctorDialog(parent)
    dialog.show_diagnosis(Diagnosis((finding,) * 3, (_NAME,), ("a/c: needs iam:ListAccessKeys",)))
    dialog.examine_clicked.connect(lambda: dialog.banner.show_info("Examining."))
    dialog.secret_wanted.connect(dialog.banner.show_info)
    dialog.repair_clicked.connect(lambda _finding, done: dialog.banner.show_good(done.title))
    return dialog


def _edit_conflict(parent: QWidget, _context: Context) -> QDialog:
    return EditConflict(
        parent,
        opened=_value("first-password", "a"),
        theirs=_value("their-password", "b", port="5432"),
        mine=_value("my-password", "c", user="bot").text,
        load=_nothing,
        overwrite=_nothing,
    )


def _comparison(parent: QWidget, _context: Context) -> QDialog:
    before, after = (
        Backup(
            name,
            "orders",
            _DAY + timedelta(days=day),
            40_960,
            f"backups/{name}/_manifest.json",
            rows=1000,
        )
        for day, name in enumerate(("3f7a9c2b4d1e", "8c1d5e9a7b3f"))
    )
    rows = (
        ComparedRow(RowChange.ADDED, (), ("1001", "BTC-USD", "42017.5", "open")),
        ComparedRow(
            RowChange.CHANGED, ("17", "ETH-USD", "2271.25", "open"), ("17", "ETH-USD", "2271.5", "filled"),
            ("price", "status"),
        ),
        ComparedRow(RowChange.REMOVED, ("4", "SOL-USD", "93.1", "a long note " * 12), ()),
    )  # fmt: skip
    return ComparisonDialog(
        parent,
        BackupComparison(
            before, after, 12, 3, 1, 996, ("id",), ("id", "symbol", "price", "status"), rows * 8,
            ("column note is only in the second backup",),
            ("The second backup contains only the rows that meet: status <> 'void'",), seconds=1.4,
        ),
    )  # fmt: skip


def _query(parent: QWidget, _context: Context) -> QDialog:
    backup = Backup("3f7a9c2b4d1e", "orders", _DAY, 40_960, "backups/3f7a/_manifest.json", rows=40)
    dialog = QueryDialog(parent, backup)
    rows = tuple((n, f"{n % 3}a-USD", f"{n}.25", None, n % 2 == 0) for n in range(40))
    heads = ("id", "symbol", "price", "note", "open")
    types = ("BIGINT", "VARCHAR", "DECIMAL(18,2)", "VARCHAR", "BOOLEAN")
    dialog.show_result(QueryResult(backup, heads, types, rows, True, 40, 0.3, ("note: text",)))
    return dialog


def _roll_back(parent: QWidget, _context: Context) -> QDialog:
    moves = (Move("AWSCURRENT", "b" * 32, "a" * 32), Move("AWSPREVIOUS", "a" * 32, "b" * 32))
    difference = SecretDiff(changed=("password",), added=("port",))
    found = RollBack(
        _NAME, "b" * 32, "a" * 32, _DAY, "strongroom-admin", moves, difference,
        ("Its key is active.",), ("The key of that version was made 200 days ago.",),
    )  # fmt: skip
    return RollBackPreview(parent, found, _nothing)


def _limit(parent: QWidget, _context: Context) -> QDialog:
    row = SecretHygiene(SecretInfo(_NAME), timedelta(days=200), 90, limit_is_own=True)
    return LimitDialog(parent, row, _nothing)


def _deleting(parent: QWidget, _context: Context) -> QDialog:
    dialog = DeleteSecret(parent, _NAME, _nothing)
    dialog.more.click()
    dialog.force.setChecked(True)
    return dialog


_SCHEDULE = Schedule("/data/trading.db", ("orders", "users"), starter=None)
_HOURLY = Schedule("postgresql://backup@db/trading", (), Every.HOUR, "00:15", paused=True)
_CRON = Schedule("secret:trading", (), Every.WEEK, starter=ScheduleFormat.CRON)


def _watch(context: Context):
    """Return the watch with schedules, runs and findings, as after an examination."""
    watch, now = context.backup_watch, datetime.now(UTC)
    made = (_SCHEDULE, _HOURLY, _CRON)
    watch.schedules = {schedule_name(each): each for each in made}
    name = schedule_name(_SCHEDULE)
    watch.runs = {name: BackupRun(name, "/data/trading.db", (), now, now, "It was offline.")}
    failed = BackupFinding(
        BackupProblem.FAILED, "orders", "/data/trading.db", "It failed. " * 9, name
    )
    small = BackupFinding(BackupProblem.SMALL, "users", "/data/trading.db", "It is small.")
    watch.health = BackupHealth((failed, small), 42, now)
    return watch


def _schedules(parent: QWidget, context: Context) -> QDialog:
    dialog = SchedulesDialog(parent, _watch(context))

    def show(name: str, *_schedule: object) -> None:
        dialog.banner.show_info(f"Wanted: {name}.")

    for name in ("add", "edit", "entry", "remove", "run", "pause"):
        getattr(dialog, f"{name}_wanted").connect(partial(show, name))
    return dialog


def _findings(parent: QWidget, context: Context) -> QDialog:
    dialog = FindingsDialog(parent, _watch(context))
    dialog.dismiss_wanted.connect(lambda _finding: dialog.banner.show_good("Dismissed."))
    dialog.examine_wanted.connect(lambda: dialog.banner.show_info("Examining."))
    return dialog


def _schedule_entry(parent: QWidget, _context: Context) -> QDialog:
    dialog = ScheduleEntry(parent, _SCHEDULE)
    dialog.save_wanted.connect(lambda _files: dialog.banner.show_info("Choose a folder."))
    return dialog


def _retention(parent: QWidget, _context: Context) -> QDialog:
    origin = Origin("SQLite", "trading.db", "host", "/data/trading.db")
    backups = [
        Backup(f"b{number}", "orders", _DAY - timedelta(days=number), 10_000, f"k{number}",
               origin=origin, source=str(origin))
        for number in range(12)
    ]  # fmt: skip
    found = [
        RetentionDecision(each, retained=number < 7, reasons=("It is the newest of the day.",))
        for number, each in enumerate(backups)
    ]
    scope = RetentionScope("All backups in the bucket")
    dialog = RetentionDialog(parent, (scope, RetentionScope("Backups of orders", "orders")))
    dialog.plan_wanted.connect(lambda where, rule: dialog.show_plan(where, rule, found))
    dialog.preview.clicked.connect(lambda: dialog.banner.show_info("Listed."))
    dialog.pin_wanted.connect(lambda _backup: dialog.banner.show_good("Pinned."))
    dialog.remove_wanted.connect(lambda *_plan: dialog.banner.show_good("Removed."))
    dialog.show_plan(scope, RetentionRule(7, 4, 12), found)
    return dialog


def _sync(parent: QWidget, context: Context) -> QDialog:
    deleted = [
        SyncItem(SyncAction.DELETE, SyncReason.EXTRA, key, f"/data/{key}", 2_100) for key in _KEYS
    ]
    added = SyncItem(SyncAction.ADD, SyncReason.MISSING, "market-data/a.json", "/data/a.json", 81)
    items = (*deleted, added)
    dialog = SyncDialog(context, parent)
    dialog._take(
        SyncPlan(
            SyncDirection.UPLOAD, "tentimecrypto", "market-data/", "/data", items, 7, (), 8, 31
        )
    )
    return dialog


MAKERS: dict[str, Make] = {
    **BROWSER_MAKERS,
    **TOGETHER_MAKERS,
    "EditConflict": _edit_conflict,
    "ComparisonDialog": _comparison,
    "QueryDialog": _query,
    "CompareVersions": lambda parent, _context: CompareVersions(
        parent, _value("old-password", "a"), _value("new-password", "b", port="5432")
    ),
    "Confirm": lambda parent, _context: Confirm(
        parent, "Delete 24 objects?", "They cannot be brought back. " * 4,
        names=_KEYS, button="Delete permanently", danger=True, typed="market-data",
    ),
    "ConditionDialog": lambda parent, context: ConditionDialog(
        parent, context, workspace_of(), "/data/trading.db", "orders", _nothing
    ),
    "SelectionDialog": lambda parent, _context: SelectionDialog(
        parent, "trading.db", ("orders", "users", "audit_log"), _nothing
    ),
    "EncryptionDialog": lambda parent, context: EncryptionDialog(
        parent, context, workspace_of(), "secret:cryptotrading/backup-key", lambda _name: None
    ),
    "SecretDialog": lambda parent, context: SecretDialog(
        parent, context, workspace_of(), lambda _name: None
    ),
    "ServerDialog": lambda parent, context: ServerDialog(
        parent, context, lambda _login: None, demo=True
    ),
    "ExistingFiles": lambda parent, _context: ExistingFiles(
        parent,
        [ExistingFile(n, key, 2_100, 1_900 + n, _DAY) for n, key in enumerate(_KEYS)],
        120,
        _nothing,
    ),
    "CrashDialog": lambda parent, _context: CrashDialog("Traceback\n" * 60, parent),
    "DeleteSecret": _deleting,
    "DoctorDialog": _doctor,
    "FindingsDialog": _findings,
    "RetentionDialog": _retention,
    "SchedulesDialog": _schedules,
    "ScheduleEntry": _schedule_entry,
    "ScheduleForm": lambda parent, _context: ScheduleForm(
        parent, ScheduleChoices((Source("/data/trading.db"),)), _nothing, _SCHEDULE
    ),
    "LinkOptionsDialog": lambda parent, _context: LinkOptionsDialog(
        parent, "GET", 2, LinkChoices(LinkOptions(content_type="text/csv")), _nothing
    ),
    "QRDialog": lambda parent, _context: QRDialog(
        parent,
        Link(_KEYS[0], "GET", Secret("https://example.com/" + "x" * 400), 3600, _DAY),
    ),
    "RevokeDialog": lambda parent, _context: RevokeDialog(
        parent,
        Entry("tentimecrypto", _KEYS[0], "GET", _DAY, _DAY, "main", "AKIAEXAMPLE"),
        links_of_key=12, key_in_use=True, deactivate=_nothing, show_object=None,
    ),
    "StatementDialog": lambda parent, _context: StatementDialog(
        parent, Entry("tentimecrypto", _KEYS[0], "GET", _DAY, _DAY, "main", "AKIAEXAMPLE")
    ),
    "FileAsDialog": lambda parent, context: FileAsDialog(context, parent),
    "Generator": lambda parent, _context: Generator(parent, "password", _nothing),
    "LimitDialog": _limit,
    "LimitsDialog": lambda parent, _context: LimitsDialog(parent, LimitValues(2_500_000, 4)),
    "MfaForm": lambda parent, _context: MfaForm(
        MfaRequest(MfaQuestion("main", "team", "arn:aws:iam::123456789012:mfa/bot")), parent
    ),
    "NameDialog": lambda parent, _context: NameDialog(
        parent, "Open another bucket", "Its name as AWS knows it.", _nothing
    ),
    "NewSecret": lambda parent, _context: NewSecret(parent, frozenset(), _nothing),
    "NewValues": lambda parent, _context: NewValues(parent, _NAME, ("key", "secret"), _nothing),
    "Policies": lambda parent, _context: Policies(parent, _PROFILE),
    "ProfileEditor": lambda parent, context: ProfileEditor(
        parent, context, _PROFILE, _nothing, origin="Credentials"
    ),
    "RollBackPreview": _roll_back,
    "FormerRulesDialog": lambda parent, _context: FormerRulesDialog(
        parent, Configuration(), (FormerRules(datetime(2026, 1, 2, tzinfo=UTC), Configuration((archive(),))),), _nothing
    ),
    "RuleDialog": lambda parent, _context: RuleDialog(parent, Configuration(), _nothing),
    "ShortcutList": lambda parent, _context: ShortcutList(parent),
    "StartFailure": lambda parent, _context: StartFailure(
        LocalIOError(
            f"The folder {_FOLDER} could not be used",
            cause=f"A part of the path {_FOLDER} is a file, not a folder.",
            remedy="Correct the path.",
        ),
        parent,
    ),
    "SyncDialog": _sync,
    "UploadOptionsDialog": lambda parent, _context: UploadOptionsDialog(
        parent,
        UploadOptions("GLACIER_IR", (("team", "desk"),), encryption=Encryption.KMS, kms_key="alias/x"),
    ),
    "WatchDialog": lambda parent, context: WatchDialog(context, parent),
    "Wizard": lambda parent, context: Wizard(context, parent),
}  # fmt: skip


def classes() -> set[str]:
    """Return the names of all classes of the window that are dialogs."""
    found, before = {"QDialog"}, set()
    definitions = [
        node
        for path in _GUI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    while found != before:
        before = set(found)
        for node in definitions:
            if any(isinstance(base, ast.Name) and base.id in found for base in node.bases):
                found.add(node.name)
    return found - {"QDialog"}


def is_question(name: str) -> bool:
    """Return whether a cancel of this dialog is reported in the view that asked."""
    return name in {each.__name__ for each in Question.__subclasses__()}
