"""Traces as data: what is refused, what is derived."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from splitsearch.profilers.networks.trace import Trace, edges_s, find_fault, mean_mbps, median_rtt_ms


def trace(times: list[float], rates: list[float], trips: list[float] | None = None) -> Trace:
    data = {"time_s": times, "uplink_mbps": rates, "rtt_ms": trips or [10.0] * len(times)}
    return Trace.model_validate_json(json.dumps(data))


def test_the_last_row_holds_as_long_as_the_median_step() -> None:
    assert list(edges_s(trace([0, 1, 2, 6], [1] * 4))) == [0, 1, 2, 6, 7]


def test_means_are_over_time_and_not_over_rows() -> None:
    found = trace([0, 1, 4, 5], [10, 2, 4, 6], [30, 20, 90, 50])
    assert mean_mbps(found) == pytest.approx((10 + 3 * 2 + 4 + 6) / 6)
    assert median_rtt_ms(found) == 20.0


@pytest.mark.parametrize(
    ("times", "rates", "place", "why"),
    [
        ([0.0], [1.0], None, "at least two rows, not 1"),
        ([0.0, 1.0, 1.0], [1.0] * 3, 2, "the time 1 s does not come after 1 s"),
        ([0.0, 2.0, 1.0], [1.0] * 3, 2, "the time 1 s does not come after 2 s"),
        ([0.0, 1.0, 2.0, 9.0], [1.0] * 4, 3, "a gap of 7 s, where 1 s are usual"),
        ([0.0, 1.0], [0.0, 0.0], None, "0 in every row"),
    ],
)
def test_faults_name_the_row(times: list[float], rates: list[float], place: int | None, why: str) -> None:
    found = find_fault(times, rates)
    assert found is not None
    assert found[0] == place
    assert why in found[1]


def test_five_median_steps_are_no_gap_yet() -> None:
    assert find_fault([0, 1, 2, 7], [1] * 4) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uplink_mbps": [1.0, -1.0]}, "greater than or equal to 0"),
        ({"rtt_ms": [1.0, 0.0]}, "greater than 0"),
        ({"rtt_ms": [1.0]}, "the same length"),
        ({"time_s": [1.0, 0.0]}, "row 2: the time 0 s"),
    ],
)
def test_a_trace_inside_a_file_is_checked_alike(changes: dict[str, Any], message: str) -> None:
    data = {"time_s": [0.0, 1.0], "uplink_mbps": [1.0, 2.0], "rtt_ms": [5.0, 5.0]}
    with pytest.raises(ValidationError, match=message):
        Trace.model_validate_json(json.dumps(data | changes))
