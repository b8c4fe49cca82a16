"""The source follows the conventions of the repository that no linter checks."""

import ast
import re
import tomllib

import pytest
from conventions import source

CODE = source.python_files("core", "gui")
ALL = source.python_files("core", "gui", "tests")


def calls(paths, name):
    """Every call whose dotted name matches."""
    return [
        (path, node)
        for path in paths
        for node, called in source.calls(path)
        if re.fullmatch(name, called)
    ]


def test_files_stay_short():
    long = [p.name for p in ALL if len(p.read_text(encoding="utf-8").splitlines()) > 400]
    assert long == []


def test_file_dialogs_are_deleted_after_use():
    """A closed dialog that its parent owns stays in the tree of accessible objects."""
    stored = [
        source.place(path, node.lineno)
        for path in source.python_files("gui")
        for node in source.nodes(path)
        if isinstance(node, ast.FunctionDef)
        and "= QFileDialog(" in (text := ast.unparse(node))
        and not any(part in text for part in ("WA_DeleteOnClose", "self._ask(dialog)"))
    ]
    assert stored == []


def test_no_text_stands_alone():
    """A string that is a statement is the lost end of the message above it, or has no effect."""
    alone = [
        source.place(path, statement.lineno)
        for path in ALL
        for block in source.nodes(path)
        if hasattr(block, "body")
        for statement in _after_the_docstring(block)
        if isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant | ast.JoinedStr)
        and getattr(statement.value, "value", "") is not ...
    ]
    assert alone == []


def _after_the_docstring(block):
    """Return the statements of a block without the docstring that it may begin with."""
    parts = [getattr(block, name, []) for name in ("body", "orelse", "finalbody")]
    statements = [each for part in parts if isinstance(part, list) for each in part]
    documented = isinstance(
        block, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    )
    has_docstring = documented and ast.get_docstring(block, clean=False) is not None
    return statements[has_docstring:]


def test_labels_come_from_the_factory_that_makes_them_plain_text():
    raw = calls(CODE, r"(QtWidgets\.)?QLabel")
    texts = [source.place(path, node.lineno) for path, node in raw if node.args or node.keywords]
    assert texts == []


def test_labels_without_the_factory_never_guess_whether_text_is_markup():
    """A plain QLabel is for a picture; one with text must have its format set to plain text."""
    bad = []
    for path in CODE:
        called = {name: node for node, name in source.calls(path)}
        output = {label for label in _raw_labels(path) if f"{label}.setText" in called}
        guessing = {label for label in output if f"{label}.setTextFormat" not in called}
        bad += [source.place(path, called[f"{label}.setText"].lineno) for label in guessing]
    assert bad == []


def _raw_labels(path):
    """Return the names to which a file assigns a QLabel that it creates."""
    return {
        ast.unparse(target)
        for node in source.nodes(path)
        if isinstance(node, ast.Assign)
        and re.fullmatch(r"(QtWidgets\.)?QLabel", source.called(node.value))
        for target in node.targets
    }


def test_no_message_boxes_and_no_nested_event_loops():
    found = calls(CODE, r".*QMessageBox(\..*)?|.*\.exec_?|.*processEvents")
    places = [source.place(p, n.lineno) for p, n in found if not _may_run_a_loop(p, n)]
    assert places == []


def _may_run_a_loop(path, node):
    """The one event loop of the program, menus and drags, which need one, and what is no Qt."""
    loop_of_the_program = path.match("gui/app/*.py")
    return loop_of_the_program or re.search(r"menu|drag", source.called(node), re.IGNORECASE)


#: Stacks of pages, combo boxes and tab bars: their current index is a page or a line, no row.
_PAGES = r"(.*\.)?(_?stack|_pages|_tools|bar|box|kind|source|template|speed|timeframes)"


def test_rows_are_chosen_by_the_function_that_selects_them_alone():
    """`selectRow` and `setCurrentIndex` of a view add to the selection while a key is held."""
    found = [
        source.place(path, node.lineno)
        for path in source.python_files("gui")
        for node in source.nodes(path)
        if isinstance(node, ast.Attribute)
        and (node.attr in {"selectRow", "selectColumn"} or _chooses_a_row(node, path))
    ]
    assert found == []


def _chooses_a_row(node, path):
    """Whether a view is given a current index without saying what becomes selected."""
    if node.attr != "setCurrentIndex" or re.fullmatch(_PAGES, ast.unparse(node.value)):
        return False
    calls = [c for c in source.nodes(path) if isinstance(c, ast.Call) and c.func is node]
    return not calls or len(calls[0].args) < 2


