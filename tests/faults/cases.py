"""The cases: a matrix of operation, request class, fault and occasion, and some at random."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from faults.library import CALLS
from faults.operations import OPERATIONS

#: Faults of any exchange, of one whose request carries data, of one whose answer does.
COMMON = (
    "reset", "lost_answer", "cut_head", "stall_before", "error_500", "error_503", "html_500",
    "error_in_200", "empty_200", "portal_200", "redirect_302", "proxy_407",
)  # fmt: skip
UP = ("cut_request", "flip_up", "truncate_up")
DOWN = (
    "cut_fin", "cut_rst", "stall_middle", "flip_down", "short_length", "duplicate_length",
    "chunked_cut", "wrong_type",
)  # fmt: skip

_OFFLINE, _THROTTLED, _NOT_S3, _SERVICE, _CORRUPT = 31, 30, 32, 33, 40
#: Exit codes that name the cause, for each fault; 0 needs the right result.
EXIT_CODES: dict[str, frozenset[int]] = {
    **dict.fromkeys(("portal_200", "redirect_302"), frozenset({_NOT_S3})),
    "proxy_407": frozenset({_NOT_S3, _OFFLINE}),
    # The last attempt of a budget may end by its deadline, which is a matter of the network.
    **dict.fromkeys(("error_500", "html_500"), frozenset({_SERVICE, _NOT_S3, _OFFLINE})),
    "error_503": frozenset({_SERVICE, _THROTTLED, _OFFLINE}),
    **dict.fromkeys(
        ("reset", "cut_request", "stall_before", "lost_answer"), frozenset({_OFFLINE, _SERVICE})
    ),
}
_ANY = frozenset({_OFFLINE, _THROTTLED, _NOT_S3, _SERVICE, _CORRUPT})


def allowed_codes(fault: str) -> frozenset[int]:
    """Return the exit codes of a clean failure under a fault."""
    return EXIT_CODES.get(fault, _ANY)


@dataclass(frozen=True)
class Case:
    """One run: which operation, and what strikes which of its requests when and where."""

    operation: str
    request_class: str
    fault: str
    occasion: str
    at: float = 0.5

    def __str__(self) -> str:
        place = f" at {self.at:.3f}" if self.at != 0.5 else ""
        return f"{self.operation} / {self.request_class} / {self.fault} / {self.occasion}{place}"


def matrix() -> list[Case]:
    """Return all fixed cases."""
    return [
        Case(operation.name, request_class, fault, occasion)
        for operation in (*OPERATIONS, *CALLS)
        for request_class, faults, main in _struck(operation)
        for fault in faults
        for occasion in _occasions(operation.repeats and main)
    ]


def _struck(operation: object) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Yield request classes with their faults, and whether they are the operation's main ones."""
    for name in operation.uploads:
        yield name, COMMON + UP, True
    for name in operation.downloads:
        more = ("range_ignored",) if name == "GetRange" else ()
        yield name, COMMON + DOWN + more, True
    for name in operation.others:
        yield name, COMMON, False


def _occasions(repeats: bool) -> tuple[str, ...]:
    return ("first", "second", "every") if repeats else ("first", "every")


def fixed(count: int) -> list[Case]:
    """Return about that many cases of the matrix, evenly spread, and some of every operation."""
    everything = matrix()
    if count >= len(everything):
        return everything
    step = len(everything) / count
    chosen = [everything[int(number * step)] for number in range(count)]
    missing = {case.operation for case in everything} - {case.operation for case in chosen}
    return chosen + [
        next(case for case in everything if case.operation == name) for name in sorted(missing)
    ]


def generated(count: int, seed: int) -> list[Case]:
    """Return cases drawn at random, with random places to cut and flip."""
    draw, choices = random.Random(seed), matrix()
    cases = []
    for _ in range(count):
        case = draw.choice(choices)
        at = round(draw.choice([draw.random(), draw.random() ** 4, 1 - draw.random() ** 4]), 4)
        occasion = draw.choice(("first", "second", "every"))
        cases.append(Case(case.operation, case.request_class, case.fault, occasion, at))
    return cases
