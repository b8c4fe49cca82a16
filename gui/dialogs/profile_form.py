"""The form of a connection profile; it shows the fields that the source of the keys needs."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from core.aws.aws_profiles import aws_profile_names
from core.aws.endpoints import default_endpoint_text
from core.errors import StorageError
from core.local.profile_check import profile_problems
from core.model.connection import AccessKeys, KeySource, Profile, ProfileColour
from core.redaction import Secret
from gui import theme
from gui.context import Context
from gui.widgets.fields import combo_box
from gui.widgets.labels import repolish, set_tooltip, text_label
from gui.widgets.secret_field import SecretField

SOURCES = (
    (KeySource.KEYRING, "Keys, stored in the system keyring"),
    (KeySource.SESSION, "Keys, in memory until the program ends"),
    (KeySource.AWS_PROFILE, "AWS profile (SSO and assumed roles included)"),
    (KeySource.ENVIRONMENT, "Environment (AWS default chain)"),
    (KeySource.ROLE, "Role of this machine or container"),
)
COLOURS = (
    (ProfileColour.BLUE, "Blue"),
    (ProfileColour.GREEN, "Green: test, demo"),
    (ProfileColour.AMBER, "Amber: staging"),
    (ProfileColour.RED, "Red: production, opens read-only"),
)
_OWN_KEYS = frozenset({KeySource.KEYRING, KeySource.SESSION})
_REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
    "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1",
    "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2",
)  # fmt: skip


class ProfileForm(QWidget):
    """Edits one profile and its keys; an existing profile may retain its keys.

    Signals:
        changed: a field was changed.
    """

    changed = Signal()

    def __init__(self, profile: Profile | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stored = profile
        self._touched: set[str] = set()
        shown = profile or Profile("", KeySource.KEYRING)
        self.name = _line("Name of the profile", shown.name, "for example production")
        self.colour = _choice("Colour", COLOURS, shown.colour)
        self.source = _choice("Source of the keys", SOURCES, shown.source)
        self.key_id = _line("Access key id", shown.access_key_id or "", "AKIA…", mono=True)
        self.secret_key = SecretField("Secret access key", copyable=False)
        self.token = SecretField("Session token", copyable=False)
        self.token.line.setPlaceholderText("only for temporary keys")
        self.aws_profile = _typed_choice("AWS profile")
        self.aws_profile.setCurrentText(shown.aws_profile or "")
        self.role_arn = _line("Role to assume", shown.role_arn or "", "none", mono=True)
        self.region = _typed_choice("Region")
        self.region.addItems(list(_REGIONS))
        self.region.setCurrentText(shown.region)
        self.bucket = _line("Bucket", shown.bucket, "", mono=True)
        self.endpoint = _line(
            "Endpoint", shown.endpoint_url or "", default_endpoint_text(), mono=True
        )
        self.secret_name = _line("Secret with the S3 keys", shown.secret_name, "", mono=True)
        if self._keeps_keys(shown):
            self.secret_key.line.setPlaceholderText("unchanged")
        self._lay_out()
        self._connect()
        self._on_source()

    def _lay_out(self) -> None:
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, field in (
            ("Name", self.name),
            ("Colour", self.colour),
            ("Keys from", self.source),
            ("Access key id", self.key_id),
            ("Secret access key", self.secret_key),
            ("Session token", self.token),
            ("AWS profile", self.aws_profile),
            ("Role to assume", self.role_arn),
            ("Region", self.region),
            ("Bucket", self.bucket),
            ("Endpoint", self.endpoint),
            ("Secret", self.secret_name),
        ):
            self._form.addRow(text_label(title, "muted"), field)

    def _connect(self) -> None:
        self.source.currentIndexChanged.connect(self._on_source)
        for name, line in self._lines().items():
            # `textEdited` is not emitted for texts that the program sets.
            line.textEdited.connect(lambda _text, name=name: self._touched.add(name))
            line.textChanged.connect(self._on_changed)
        self.colour.currentTextChanged.connect(self._on_changed)
        for secret in (self.secret_key, self.token):
            secret.line.textChanged.connect(self._on_changed)

    @property
    def profile(self) -> Profile:
        """The profile from the fields; it may not be valid yet."""
        # Fields of other sources stay filled while they are hidden, but are no part of the profile.
        source = self.source.currentData()
        keyed = source in _OWN_KEYS
        named = source is KeySource.AWS_PROFILE
        return Profile(
            name=self.name.text().strip(),
            source=source,
            region=self.region.currentText().strip(),
            endpoint_url=self.endpoint.text().strip() or None,
            bucket=self.bucket.text().strip(),
            secret_name=self.secret_name.text().strip(),
            access_key_id=(self.key_id.text().strip() or None) if keyed else None,
            aws_profile=(self.aws_profile.currentText().strip() or None) if named else None,
            role_arn=self.role_arn.text().strip() or None,
            colour=self.colour.currentData(),
        )

    @property
    def keys(self) -> AccessKeys | None:
        """The entered keys; None if the profile retains its keys or needs none."""
        profile = self.profile
        if profile.source not in _OWN_KEYS or not profile.access_key_id or not self._typed_secret:
            return None
        token = Secret(self.token.line.text().strip())
        return AccessKeys(profile.access_key_id, Secret(self._typed_secret), token or None)

    @property
    def _typed_secret(self) -> str:
        # Keys are pasted, often with a space or a line end, which AWS would refuse.
        return self.secret_key.line.text().strip()

    @property
    def problems(self) -> dict[str, str]:
        """The invalid fields, with the reasons."""
        profile = self.profile
        found = profile_problems(profile)
        # Not `keys`: the log filter would mask the beginning of each word that is being typed.
        if profile.source in _OWN_KEYS and not (profile.access_key_id and self._typed_secret):
            stored = self._stored
            # Stored keys belong to one access key id; with another id they must be entered again.
            unchanged = stored is not None and stored.access_key_id == profile.access_key_id
            if not profile.access_key_id:
                found.setdefault("access_key_id", "The access key id is needed.")
            elif not (unchanged and stored is not None and self._keeps_keys(stored)):
                found["secret_access_key"] = "The secret access key is needed."  # noqa: S105 - a label
        return found

    def show_problems(self) -> str:
        """Mark the invalid fields, and return the first reason.

        A field that is empty because the user has not visited it is not marked.
        """
        problems = self.problems
        for name, line in self._lines().items():
            reason = problems.get(name, "") if line.text() or name in self._touched else ""
            wanted = "true" if reason else "false"
            box = line.parentWidget()
            # The frame of a field with a list is that of the box around it.
            framed = box if isinstance(box, QComboBox) else line
            if framed.property("problem") != wanted:
                framed.setProperty("problem", wanted)
                repolish(framed)
            set_tooltip(line, reason)
        return next(iter(problems.values()), "")

    def load_aws_profiles(self, context: Context, failed: Callable[[StorageError], object]) -> None:
        """Offer the profiles of the AWS configuration files, read in a worker thread."""
        context.runner.run(
            "List AWS profiles",
            lambda work: aws_profile_names(work=work),
            owner=self,
            then=self.offer_aws_profiles,
            failed=failed,
            quiet=True,
        )

    def offer_aws_profiles(self, names: tuple[str, ...]) -> None:
        """List the profiles of the AWS configuration files; a typed name stays."""
        typed = self.aws_profile.currentText()
        self.aws_profile.clear()
        self.aws_profile.addItems(list(names))
        self.aws_profile.setCurrentText(typed or next(iter(names), ""))

    def use_environment(self, profile: Profile) -> None:
        """Set keys, region and name of the profile from the AWS environment variables."""
        self.source.setCurrentIndex(self.source.findData(KeySource.ENVIRONMENT))
        self.region.setCurrentText(profile.region)
        if "name" not in self._touched:
            self.name.setText(profile.name)

    def keep_in_session(self) -> None:
        """Select storing the keys only in memory."""
        self.source.setCurrentIndex(self.source.findData(KeySource.SESSION))

    def _lines(self) -> dict[str, QLineEdit]:
        aws_profile, region = self.aws_profile.lineEdit(), self.region.lineEdit()
        assert aws_profile is not None
        assert region is not None  # both are editable
        return {
            "name": self.name,
            "access_key_id": self.key_id,
            "secret_access_key": self.secret_key.line,
            "aws_profile": aws_profile,
            "role_arn": self.role_arn,
            "region": region,
            "bucket": self.bucket,
            "endpoint_url": self.endpoint,
            "secret_name": self.secret_name,
        }

    @staticmethod
    def _keeps_keys(profile: Profile) -> bool:
        return profile.source in _OWN_KEYS and bool(profile.access_key_id)

    def _on_source(self, *_index: object) -> None:
        source = self.source.currentData()
        for field in (self.key_id, self.secret_key, self.token):
            self._form.setRowVisible(field, source in _OWN_KEYS)
        self._form.setRowVisible(self.aws_profile, source is KeySource.AWS_PROFILE)
        self._on_changed()

    def _on_changed(self, *_what: object) -> None:
        self.changed.emit()


def _line(what: str, text: str, hint: str, *, mono: bool = False) -> QLineEdit:
    line = QLineEdit(text)
    line.setAccessibleName(what)
    line.setPlaceholderText(hint)
    if mono:
        line.setFont(theme.mono_font())
    return line


def _choice(what: str, items: tuple[tuple[object, str], ...], chosen: object) -> QComboBox:
    box = combo_box(what)
    for value, text in items:
        box.addItem(text, value)
    box.setCurrentIndex(box.findData(chosen))
    return box


def _typed_choice(what: str) -> QComboBox:
    box = combo_box(what)
    box.setLineEdit(_line(what, "", ""))  # Qt's own button has no accessible name
    return box
