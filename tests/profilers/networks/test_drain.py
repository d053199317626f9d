"""Messages over a trace: the exact integral against closed forms and against brute force."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitsearch.profilers.networks.drain import Drain
from splitsearch.profilers.networks.trace import Trace

MBIT = 1e6


def drain(rates: list[float], trips: list[float] | None = None, step: float = 1.0) -> Drain:
    times = tuple(step * k for k in range(len(rates)))
    return Drain(Trace(time_s=times, uplink_mbps=tuple(rates), rtt_ms=tuple(trips or [10.0] * len(rates))))


def test_a_constant_rate_is_bits_over_rate() -> None:
    spread, sent = drain([8.0, 8.0, 8.0]).message(8000)
    assert (spread.mean_ms, spread.p50_ms, spread.p95_ms) == pytest.approx((11.0, 11.0, 11.0))
    assert sent == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("start_ms", "bits", "expected"),
    [
        (0, 0.5 * MBIT, 500),  # at 1 Mbit/s
        (750, 0.5 * MBIT, 250 + 1000 + 62.5),  # a quarter before the outage, the rest after it at 4 Mbit/s
        (1500, 1 * MBIT, 500 + 250),  # starts inside the outage
        (2500, 2.5 * MBIT, 500 + 500),  # over the end of the trace, into its beginning
        (0, 5 * MBIT, 3000),  # the whole trace once
        (0, 15.5 * MBIT, 9500),  # and three times, and a bit
    ],
)
def test_a_message_drains_at_the_traced_rates(start_ms: float, bits: float, expected: float) -> None:
    assert drain([1.0, 0.0, 4.0]).milliseconds(start_ms, bits) == pytest.approx(expected)


def test_an_outage_in_closed_form() -> None:
    """Up for a second, down for a second: a short message waits for the rest of the outage, at most a second."""
    spread, sent = drain([1000.0, 0.0]).message(1.0)
    assert sent == pytest.approx(0.5 * 500, rel=1e-3)  # half of the starts wait half a second on average
    assert spread.p50_ms == pytest.approx(10, abs=1)
    assert spread.p95_ms == pytest.approx(
        10 + 900, abs=1
    )  # the last tenth of the outage's starts are a twentieth of all
    assert sent > 1.0 / (500 * 1e3), "the mean rate would have said two nanoseconds"


def test_the_round_trip_is_that_of_the_row_in_which_the_message_starts() -> None:
    spread, sent = drain([8.0, 8.0], [10.0, 50.0]).message(8000)
    assert spread.mean_ms == pytest.approx(1 + 30)
    assert (spread.p50_ms, spread.p95_ms) == pytest.approx((11.0, 51.0))
    assert sent == pytest.approx(1.0)


RATES = st.lists(st.floats(0, 100).map(lambda rate: 0.0 if rate < 5 else rate), min_size=2, max_size=8)


@settings(max_examples=30)
@given(RATES.filter(any), st.floats(1, 1e9), st.floats(0, 1))
def test_any_trace_agrees_with_brute_force(rates: list[float], bits: float, phase: float) -> None:
    found = drain(rates, [1.0 + k for k in range(len(rates))], step=0.5)
    spread, sent = found.message(bits)
    period = 500.0 * len(rates)
    starts = [period * (k + phase) / 1000 for k in range(1000)]
    seen = sorted(1.0 + int(start // 500) + found.milliseconds(start, bits) for start in starts)
    tolerance = 1e-3 * spread.mean_ms + period / 500
    assert spread.mean_ms == pytest.approx(sum(seen) / 1000, abs=tolerance)
    assert seen[490] - tolerance <= spread.p50_ms <= seen[510] + tolerance
    assert seen[940] - tolerance <= spread.p95_ms <= seen[960] + tolerance
    assert sent <= spread.mean_ms


@given(RATES.filter(any), st.floats(1, 1e8), st.floats(0, 1e4))
def test_the_integral_of_the_rate_over_the_duration_is_the_message(
    rates: list[float], bits: float, start: float
) -> None:
    duration = drain(rates).milliseconds(start, bits)
    cuts = sorted({start, start + duration, *(1000.0 * k for k in range(int((start + duration) / 1000) + 1))})
    cuts = [cut for cut in cuts if start <= cut <= start + duration]
    sent = sum(
        (after - before) * 1e3 * rates[int((before + after) / 2 // 1000) % len(rates)]
        for before, after in pairwise(cuts)
    )
    assert sent == pytest.approx(bits, rel=1e-6, abs=1.0)


@given(RATES.filter(any), st.floats(1, 1e8), st.floats(1.1, 10))
def test_more_bits_never_arrive_earlier(rates: list[float], bits: float, factor: float) -> None:
    less, more = (drain(rates).message(amount)[0] for amount in (bits, bits * factor))
    assert more.mean_ms > less.mean_ms
    assert more.p95_ms >= less.p95_ms * (1 - 1e-9)
