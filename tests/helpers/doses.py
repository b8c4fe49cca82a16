"""How much of a generated or repeated test runs: a part in the suite, all of it on demand."""

import os
from collections import defaultdict
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, settings

#: Set by `make tables` and `make kills`, which run the complete loops.
HEAVY = bool(os.environ.get("STRONGROOM_HEAVY"))
#: Tests of which the suite runs one in so many of their parameters, because each of them starts
#: processes, breaks off requests, or repeats much: together they would take two minutes longer.
SHARES = {
    "core/aws/test_logs.py::test_no_set_up_of_logging_shows_a_secret": 3,
    "core/backup/test_through_faults.py::test_one_damaged_answer_is_asked_for_again": 2,
    "core/cli/test_interrupt.py::test_ctrl_c_ends_every_command_within_two_seconds": 2,
    "core/cli/test_parameters.py::test_bytes_that_are_no_text_are_refused_where_no_local_file_is_named": 4,
    "core/collect/test_parquet_places.py::test_values_are_right_and_few_bytes_are_read": 2,
    "core/collect/test_ranged_folder.py::test_a_statement_reads_its_columns_and_returns_what_all_bytes_give": 2,
    "core/demo/test_conditional_writes.py::test_of_writers_at_the_same_moment_exactly_one_wins": 2,
    "core/objects/test_probes.py::test_an_end_at_any_call_leaves_nothing": 3,
    "core/rotation/test_database_rotation.py::test_death_at_a_boundary": 2,
    "core/rotation/test_database_rotation.py::test_faults_at_every_call": 2,
    "core/rotation/test_iam_faults.py::test_a_fault_at_a_step": 2,
    "core/rotation/test_iam_killed.py::test_a_process_killed_at_a_boundary_is_resumed_by_command": 2,
    "core/transfer/test_other_object.py::test_new_targets_are_written_though_both_sides_deny_missing_keys": 2,
    "gui/test_dialog_themes.py::test_an_open_dialog_has_the_pictures_of_one_opened_in_the_new_theme": 2,
    "servers/test_probe_kills.py::test_a_kill_at_each_request_leaves_nothing": 2,
}


def without_rest(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Return the tests that run, and those that are left out of the suite."""
    groups = defaultdict(list)
    for item in items:
        groups[item.nodeid.removeprefix("tests/").partition("[")[0]].append(item)
    rest = set()
    for name, share in SHARES.items():
        # Neither the first ones nor each second one, which could have the same value everywhere.
        mixed = sorted(groups[name], key=lambda item: crc32(item.nodeid.encode()))
        rest |= set(mixed[-(-len(mixed) // share) :])
    return [item for item in items if item not in rest], [item for item in items if item in rest]


def generated(tables: int = 1, suite: int = 100, demand: int = 1_000) -> settings:
    """Return settings for at least `suite` generated tables, `tables` of them in each example."""
    return settings(
        max_examples=-(-(demand if HEAVY else suite) // tables),
        deadline=None,
        # A smaller example would need hundreds of further restores.
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=[
            HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )  # fmt: skip


if __name__ == "__main__":  # for `make kills`
    print(*sorted({f"tests/{name.partition('::')[0]}" for name in SHARES}))  # noqa: T201 - its output
