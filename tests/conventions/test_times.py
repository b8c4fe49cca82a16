"""Times that users read are formatted in one module."""

import ast
import re

from conventions import source

#: A directive of `strftime`, in a call or in the format of an f-string.
_DIRECTIVE = re.compile(r"%[aAbBcdDeFHIjmMpSTxXyYZ]")
_CALLS = {"strftime", "isoformat", "ctime", "asctime"}
_QT_TIMES = re.compile(r"Q(Date|Time|DateTime|Locale)\b.*\.(toString|fromString)$")
#: Written for machines: keys, names of files and tables, protocols, stored values.
_FOR_MACHINES = {
    "core/units.py",
    "core/aws/request_signer.py",
    "core/backup/keys.py",
    "core/backup/preview.py",
    "core/backup/recovery_kit/script/storage.py",
    "core/backup/restore.py",
    "core/backup/row_restore.py",
    "core/lifecycle/rules.py",
    "core/local/atomic.py",
    "core/local/state/old_forms.py",
    "core/local/used_actions.py",
    "core/storage/queries.py",
}
#: `iso_utc` in the window: exported files, the moment in a key, a value that is read again.
_ISO_IN_WINDOW = {
    "gui/dialogs/file_as_form.py",
    "gui/main_window/changes_model.py",
    "gui/tabs/backups/backup_actions.py",
    "gui/tabs/backups/proof_actions.py",
    "gui/tabs/browser/loading.py",
}


def _name(path):
    return path.relative_to(source.ROOT).as_posix()


def _by_hand(node):
    """Return whether a node writes a moment without `core.units`."""
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return bool(_DIRECTIVE.search(ast.unparse(node.format_spec)))
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    name = node.func.attr
    return name in _CALLS or ("String" in name and bool(_QT_TIMES.search(source.called(node))))


def _found(text):
    return [node for node in ast.walk(ast.parse(text)) if _by_hand(node)]


def test_no_other_module_writes_moments():
    bad = [
        source.place(path, node.lineno)
        for path in source.python_files("core", "gui")
        if _name(path) not in _FOR_MACHINES and not _name(path).startswith("core/demo/")
        for node in source.nodes(path)
        if _by_hand(node)
    ]
    assert bad == [], "use format_moment, format_date, format_clock or format_range of core.units"


def test_the_window_writes_no_moments_for_machines():
    users = {
        _name(path)
        for path in source.python_files("gui")
        if any(isinstance(n, ast.Name) and n.id == "iso_utc" for n in source.nodes(path))
    }
    assert users <= _ISO_IN_WINDOW


def test_the_rule_finds_each_way_to_break_it():
    for line in (
        'f"{when:%d %b %Y} UTC"',
        'when.strftime("%H:%M")',
        "when.isoformat()",
        "QDateTime.currentDateTime().toString()",
        'f"{now:{pattern}} {now:%H:%M}"',
    ):
        assert _found(line), line
    assert not _found('f"{share:.1%} of {size:,d}"')
