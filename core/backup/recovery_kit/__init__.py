"""The recovery kit: a script that restores tables without Strongroom, and a page on the format."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.resources import files
from pathlib import Path

from core.backup.encryption_keys import BackupKey
from core.errors import NOTHING_CHANGED, AlreadyExists
from core.local.atomic import translate_os_errors
from core.local.new_folders import NewFolders
from core.version import __version__

SCRIPT, PAGE, KEYS = "restore.py", "FORMAT.md", "keys.json"

#: The sections of the script in their order: each uses those before it.
_SECTIONS = (
    "failures", "storage", "encryption", "decompression", "backups", "long_rows", "sqlite",
    "sqlite_load", "postgresql", "mariadb", "servers", "program",
)  # fmt: skip
_HEAD = '''\
#!/usr/bin/env python3
"""Restores tables from backups that Strongroom {version} wrote; Strongroom is not needed.

It needs Python 3.9 or newer and nothing else, except for `zstd` (the program, the module zstandard,
or Python 3.14). FORMAT.md describes the format. `python3 restore.py --help` lists the commands.
It only reads from the bucket, creates new tables and files only, and overwrites nothing.
"""

from __future__ import annotations

'''


def write(folder: Path | str, keys: Sequence[BackupKey] = ()) -> tuple[Path, ...]:
    """Write the recovery kit into a folder, which is created if it does not exist.

    Args:
        folder: The folder.
        keys: Keys of encrypted backups, which are written to a file that only this user can read.
            Anyone who has the file can read these backups.

    Returns:
        The paths of the script, of the page on the format, and of the file with the keys, if any.

    Raises:
        AlreadyExists: One of the files exists; nothing is overwritten.
        LocalIOError: The files cannot be written.
    """
    folder = Path(folder)
    texts = {folder / SCRIPT: script_text(), folder / PAGE: page_text()}
    if keys:
        found = {key.name: key.key.reveal() for key in keys}
        texts[folder / KEYS] = json.dumps(found, indent=1) + "\n"
    for path in texts:
        if path.exists():
            raise AlreadyExists(
                f"{path} already exists",
                remedy="Choose another folder, or remove the old kit.",
                effect=NOTHING_CHANGED,
                subject=str(path),
            )
    with ExitStack() as incomplete:
        folders = incomplete.enter_context(NewFolders())
        for path, text in texts.items():
            with translate_os_errors(path, "written", needed=len(text)):
                folders.create(folder)
                # The file has its mode before it contains a key.
                opener = partial(os.open, mode=0o600 if path.name == KEYS else 0o666)
                with open(path, "x", encoding="utf-8", newline="\n", opener=opener) as file:
                    # A part of a kit would be in the way of the next attempt.
                    incomplete.callback(path.unlink, missing_ok=True)
                    file.write(text)
        incomplete.pop_all()
    return tuple(texts)


def script_text() -> str:
    """Return the script: the sections as one file that only imports the standard library."""
    imports: set[str] = set()
    bodies: list[str] = []
    for name in _SECTIONS:
        text = (files(__package__) / "script" / f"{name}.py").read_text(encoding="utf-8")
        found, body = _split(text)
        imports |= found
        bodies.append(body)
    text = "\n".join(sorted(imports)) + "\n" + "\n\n".join(bodies)
    text = text.replace('VERSION = "unknown"', f'VERSION = "{__version__}"')
    end = '\n\nif __name__ == "__main__":\n    sys.exit(main())\n'
    return _HEAD.format(version=__version__) + text.rstrip("\n") + "\n" + end


def _split(text: str) -> tuple[set[str], str]:
    """Return the imports of the standard library, and the text of a section below its imports."""
    tree = ast.parse(text)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    last = max(node.end_lineno or 0 for node in tree.body[:1] + imports)
    standard = {
        ast.unparse(node)
        for node in imports
        if not (isinstance(node, ast.ImportFrom) and str(node.module).startswith(("core.", "__")))
    }
    title = ast.get_docstring(tree) or ""
    ruler = "# " + "-" * 88
    head = f"{ruler}\n# {title.splitlines()[0]}\n{ruler}\n"
    return standard, "\n" + head + "\n".join(text.splitlines()[last:]).rstrip("\n") + "\n"


def page_text() -> str:
    """Return the page on the format."""
    text = (files(__package__) / PAGE).read_text(encoding="utf-8")
    return text.replace("{version}", __version__)
