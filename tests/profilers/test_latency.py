"""Latency: sums, percentiles, labels."""

import json
from dataclasses import replace

import pytest

from splitsearch.profilers.duration import ZERO, Duration
from splitsearch.profilers.latency import Computing, Latency, Way, late_with_exit
from splitsearch.profilers.networks.transfer import NOTHING, Transfer
from splitsearch.profilers.queueing import waiting
from splitsearch.profilers.spread import Z95, Spread

HEAD = Duration(ms=10.0, deviation_ms=3.0, source="measured")
TAIL = Duration(ms=4.0, deviation_ms=4.0, source="measured")
CODEC = Duration(ms=1.0, deviation_ms=0.0, source="measured")
COMPUTING = Computing(head=HEAD, encode=CODEC, tail=TAIL, decode=CODEC)
SENT = Transfer(
    messages=2, rtt_ms=20.0, serialise_ms=5.0, overhead_ms=1.0, silence_ms=2.0, retransmit_ms=3.0, airtime_ms=6.0,
    spread=Spread(mean_ms=31.0, p50_ms=28.0, p95_ms=40.0),
)  # fmt: skip
WAY = Way(transfer=SENT, server_load=0.5, varies=True, source="measured")


def test_every_term_stands_there_and_they_add_up() -> None:
    found = Latency.of(COMPUTING, WAY)
    assert found.queue_ms == waiting(0.5, 4.0).mean_ms == 2.0
    assert found.total_ms == pytest.approx(10 + 31 + 2 + 4)
    parts = (found.rtt_ms, found.serialise_ms, found.overhead_ms, found.silence_ms, found.retransmit_ms)
    assert sum(parts) == found.transfer_ms == 31
    assert (found.encode_ms, found.decode_ms) == (1.0, 1.0)


def test_percentiles_hold_network_queue_and_computing() -> None:
    found, queue = Latency.of(COMPUTING, WAY), waiting(0.5, 4.0)
    assert found.p50_ms == pytest.approx(14 + 28 + queue.p50_ms)
    squares = (5 * Z95) ** 2 + 12**2 + (queue.p95_ms - queue.p50_ms) ** 2
    assert found.p95_ms == pytest.approx(found.p50_ms + squares**0.5)
    assert found.varies == ("computing", "transfer", "queue")


def test_what_nobody_knows_counts_as_fixed_and_is_said() -> None:
    unknown = replace(COMPUTING, head=Duration(ms=10.0))
    found = Latency.of(unknown, replace(WAY, server_load=0.0, varies=False))
    assert found.varies == ()
    assert found.p95_ms - found.p50_ms == pytest.approx(12.0)
    assert found.deviation_ms is None


def test_what_sends_nothing_neither_waits_nor_depends_on_the_network() -> None:
    local = replace(COMPUTING, tail=ZERO, decode=ZERO)
    found = Latency.of(local, Way(transfer=NOTHING, server_load=0.9, varies=True, source="estimated"))
    assert (found.total_ms, found.queue_ms, found.transfer_ms) == (10.0, 0.0, 0.0)
    assert found.source == "measured"
    assert found.varies == ("computing",)


def test_a_queue_is_never_measured() -> None:
    assert Latency.of(COMPUTING, WAY).source == "predicted"
    assert Latency.of(COMPUTING, replace(WAY, server_load=0.0)).source == "measured"


def test_json_survives_a_round_trip() -> None:
    data = Latency.of(COMPUTING, WAY).to_json()
    assert json.loads(json.dumps(data)) == data
    assert data["total_ms"] == pytest.approx(47.0)


@pytest.mark.parametrize("rate", [0.95, 1.0])
def test_if_nearly_all_leave_early_the_exit_is_the_worst_twentieth(rate: float) -> None:
    assert late_with_exit(Latency.of(COMPUTING, WAY), 6.0, rate) == 6.0


def test_an_exit_moves_the_rank_that_matters() -> None:
    full = Latency.of(COMPUTING, WAY)
    assert late_with_exit(full, 6.0, 0.0) == pytest.approx(full.p95_ms)
    assert late_with_exit(full, 6.0, 0.9) == pytest.approx(full.p50_ms)  # half of the tenth that goes on is a twentieth
    rates = [late_with_exit(full, 6.0, rate / 100) for rate in range(101)]
    assert rates == sorted(rates, reverse=True)
