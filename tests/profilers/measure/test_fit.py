"""The fit finds the figures that made the times."""

import pytest

from splitsearch.profilers.measure.fit import fit_compute

NETWORKS = [
    [[10**8, 10**6], [10**6, 10**7]],
    [[5 * 10**8, 10**6]] * 3,
    [[0, 2 * 10**7]] * 2 + [[0, 10]] * 50,
    [[10**5, 10**4]] * 80,
]


def milliseconds(operators: list[list[int]], width: int) -> float:
    """At 20 GMAC/s, 8 GB/s and 0.02 ms an operator."""
    return sum(0.02 + max(macs / 20e6, moved * width / 8e6) for macs, moved in operators)


@pytest.mark.parametrize(("dtype", "width"), [("float32", 4), ("float16", 2)])
def test_a_roofline_is_found_again(dtype: str, width: int) -> None:
    fit = fit_compute([(operators, milliseconds(operators, width)) for operators in NETWORKS], dtype)
    assert fit.error < 0.02
    assert fit.compute.gmacs_per_s == pytest.approx(20, rel=0.05)
    assert fit.compute.memory_gbytes_per_s == pytest.approx(8, rel=0.05)
    assert fit.compute.operator_overhead_ms == pytest.approx(0.02, rel=0.1)


def test_a_bandwidth_that_hardly_matters_stays_plausible() -> None:
    computing = [([[macs, macs // 10**4]], 0.02 + macs / 20e6) for macs in (10**7, 10**8, 10**9)]
    assert fit_compute(computing, "float32").compute.memory_gbytes_per_s < 1000


def test_one_network_is_enough_for_valid_figures() -> None:
    fit = fit_compute([([[0, 0]], 1.0)], "float32")
    assert fit.compute.gmacs_per_s > 0
    assert fit.compute.memory_gbytes_per_s > 0
    assert fit.error < 0.02
