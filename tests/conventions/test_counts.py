"""Every count with a noun is formatted by `format_counted`, which knows the plural."""

import ast
import re
from itertools import pairwise

from conventions import source

_NOUNS = re.compile(
    r" (more |other )*(rows|files|objects|keys|versions|tables|secrets|parts|uploads|"
    r"backups|folders|requests|lines|entries|days|links|rules|steps|records|transfers|problems|"
    r"findings|permissions|candles|bytes|columns|profiles|differences|levels|buckets|characters|seconds)\b"
)


def test_a_count_of_one_has_a_singular():
    found = []
    for path in source.python_files("core", "gui"):
        handled = set(map(id, _texts_beside_one(source.tree(path))))
        found += [
            f"{source.place(path, node.lineno)}: {ast.unparse(node)}"
            for node in source.nodes(path)
            if isinstance(node, ast.JoinedStr) and id(node) not in handled and _is_count(node)
        ]
    assert found == []


def test_the_check_finds_counts_and_leaves_other_numbers_alone():
    counts = ["{len(done)} files", "at {n:,} more rows", "a{x.y} days old"]
    others = ["{BYTES} bytes", "the first {n} rows", "{n} rowsets", "{format_counted(n, 'row')} of"]
    assert [_is_count(ast.parse(f'f"{text}"').body[0].value) for text in counts] == [True] * 3
    assert not any(_is_count(ast.parse(f'f"{text}"').body[0].value) for text in others)


def test_a_text_after_the_case_of_one_is_right():
    code = "def f(n):\n    if n == 1:\n        return '1 file'\n    return f'{n} files'\n"
    texts = [node for node in _texts_beside_one(ast.parse(code)) if isinstance(node, ast.JoinedStr)]
    assert [ast.unparse(text) for text in texts] == ["f'{n} files'"]


def test_prices_are_formatted_in_one_place():
    price = re.compile(r"\$\{[^{}]*:,?\.\d+f\}")
    assert price.search('f"about ${cost:.4f}"')
    found = [
        source.place(path, number)
        for path in source.python_files("core", "gui")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if price.search(line)
    ]
    assert found == []


def test_every_report_of_progress_names_its_unit():
    found = [
        source.place(path, node.lineno)
        for path in source.python_files("core")
        for node in source.nodes(path)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Progress"
        and (node.args or node.keywords)
        and len(node.args) < 3
        and "unit" not in {each.arg for each in node.keywords}
    ]
    assert found == []


def _texts_beside_one(tree):
    """Yield the texts of the other branch where a count is compared with one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp) and _is_one(node.test):
            yield node.orelse
        if isinstance(node, ast.If) and _is_one(node.test):
            for statement in node.orelse:
                yield from ast.walk(statement)
        statements = getattr(node, "body", [])
        for first, second in pairwise(statements if isinstance(statements, list) else []):
            if isinstance(first, ast.If) and _is_one(first.test):
                yield from ast.walk(second)


def _is_one(test):
    return ast.unparse(test).endswith("== 1")


def _is_count(node):
    """Return whether a value and the plural of a noun are adjacent in an f-string."""
    before = ""
    for value, text in zip(node.values, node.values[1:], strict=False):
        if isinstance(value, ast.Constant):
            before = str(value.value)
        elif isinstance(text, ast.Constant) and _NOUNS.match(str(text.value)):
            limit = before.endswith("the first ")  # a limit of the program
            if not limit and not _is_constant(value.value):
                return True
    return False


def _is_constant(value):
    """Return whether a value is a constant of the program: it is never one."""
    names = [each.id for each in ast.walk(value) if isinstance(each, ast.Name)]
    names = [name for name in names if name != "format_count"]
    attributes = [each.attr for each in ast.walk(value) if isinstance(each, ast.Attribute)]
    return bool(names) and all(name.isupper() for name in (*attributes, *names))
