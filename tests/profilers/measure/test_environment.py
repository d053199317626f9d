"""What makes a measurement doubtful, and that nothing else does."""

from typing import Any

import pytest

from splitsearch.profilers.measure.environment import environment_of, power_state_of, throttled
from splitsearch.profilers.measure.series import Sample


def reading(**changes: Any) -> dict[str, Any]:
    calm = {"clocks_mhz": {"cpu0": 1500.0}, "governor": "performance", "temperature_c": 40.0, "throttling": None,
            "mode": "MAXN", "load": 0.5}  # fmt: skip
    return calm | changes


def visits(even: float, odd: float, own: float = 1.0) -> dict[int, list[Sample]]:
    return {number: [(ms, ms * own)] * 4 for number, ms in enumerate((even, odd, even, odd))}


def test_a_calm_machine_is_believed() -> None:
    found = environment_of({f"head {k}": visits(10, 10.2) for k in range(20)}, [reading(), reading(load=1.5)])
    assert found.ok
    assert found.reasons == ()
    assert found.halves_off == 0
    assert found.halves_percent == pytest.approx(100 * 0.2 / 10.1)
    assert found.wall_over_cpu == pytest.approx(1)
    assert found.load_averages == (0.5, 1.5)


@pytest.mark.parametrize(("apart", "ok"), [(1, True), (2, False)])
def test_halves_may_differ_on_one_network_in_twenty(apart: int, ok: bool) -> None:
    table = {f"head {k}": visits(10, 11 if k < apart else 10) for k in range(20)}
    found = environment_of(table, [reading(), reading()])
    assert found.ok is ok
    assert found.halves_off == apart / 20
    if not ok:
        assert "differ by more than 5% on 10% of the heads and tails" in found.reasons[0]


def test_a_single_round_has_no_halves() -> None:
    found = environment_of({"head": {0: [(10.0, 10.0)]}}, [reading(), reading()])
    assert not found.ok
    assert found.halves_off == 1


def test_other_programs_are_noticed() -> None:
    found = environment_of({"head": visits(10, 10, own=0.8)}, [reading(), reading()])
    assert not found.ok
    assert found.disturbed == 1
    assert found.wall_over_cpu == pytest.approx(1.25)
    assert "other programs were running" in found.reasons[0]


def test_without_the_threads_own_time_halves_alone_judge() -> None:
    calm = {0: [(10.0, None)] * 3, 1: [(10.1, None)] * 3}
    found = environment_of({"head": calm}, [reading(load=None), reading()])
    assert found.ok
    assert found.wall_over_cpu is None
    assert found.load_averages is None


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (None, None, None),
        ({"state firmware": 0.0}, {"state firmware": 0.0}, False),
        ({"state firmware": 0.0}, {"state firmware": 4.0}, True),
        ({"count cpu0": 7.0}, {"count cpu0": 7.0}, False),
        ({"count cpu0": 7.0}, {"count cpu0": 8.0}, True),
    ],
)
def test_throttling_is_a_state_or_a_count_that_grows(
    first: dict[str, float] | None, last: dict[str, float] | None, expected: bool | None
) -> None:
    readings = [reading(throttling=first), reading(throttling=last)]
    assert throttled(readings) is expected
    found = environment_of({"head": visits(10, 10)}, readings)
    assert found.ok is not (expected is True)
    assert any("throttled" in reason for reason in found.reasons) is (expected is True)
    assert power_state_of(readings).throttled is expected


def test_the_power_state_keeps_both_temperatures_and_the_last_clocks() -> None:
    found = power_state_of([reading(), reading(temperature_c=55.0, clocks_mhz={"cpu0": 1400.0})])
    assert found.temperature_c == (40.0, 55.0)
    assert found.clocks_mhz == {"cpu0": 1400.0}
    assert (found.mode, found.governor) == ("MAXN", "performance")
    assert power_state_of([reading(temperature_c=None), reading()]).temperature_c is None
