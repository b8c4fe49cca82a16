"""Messages of the library are valid in the window, on the command line and in scripts."""

import ast
import re
from pathlib import Path

import core

#: What only the window has; a message that names it must name the command as well.
WINDOW = re.compile(r"\b(press|click|button|tab|dialog|palette)\b|\bRefresh\b", re.IGNORECASE)
COMMAND = re.compile(r"`strongroom |`--|--[a-z]|in a script|command line")


def remedies():
    """Every text that is given as a remedy in the library, with its place."""
    for path in sorted(Path(core.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "remedy":
                yield f"{path.name}:{node.value.lineno}", _text(node.value)


def _text(node):
    parts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return " ".join(part for part in parts if isinstance(part, str))


def test_no_remedy_sends_a_command_or_a_script_to_a_button():
    found = list(remedies())
    assert len(found) > 100
    wrong = [place for place, text in found if WINDOW.search(text) and not COMMAND.search(text)]
    assert wrong == []
