"""How much of a generated or repeated test runs: a part in the suite, all of it on demand."""

import os

from hypothesis import HealthCheck, Phase, settings

#: Set by `make tables`, which runs the complete loops.
HEAVY = bool(os.environ.get("STRONGROOM_HEAVY"))


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
