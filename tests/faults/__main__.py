"""`make faults`: the complete matrix against SeaweedFS, and the number of cases that end wrong."""

import argparse
import random
import sys
import time
from collections import Counter
from functools import partial
from itertools import count

from faults.cases import fixed, generated
from faults.running import Outcome, run_cases
from faults.world import prepared
from helpers.quick_program import shorten
from helpers.seaweed import running_seaweed

#: After so many cases the number of those that were run is printed.
_EVERY = 100


def main() -> int:
    """Run the cases that the options name; return 1 when one ends wrong."""
    options = _options()
    cases = fixed(options.fixed) + generated(options.generated, options.seed)
    cases = [case for case in cases if options.only in str(case)]
    print(f"{len(cases)} cases; --seed {options.seed} repeats the generated ones", flush=True)
    shorten()
    began = time.monotonic()
    with running_seaweed() as server, prepared(server) as world:
        random.Random(0).shuffle(cases)  # the slow ones of a kind shall not all be last
        outcomes = run_cases(world, cases, options.parallel, partial(_report, count()))
    return _summary(outcomes, time.monotonic() - began)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--fixed", type=int, default=600, help="cases of the matrix")
    parser.add_argument("--generated", type=int, default=150, help="cases at random")
    parser.add_argument("--parallel", type=int, default=6)
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    return parser.parse_args()


def _report(numbers: "count[int]", outcome: Outcome) -> None:
    number = next(numbers) + 1
    if number % _EVERY == 0:
        print(f"{number} cases were run", flush=True)
    if outcome.wrong:
        print(f"WRONG  {outcome}", flush=True)


def _summary(outcomes: list[Outcome], seconds: float) -> int:
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    struck = sum(outcome.struck > 0 for outcome in outcomes)
    succeeded = sum(outcome.code == 0 for outcome in outcomes)
    print(f"{len(outcomes)} cases in {seconds:.0f} s: in {struck} a fault struck, {succeeded} "
          f"succeeded, the longest took {max(o.seconds for o in outcomes):.0f} s")  # fmt: skip
    for name, number in Counter(o.case.operation for o in wrong).most_common():
        print(f"  wrong: {number:3} {name}")
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
