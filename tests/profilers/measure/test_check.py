"""The figures of a check."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsearch.profilers.duration import Duration
from splitsearch.profilers.measure.check import Row, kendall_tau, summarise


def row(predicted: float, measured: float, kind: str = "plain", site: str = "device") -> Row:
    return Row(
        name="x",
        kind=kind,
        site=site,
        predicted=Duration(ms=predicted),
        measured_ms=measured,
        observed_ms=measured,
        halves_percent=1.0,
    )


def test_shares_and_means() -> None:
    rows = [row(10, 10), row(10.4, 10), row(9.1, 10), row(20, 10)]
    found = summarise(rows)["plain"]
    assert found.count == 4
    assert found.mape == pytest.approx(100 * (0 + 0.04 + 0.09 + 1) / 4)
    assert (found.within_5, found.within_10) == (50, 75)
    assert found.halves == 1


def test_groups() -> None:
    rows = [row(1, 1, "table"), row(1, 1), row(3, 3, "pruned"), row(5, 5, "pruned", "server")]
    counts = {name: found.count for name, found in summarise(rows).items()}
    assert counts == {"table": 1, "plain": 1, "pruned": 2, "new": 3, "new heads of 2 ms and more": 1}
    assert list(summarise([row(1, 1, "table")])) == ["table"]


@pytest.mark.parametrize(
    ("pairs", "tau"),
    [
        ([(1, 10), (2, 20), (3, 30)], 1),
        ([(1, 30), (2, 20), (3, 10)], -1),
        ([(1, 1), (2, 3), (3, 2)], 1 / 3),
        ([(1, 1), (1, 2), (2, 3)], 2 / 6**0.5),
        ([(1, 1)], None),
        ([(1, 1), (1, 1)], None),
    ],
)
def test_kendalls_tau(pairs: list[tuple[float, float]], tau: float | None) -> None:
    assert kendall_tau(pairs) == (tau if tau is None else pytest.approx(tau))


@settings(deadline=None)  # the first call imports scipy
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_tau_is_that_of_scipy(pairs: list[tuple[float, float]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    found = kendall_tau(pairs)
    if found is not None:
        assert found == pytest.approx(float(stats.kendalltau(*zip(*pairs, strict=True)).statistic))
