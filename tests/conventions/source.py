"""Read the repository as text and as syntax trees, for the tests of the conventions."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {".py", ".md", ".toml", ".qss", ".svg", ".c", ".lock", ".json", ".txt", ".yml", ".yaml", ""}


@cache
def files() -> tuple[Path, ...]:
    """All files that belong to the repository: what git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return tuple(path for name in listed if (path := ROOT / name).is_file())


def python_files(*below: str) -> list[Path]:
    """All Python files below these top-level folders."""
    return [
        path
        for path in files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in below
    ]


@cache
def text(path: Path) -> str:
    """The content of a file."""
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(text(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file's tree: to walk it takes as long as to parse it."""
    return tuple(ast.walk(tree(path)))


@cache
def calls(path: Path) -> tuple[tuple[ast.Call, str], ...]:
    """All calls in a file with the dotted names of what they call."""
    found = [node for node in nodes(path) if isinstance(node, ast.Call)]
    return tuple((node, ast.unparse(node.func)) for node in found)


#: Functions whose caches hold syntax trees.
WITH_TREES = [text, tree, nodes, calls]


def forget() -> None:
    """Free the syntax trees: each collection of garbage would visit millions of nodes."""
    for cached in WITH_TREES:
        cached.cache_clear()


def place(path: Path, line: int) -> str:
    """A file and line as editors take it."""
    return f"{path.relative_to(ROOT)}:{line}"


def called(node: ast.AST) -> str:
    """The dotted name of what a node calls, or nothing."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""