def test_tables_trees_and_lists_come_from_the_functions_that_give_them_their_habits():
    made = calls(CODE, r"(QtWidgets\.)?Q(Table|Tree|List)(View|Widget)|HoverRows")
    outside = [source.place(p, n.lineno) for p, n in made if not p.match("gui/widgets/table.py")]
    assert outside == []


def test_spin_boxes_and_date_fields_have_the_padding_of_line_edits():
    """Qt draws their text at the border; `inset` gives it a margin."""
    fields = r"(QtWidgets\.)?Q(Double)?SpinBox|(QtWidgets\.)?Q(Date|Time|DateTime)Edit"
    padded = {id(node.args[0]) for _, node in calls(CODE, "inset") if node.args}
    bare = [source.place(p, n.lineno) for p, n in calls(CODE, fields) if id(n) not in padded]
    assert bare == []


def test_every_tab_is_in_the_contract_that_separates_tabs():
    project = tomllib.loads((source.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {one["id"]: one for one in project["tool"]["importlinter"]["contracts"]}
    packages = {path.parent.name for path in source.ROOT.glob("gui/tabs/*/__init__.py")}
    assert set(contracts["tabs-apart"]["modules"]) == {f"gui.tabs.{name}" for name in packages}


def test_aws_clients_come_from_the_factory():
    found = calls(CODE, r".*boto3\..*|.*\.create_client|.*[sS]ession\.client")
    outside = [source.place(p, n.lineno) for p, n in found if p.parent.name != "aws"]
    assert outside == []


def test_statements_do_not_depend_on_the_default_connection_of_duckdb():
    """`duckdb.sql` fails if another test has left an unfinished result; `execute` discards it."""
    found = calls(ALL, r"duckdb\.(sql|query)")
    assert [source.place(path, node.lineno) for path, node in found] == []


def test_nothing_sleeps():
    assert [source.place(p, n.lineno) for p, n in calls(CODE, r"(time\.)?sleep")] == []


def test_no_exception_is_swallowed_complete():
    """`except Exception: pass` and similar handlers hide what went wrong."""
    bad = [
        source.place(path, node.lineno)
        for path in CODE
        for node in source.nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and all(isinstance(inner, ast.Pass) for inner in node.body)
    ]
    assert bad == []


def test_every_exception_to_a_rule_bears_its_reason():
    mark = re.compile(
        r"# (noqa|type: ignore)(: [A-Z]+\d+(, [A-Z]+\d+)*|\[[\w\-, ]+\])?(?P<why>.*)$"
    )
    bare = [
        source.place(path, number)
        for path in ALL
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := mark.search(line)) and len(found["why"].strip(" -#()")) < 5
    ]
    assert bare == []


def test_every_module_says_what_it_is():
    dumb = [path.name for path in CODE if not ast.get_docstring(source.tree(path))]
    assert dumb == []


@pytest.mark.parametrize(
    "text",
    [
        r"/(work|home|root|Users)/\w+",  # paths of one machine
        r"artifactory|jfrog|nexus\.|index-url\s*=|--index-url|pypi\.(?!org)\w+\.",  # a registry
        r"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedError",  # unfinished
        r"AKIA(?!IOSFODNN7EXAMPLE)[A-Z2-7]{16}\b",  # an access key, but AWS's example
        r"-----BEGIN [A-Z ]*PRIVATE KEY",
        r"(?i)\b(chatgpt|claude|copilot|llm|language model|(issue|ticket) #?\d+)\b",
    ],
)
def test_the_repository_speaks_of_the_product_only(text):
    own = source.ROOT / "tests/conventions/test_source.py"
    texts = [p for p in source.files() if p.suffix in source.TEXTS and p != own]
    found = [
        source.place(path, number)
        for path in texts
        if re.search(text, content := source.text(path))
        for number, line in enumerate(content.splitlines(), 1)
        if re.search(text, line)
    ]
    assert found == []


def test_the_top_level_has_the_expected_files_only():
    tops = {path.relative_to(source.ROOT).parts[0] for path in source.files()}
    fixed = {"core", "gui", "tests", "resources", "pyproject.toml", "README.md"}
    around = {"Makefile", "CHANGELOG.md", "LICENSE", "requirements.lock"}
    around |= {"CONTRIBUTING.md", "SECURITY.md"}
    assert {top for top in tops if not top.startswith(".")} == fixed | around
