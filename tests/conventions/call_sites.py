"""Finds the calls into foreign libraries in `core`, and whether each is inside a translation.

A call is guarded when it is in a `with` block of a translation, in a lambda that is handed to
one, in a `try` that catches the library's errors, or in a function that is only called from guarded
places. Functions
are identified by name alone (private ones by name and module): two functions of one name are both
guarded only if all their calls are.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from botocore import xform_name
from botocore.session import get_session
from conventions import source

SERVICES = ("s3", "secretsmanager", "iam", "sts", "cloudwatch", "athena")


@cache
def aws_operations() -> dict[str, dict[str, str]]:
    """Return for each service its operations by the method names that clients give them."""
    session = get_session()
    models = {service: session.get_service_model(service) for service in SERVICES}
    return {
        service: {xform_name(name): name for name in model.operation_names}
        for service, model in models.items()
    }


@cache
def aws_methods() -> frozenset[str]:
    """Return the names of all client methods that send a request."""
    names = {name for methods in aws_operations().values() for name in methods}
    return frozenset(names | {"get_paginator", "get_waiter"})


@dataclass
class Site:
    """A call: where it is, in which function, and under which guards."""

    path: Path
    node: ast.Call
    function: str
    guards: frozenset[str]

    @property
    def name(self) -> str:
        """What is called, as written."""
        return ast.unparse(self.node.func)

    def __str__(self) -> str:
        return f"{source.place(self.path, self.node.lineno)} {self.name} in {self.function}"


@dataclass
class Calls:
    """All calls of some modules, by the last part of the called name."""

    sites: list[Site] = field(default_factory=list)
    by_name: dict[str, list[Site]] = field(default_factory=lambda: defaultdict(list))

    def add(self, site: Site) -> None:
        """Take a call; a function that is handed on by name counts as called there."""
        self.sites.append(site)
        handed = [*site.node.args, *(each.value for each in site.node.keywords)]
        for node in (site.node.func, *handed):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            if name:
                self.by_name[name].append(site)

    def unguarded(self, site: Site, guards: frozenset[str]) -> bool:
        """Whether a call can be reached without passing one of the guards."""
        return self._open(site, guards, set())

    def _open(self, site: Site, guards: frozenset[str], seen: set[str]) -> bool:
        if site.guards & guards:
            return False
        if site.function in seen:
            return False
        seen.add(site.function)
        name = site.function.rpartition(".")[2]
        callers = [
            caller
            for caller in self.by_name.get(name, ())
            if caller.node is not site.node and (name[0] != "_" or caller.path == site.path)
        ]
        return not callers or any(self._open(caller, guards, seen) for caller in callers)


class _Visitor(ast.NodeVisitor):
    def __init__(self, path: Path, calls: Calls) -> None:
        self._path, self._calls = path, calls
        self._function: list[str] = []
        self._guards: list[str] = []

    def _inside(self, node: ast.AST, function: str = "", guards: tuple[str, ...] = ()) -> None:
        self._function += [function] if function else []
        self._guards += guards
        self.generic_visit(node)
        del self._guards[len(self._guards) - len(guards) :]
        if function:
            self._function.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        held, self._guards = self._guards, []  # a guard around a definition guards no call of it
        decorators = tuple(ast.unparse(d).partition("(")[0] for d in node.decorator_list)
        self._inside(node, node.name, decorators)
        self._guards = held

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's name

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._inside(node, node.name)

    def visit_With(self, node: ast.With) -> None:
        opened: list[str] = []
        for item in node.items:  # the second of two is opened inside the first
            self._guards += opened
            self.visit(item)
            del self._guards[len(self._guards) - len(opened) :]
            opened.append(ast.unparse(item.context_expr).partition("(")[0].rpartition(".")[2])
        self._guards += opened
        for statement in node.body:
            self.visit(statement)
        del self._guards[len(self._guards) - len(opened) :]

    def visit_Try(self, node: ast.Try) -> None:
        caught = [
            f"except {name.strip(' ()')}"
            for handler in node.handlers
            for name in (ast.unparse(handler.type) if handler.type else "Exception").split(",")
        ]
        self._guards += caught
        for statement in node.body:
            self.visit(statement)
        del self._guards[len(self._guards) - len(caught) :]
        for statement in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(statement)

    def visit_Call(self, node: ast.Call) -> None:
        function = ".".join(self._function) or "<module>"
        self._calls.add(Site(self._path, node, function, frozenset(self._guards)))
        self.visit(node.func)
        called = ast.unparse(node.func).rpartition(".")[2]
        for each in (*node.args, *node.keywords):
            value = each.value if isinstance(each, ast.keyword) else each
            # what is passed on as a function runs inside the function that takes it
            inside = (called,) if isinstance(value, ast.Lambda) else ()
            self._guards += inside
            self.visit(value)
            del self._guards[len(self._guards) - len(inside) :]


@cache
def calls_of_core() -> Calls:
    """Return all calls of `core`, but for the embedded server, which is itself a server."""
    calls = Calls()
    for path in source.python_files("core"):
        if "demo" not in path.parts:
            _Visitor(path, calls).visit(source.tree(path))
    return calls


source.WITH_TREES.append(calls_of_core)


def foreign(is_foreign: Callable[[Site], bool]) -> Iterator[Site]:
    """Yield the calls of core for which the question is answered with yes."""
    return filter(is_foreign, calls_of_core().sites)


def is_aws_call(site: Site) -> bool:
    """Whether a call sends a request through botocore, or reads the body of an answer."""
    function = site.node.func
    if isinstance(function, ast.Call) and ast.unparse(function.func) == "getattr":
        return len(function.args) == 2 and "client" in ast.unparse(function.args[0]).lower()
    return (
        isinstance(function, ast.Attribute)
        and function.attr in aws_methods()
        and not site.name.startswith(("SecretsManager(", "self._secrets.", "self._s3.", "secrets."))
    )


def aws_operations_in_core() -> set[tuple[str, str]]:
    """Return (service, operation) of every request that core sends.

    Taken from the names of called client methods, and from texts: names handed to `getattr` and
    to paginators, and the operation that each translation names.
    """
    text = {site.node.func.attr for site in foreign(is_aws_call)
             if isinstance(site.node.func, ast.Attribute)}  # fmt: skip
    named = set()
    for path in source.python_files("core"):
        if "demo" not in path.parts:
            for node in source.nodes(path):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    text.add(node.value)
                    named.add(node.value)
    return {
        (service, operation)
        for service, methods in aws_operations().items()
        for method, operation in methods.items()
        if method in text or f"{service}:{operation}" in named
    }
