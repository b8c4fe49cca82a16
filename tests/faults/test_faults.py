"""Sampled fault cases end in the right result or a clean failure; `make faults` runs all of them."""

import os
import random

import pytest
from faults.cases import Case, fixed, generated, matrix
from faults.running import run_cases
from faults.world import prepared
from helpers import quick_program

#: Set to repeat the cases of an earlier run; the number is in the failure's text.
SEED = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
FIXED, GENERATED, PARALLEL = 26, 8, 6
#: Cases that ended wrong once: a cut-off ETag was used, a replaced part was refused.
FORMERLY_WRONG = [
    Case("put-big", "Part", "cut_head", "every"),
    Case("put-big", "Part", "truncate_up", "second"),
]


@pytest.fixture
def world(seaweed):
    with prepared(seaweed) as made:
        yield made


@pytest.fixture
def _short_waits(monkeypatch):
    """Shorten the waits of the calls that run in this process, until the test has ended."""
    quick_program.shorten(monkeypatch.setattr)


@pytest.mark.usefixtures("_short_waits")
@pytest.mark.timeout(240)
def test_no_fault_is_taken_for_success(world):
    cases = FORMERLY_WRONG + fixed(FIXED) + generated(GENERATED, SEED)
    wrong = [o for o in run_cases(world, cases, PARALLEL) if o.wrong]
    output = "\n".join(map(str, wrong))
    assert not wrong, f"{len(wrong)} of {len(cases)} wrong (FAULTS_SEED={SEED}):\n{output}"


def test_the_same_seed_gives_the_same_cases():
    assert generated(20, 5) == generated(20, 5)
    assert generated(20, 5) != generated(20, 6)


def test_the_matrix_holds_every_operation_and_no_case_twice():
    cases = matrix()
    assert len(set(map(str, cases))) == len(cases) > 1_000
    assert {case.operation for case in fixed(FIXED)} == {case.operation for case in cases}
