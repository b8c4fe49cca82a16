"""Plain technical English in code, messages and documents: words that are not used, and others for them.

Every word of `TEXTS` and `NAMES` has a replacement; `ALLOWED` lists the uses that are right.
"""

import ast
import io
import re
import tokenize
from collections import Counter
from functools import cache

import pytest
from conventions import source

#: Regular expressions for docstrings, comments, messages and documents, and what to write instead.
TEXTS = {
    r"told|tells": "reported, shown, returned; to tell apart: distinguish",
    r"kept|keeping": "stored, saved, retained, unchanged",
    r"mend(s|ed|ing)?": "repair, fix",
    r"spoilt": "corrupt",
    r"whole(?! (number|second|minute|hour|day)s?\b)": "complete, entire",
    r"whoever": "anyone who; or name the caller",
    r"nobody": "no one; or name the subject: no process, no caller",
    r"somebody": "another user, another client, someone",
    r"s[ia]t(s|ting)? on": "is attached to",
    r"st(ands?|ood) (above|below|beside|between|on|in|against)": "is above, is below, precedes",
    r"look(s|ed|ing)? (at|again|into|after)": "inspect, examine, read, refresh",
    r"deeds?": "action",
    r"carriers?": "transfer queue",
    r"lanes?": "thread pool",
    r"levers?": "the real thing",
    r"there already|already there|still there": "already exists, still exists",
    r"says? so": "reports it, states it",
    r"ask(s|ed|ing)? for": "request, require, prompt for",
    r"whatever happens": "always, in every case",
    r"go(es)? without": "is omitted, has none",
    r"(is|was|are|were) over(?! \d)(?=[.,;:]|$)": "has ended, has expired",
    r"of (its|one's|their|his) own": "separate, its own",
    r"meanwhile": "in the meantime; concurrently; or name the event",
    r"in words": "as text, described",
    r"anew": "again",
    r"for ever": "without limit, permanently",
    r"of ours|is ours|are ours": "Strongroom's",
    r"tak(e|es|en|ing) (it |them |this )?back": "undo",
    r"way back": "undo",
    r"bygone|hitherto|thereof|herein|wherein|withal|betwixt|forthwith": "a modern word",
    r"has had enough": "has ended",
    r"the rules of the house|of the house": "rules of the repository",
    r"(this|the|each) floors?\b(?! of| function)": "layer",
    r"is to mind|to be minded|mind (where|that)": "note, check",
    r"bears? (a|an|no|its|the)\b": "has",
    r"are apart|stay apart": "separate",
    r"is of no use|of no avail": "has no effect",
}
#: Words in names, which are split at underscores and capitals.
NAMES = {
    "told": "describe, report, translate",
    "tells": "describe, report",
    "teller": "reporter",
    "kept": "stored, retained, undo",
    "keeping": "storing",
    "mend": "repair",
    "mended": "repaired",
    "whole": "complete, entire",
    "whoever": "name the thing",
    "nobody": "name the thing",
    "somebody": "name the thing",
    "looked": "inspection",
    "deed": "action",
    "deeds": "actions",
    "carrier": "queue",
    "carried": "run, sent",
    "lane": "pool, queue",
    "lanes": "pools, queues",
    "lever": "name the thing",
    "hurry": "now",
    "meanwhile": "conflict, concurrent",
    "house": "conventions",
    "vaulted": "secrets",
    "words": "texts",
    "spoilt": "corrupt",
}
#: Uses that are right: path, the text or name, and why.
ALLOWED = {
    ("tests/conventions/test_language.py", ""): "the table itself",
    ("core/cli/restore.py", "kept"): "the option --drop-kept and the field of --json stay the same",
    ("core/cli/parameters.py", "kept"): "the option --drop-kept",
    ("core/engine/operations.py", "--drop-kept"): "the option of the command",
    ("core/model/restore.py", "kept"): "the field of --json",
    ("core/storage/setup.py", "kept"): "the field of --json, and the outcome behind it",
    ("tests/core/cli/test_backups.py", "--drop-kept"): "the option",
    ("tests/core/cli/test_undo.py", "--drop-kept"): "the option",
    ("tests/core/cli/test_cli.py", "kept"): "the field of --json",
    ("tests/core/cli/test_restore_tables.py", "kept"): "the field of --json, and --drop-kept",
    ("tests/core/backup/test_two_processes.py", "report.kept"): "the field of --json",
    ("tests/core/backup/test_format.py", "kept for ever"): "the note of a stored backup",
    ("tests/core/backup/test_verifications.py", "whole"): "a word that no state may be named",
}
FOLDERS = ("core", "gui", "tests", "documents")

_TEXTS = [(re.compile(rf"\b(?:{word})\b", re.IGNORECASE), use) for word, use in TEXTS.items()]
#: For text in small letters: regular expressions that ignore case take four times as long.
_ANY = re.compile(rf"\b(?:{'|'.join(TEXTS)})\b")
_NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
#: Code and fenced blocks of documents have the names of the program.
_MARKDOWN_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def _prose(path):
    """Yield line and text of each docstring, comment and message of a Python file."""
    for node in source.nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for offset, line in enumerate(node.value.splitlines()):
                yield node.lineno + offset, re.sub(r"`[^`\n]*`", "", line)
    text = source.text(path)
    if not _ANY.search(text.lower()):  # to find the comments takes longest, and each is on one line
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], re.sub(r"`[^`\n]*`", "", token.string)


def _names(path):
    """Yield line and name of everything that a Python file defines."""
    for node in source.nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def _allowed(path, text):
    name = str(path.relative_to(source.ROOT))
    return any(name == file and part in text for file, part in ALLOWED)


def _in_text(path, lines):
    for line, text in lines:
        if not _ANY.search(text.lower()) or _allowed(path, text):
            continue
        for pattern, use in _TEXTS:
            for found in pattern.finditer(text):
                yield f"{source.place(path, line)}: “{found.group()}” → {use}"


def _in_names(path):
    for line, name in sorted(set(_names(path))):
        for part in _NAME_PARTS.findall(name):
            if part.lower() in NAMES and not _allowed(path, name):
                yield f"{source.place(path, line)}: {name}: “{part.lower()}” → {NAMES[part.lower()]}"


@cache
def findings():
    """Return all findings by folder; the documents are one."""
    found = {folder: [] for folder in FOLDERS}
    for folder in ("core", "gui", "tests"):
        for path in source.python_files(folder):
            module = [f"{source.place(path, 1)}: the module is named “{word}” → {NAMES[word]}"
                      for word in path.stem.split("_") if word in NAMES]  # fmt: skip
            found[folder] += [*module, *_in_text(path, _prose(path)), *_in_names(path)]
    for path in source.files():
        if path.suffix == ".md":
            text = _MARKDOWN_CODE.sub(lambda code: "\n" * code[0].count("\n"), path.read_text())
            found["documents"] += _in_text(path, enumerate(text.splitlines(), 1))
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_word_of_the_table_is_used(folder):
    assert sorted(findings()[folder]) == []


def test_a_word_is_found_in_text_and_in_names(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "ROOT", tmp_path)
    path = tmp_path / "a.py"
    path.write_text('"""Who is told."""\n\n\ndef look_told():\n    return "it is kept"  # lanes\n')
    texts = [finding.split(": ", 1)[1] for finding in _in_text(path, _prose(path))]
    assert Counter(text.split("”")[0] for text in texts) == {"“told": 1, "“kept": 1, "“lanes": 1}
    assert [finding.split(": ", 1)[0] for finding in _in_names(path)] == ["a.py:4"]
