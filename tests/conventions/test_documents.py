"""Links, workflows, templates and the generated reference of the documents are valid."""

import re
import subprocess
import sys
import tomllib

import pytest
from conventions.source import ROOT, files, text
from helpers import command_reference

PAGES = [path for path in files() if path.suffix == ".md"]
#: Inline links and pictures, without those in code.
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
#: The schema that check-jsonschema contains for each kind of file: nothing is downloaded.
SCHEMAS = {
    "vendor.github-workflows": ".github/workflows/*.yml",
    "custom.github-workflows-require-timeout": ".github/workflows/*.yml",
    "vendor.github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
}


def _anchors(page):
    """Return the anchors of the headings of a page, as GitHub and Zensical make them."""
    text = _CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _broken_links(page):
    for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not linked.exists() or (anchor and anchor not in _anchors(linked)):
            yield f"{page.relative_to(ROOT)}: {target}"


def test_links_between_documents_lead_somewhere():
    assert len(PAGES) > 15
    assert [link for page in PAGES for link in _broken_links(page)] == []


def test_a_broken_link_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setitem(_broken_links.__globals__, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](#one) [b](#two) ![c](no.png) [d](page.md) `[e](no.md)`\n")
    assert list(_broken_links(page)) == ["page.md: #two", "page.md: no.png"]


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_every_page_is_in_the_navigation_and_reachable_from_the_readme():
    pages = {path.name for path in (ROOT / "resources/docs").glob("*.md")}
    with (ROOT / ".zensical.toml").open("rb") as file:
        navigation = re.findall(r"'([\w-]+\.md)'", str(tomllib.load(file)["project"]["nav"]))
    assert sorted(navigation) == sorted(pages)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name for name in pages if f"resources/docs/{name}" not in readme} <= {
        "api.md", "index.md",
    }  # fmt: skip
    index = (ROOT / "resources/docs/index.md").read_text(encoding="utf-8")
    assert {name for name in pages if f"({name})" not in index} == {"index.md"}


def test_every_part_of_the_library_is_in_the_table_of_layers():
    page = (ROOT / "resources/docs/architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Layers of `core`")[2].partition("\nIn `gui`")[0]
    named = {name.removeprefix("core/") for name in re.findall(r"`([\w/.]+)`", table)}
    parts = {p.parent.name for p in (ROOT / "core").glob("*/__init__.py")}
    parts |= {path.name for path in (ROOT / "core").glob("*.py")} - {"__init__.py"}
    assert parts - named == set()


def test_the_command_reference_is_current():
    page = command_reference.PAGE.read_text(encoding="utf-8")
    assert page == command_reference.text(), "run `make docs`"


@pytest.mark.parametrize("schema", SCHEMAS)
def test_workflows_and_issue_forms_match_their_schema(schema):
    found = sorted(ROOT.glob(SCHEMAS[schema]))
    assert found
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *found],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_the_packages_are_marked_as_typed():
    assert (ROOT / "core/py.typed").read_bytes() == b""
    assert (ROOT / "gui/py.typed").read_bytes() == b""


def test_the_benchmarks_are_described():
    program = (ROOT / "tests/benchmarks/__main__.py").read_text(encoding="utf-8")
    names = re.findall(r'^    \("([\w-]+)", \w+\.\w+\),$', program, re.MULTILINE)
    assert len(names) > 5
    page = (ROOT / "resources/docs/performance.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE) == names


def test_the_tests_that_contributors_are_asked_to_run_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    commands = re.findall(r"(?:^|`)pytest ([^`#\n]+)", text, re.MULTILINE)
    named = [word for command in commands for word in command.split() if word.startswith("tests/")]
    assert len(named) > 15
    for path, _, test in (word.partition("::") for word in named):
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test


_DOTTED = re.compile(r"`((?:core|gui)(?:\.\w+)+)`")


def _is_there(dotted):
    """Whether a module has the name, or is the name itself; read as text, nothing is imported."""
    module, parts = ROOT, dotted.split(".")
    while parts and (module / parts[0]).is_dir():
        module /= parts.pop(0)
    if not parts:
        return True
    if (module / f"{parts[0]}.py").is_file():
        module /= f"{parts.pop(0)}.py"
    else:
        module /= "__init__.py"
    return {*parts} <= {*re.findall(r"\w+", module.read_text(encoding="utf-8"))}


def test_modules_and_names_in_docstrings_and_documents_exist():
    texts = [path for path in files() if path.suffix in {".py", ".md"}]
    found = [(path, name) for path in texts for name in _DOTTED.findall(text(path))]
    assert len(found) > 50
    assert [
        f"{path.relative_to(ROOT)}: {name}" for path, name in found if not _is_there(name)
    ] == []


def test_a_name_that_does_not_exist_would_be_found():
    assert _is_there("core.errors.StorageError")
    assert _is_there("core.backup")
    assert not _is_there("core.errors.NoSuchError")
    assert not _is_there("core.no_such_module.Name")
