"""The parts of tests that the suite leaves out are those of tests that exist, and none is empty."""

from dataclasses import dataclass

from conventions.source import ROOT
from helpers.doses import SHARES, without_rest


@dataclass(frozen=True)
class Item:
    nodeid: str


def test_each_named_test_exists():
    missing = []
    for name in SHARES:
        path, _, function = name.partition("::")
        if f"def {function}(" not in (ROOT / "tests" / path).read_text(encoding="utf-8"):
            missing.append(name)
    assert missing == []


def test_a_share_of_a_named_test_runs_and_all_of_the_others():
    name, share = "servers/test_probe_kills.py::test_a_kill_at_each_request_leaves_nothing", 2
    assert SHARES[name] == share
    named = [Item(f"tests/{name}[{number}]") for number in range(9)]
    others = [Item(f"tests/other.py::test[{number}]") for number in range(3)]
    runs, rest = without_rest([*named, *others])
    assert len(runs) == 5 + 3
    assert [*runs, *rest] != [*named, *others]  # mixed
    assert sorted(map(id, [*runs, *rest])) == sorted(map(id, [*named, *others]))
    assert not any(item in rest for item in others)
    assert runs == [item for item in [*named, *others] if item in runs]


def test_the_choice_is_the_same_in_each_process():
    name = next(iter(SHARES))
    items = [Item(f"tests/{name}[{number}]") for number in range(20)]
    chosen = {item.nodeid for item in without_rest(items)[0]}
    assert {item.nodeid for item in without_rest(items[::-1])[0]} == chosen
