"""The command line interface of the library."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from core.cli.standard_streams import buffer_standard_output
from core.signals import ending_at_interrupts
from core.version import __version__

#: The module and the function (or the group) of each command, in the order of the help text. A
#: command is imported only if it is the one to run.
COMMANDS: Mapping[str, str] = {
    "ls": "objects.ls",
    "put": "transfers.put",
    "get": "downloads.get",
    "sweep": "sweep.sweep",
    "stats": "objects.stats",
    "find": "find.find",
    "catalog": "catalog.app",
    "coverage": "coverage.coverage",
    "link": "links.link",
    "links": "links.links",
    "cp": "copies.cp",
    "mv": "copies.mv",
    "rm": "remove.rm",
    "undelete": "remove.undelete",
    "versions": "properties.versions",
    "tag": "properties.tag",
    "properties": "property_edits.properties",
    "uploads": "uploads.uploads",
    "sync": "sync.sync",
    "watch": "watch.watch",
    "backup": "backup.backup",
    "backups": "backups.backups",
    "restore": "restore.restore",
    "compare": "compare.compare",
    "collect": "collect.collect",
    "sql": "sql.sql",
    "query": "query.query",
    "export": "query.export",
    "recovery-kit": "recovery.recovery_kit",
    "verify": "verify.verify",
    "drill": "drill.drill",
    "retention": "retention.retention",
    "schedule": "schedule.schedule",
    "rotate": "rotation.rotate",
    "doctor": "doctor.doctor",
    "policy": "policy.policy",
    "demo-server": "server.demo_server",
    "setup": "server.setup",
    "check": "server.check",
    "database": "databases.app",
    "secrets": "secrets.app",
    "backup-key": "backup_keys.app",
}


_CANCELLED = "Cancelled. Nothing was changed."
#: The same; the module that writes JSON was not imported yet.
_CANCELLED_JSON = (
    '{"error": {"kind": "cancelled", "summary": "Cancelled", "cause": "", '
    '"effect": "Nothing was changed.", "remedy": "", "subject": "", "action": "", "details": ""}}'
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, or the value of the error's kind."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"] and _version_printed():
        return 0
    buffer_standard_output()
    as_json = "--json" in given or "--json-lines" in given
    with ending_at_interrupts(_CANCELLED_JSON if as_json else _CANCELLED):
        from core.cli.program import run

    return run(given)


def _version_printed() -> bool:
    """Print the version without the imports of commands; False if it cannot be written."""
    try:
        sys.stdout.write(f"strongroom {__version__}\n")
        sys.stdout.flush()
    except OSError:
        return False  # the complete program reports it
    return True
