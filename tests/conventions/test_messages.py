"""Messages of `core` are read in the window, on the command line and in scripts.

So none of them names a button or a tab, an option, or a command of Strongroom. A remedy that has an
option on the command line declares it as a hint (`core/hints.py`), and `core/cli/hints.py` names
it.
"""

import ast
import re

import pytest
from conventions import source

from core.cli import COMMANDS

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMMAND = re.compile(rf"\bstrongroom (?:{'|'.join(COMMANDS)})\b")
WINDOW = re.compile(
    r"\b(?i:press|click|button|menu|palette|drag)(?:s|ed)?\b|\b[A-Z]\w+ tab\b|\b[Rr]efresh button\b"
    r"|\b(?:in|of) the window\b|[“\"][A-Z][\w ]*…"
)
#: Commands of other programs, which have options in every surface.
FOREIGN = re.compile(r"\b(?:aws|curl) [a-z-][^`.,;]*")
#: Files whose texts are no messages, or those of one surface, and why.
EXCEPT = {
    "core/cli/": "the command line itself",
    "core/backup/recovery_kit/": "a separate program, with its own options",
    "core/engine/operations.py": "the command of each operation",
    "core/engine/object_operations.py": "the command of each operation",
    "core/links/render.py": "HTML and commands of curl",
}


def _text(node):
    """The text of a string; what an f-string inserts is one letter."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "x" for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def messages(nodes):
    """Yield line and text of the strings that are prose: docstrings and single words are not."""
    skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    skipped |= {
        id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in nodes:
        text = "" if id(node) in skipped else _text(node)
        if " " in text.strip():
            yield node.lineno, text


def of_one_surface(text):
    """Return what a text names that only one surface has; empty for a text of all of them."""
    found = [each.search(FOREIGN.sub("", text)) for each in (OPTION, COMMAND, WINDOW)]
    return next((each.group() for each in found if each), "")


def test_no_message_of_core_is_only_valid_in_one_surface():
    wrong, count = [], 0
    for path in source.python_files("core"):
        if str(path.relative_to(source.ROOT)).startswith(tuple(EXCEPT)):
            continue
        for line, text in messages(source.nodes(path)):
            count += 1
            if name := of_one_surface(text):
                wrong.append(f"{source.place(path, line)}: {name}")
    assert count > 3000
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('f(remedy="Choose one by its id (--id).")', "--id"),
        ('f(remedy=f"Name a database of {engine} " "with --into.")', "--into"),
        ("X = 'Run `strongroom backup --resume`.'\nf(remedy=X)", "--resume"),
        ('ROWS = ((E, "List the keys with `strongroom ls`."),)', "strongroom ls"),
        ('error.remedy = "Choose Resume in the Backups tab."', "Backups tab"),
        ('f(cause="Click it in the list.")', "Click"),
        ('f("Replace it with “File as…”.")', "“File as…"),
        ('f("Run `aws sso login --profile x`, or curl --path-as-is.")', ""),
        ('"""The option --id is described."""', ""),
        ('flags += ["--json", f"--include={pattern}"]', ""),
    ],
)
def test_a_planted_name_is_found(text, name):
    nodes = tuple(ast.walk(ast.parse(text)))
    found = [of_one_surface(text) for _, text in messages(nodes)]
    assert "".join(found).casefold() == name.casefold()
