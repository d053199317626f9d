"""Transfers: closed forms of every term."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.profilers.networks.network import NetworkProfile, load_network, network_names
from splitsearch.profilers.networks.trace import Trace
from splitsearch.profilers.networks.transfer import NOTHING, Link, tcp_bits_per_ms, transfer_ms
from splitsearch.profilers.spread import Spread

DATA: dict[str, Any] = {
    "schema": 1,
    "name": "mine",
    "description": "a test link",
    "source": "measured",
    "uplink_mbps": 8.0,
    "rtt_ms": 5.0,
    "overhead_bytes": 0,
}


def network(**changes: Any) -> NetworkProfile:
    return NetworkProfile.model_validate({**DATA, **changes})


def test_a_transfer_is_the_round_trip_and_the_bits() -> None:
    assert transfer_ms(network(), 1000) == pytest.approx(5 + 1)
    assert transfer_ms(network(overhead_bytes=500), 1000) == pytest.approx(5 + 1.5)
    assert transfer_ms(network(uplink_mbps=0.008), 125) == pytest.approx(5 + 125)
    assert transfer_ms(network(), 0) == 5


def test_the_default_overhead_counts() -> None:
    without = {name: value for name, value in DATA.items() if name != "overhead_bytes"}
    assert transfer_ms(NetworkProfile.model_validate(without), 934) == pytest.approx(5 + 1)


def test_the_downlink_does_not_matter() -> None:
    assert transfer_ms(network(downlink_mbps=1.0), 1000) == transfer_ms(network(downlink_mbps=100.0), 1000)


def test_a_long_payload_is_divided_and_every_part_pays() -> None:
    found = Link(network(message_bytes=400, overhead_bytes=100, overhead_ms=2.0), software_ms=0.5).transfer(1000)
    assert found.messages == 3
    assert found.serialise_ms == pytest.approx(1.3)
    assert found.overhead_ms == pytest.approx(3 * 2 + 0.5)
    assert found.airtime_ms == pytest.approx(1.3 + 6), "software of the two ends keeps no radio busy"
    assert found.total_ms == pytest.approx(5 + 1.3 + 6.5)
    assert Link(network(message_bytes=400)).transfer(400).messages == 1


def test_a_duty_cycle_demands_silence_after_every_message_but_the_last() -> None:
    link = network(message_bytes=900, overhead_bytes=100, overhead_ms=1.0, duty_cycle=0.01)
    assert Link(link).transfer(900).silence_ms == 0.0
    assert Link(link).transfer(901).silence_ms == pytest.approx(2.0 * 99)  # 1000 bytes are 1 ms, and 1 ms of preamble
    assert Link(link).transfer(2700).silence_ms == pytest.approx(2 * 2.0 * 99)


def test_lora_and_bluetooth_are_the_formulas_of_their_specifications() -> None:
    lora = Link(load_network("lora"))
    symbols = 12.25 + 8 + math.ceil((8 * 235 - 28 + 28 + 16) / 28) * 5
    assert lora.transfer(222).airtime_ms == pytest.approx(symbols * 1.024, rel=1e-4)
    assert lora.transfer(223).silence_ms == pytest.approx(99 * symbols * 1.024, rel=1e-4)
    assert lora.transfer(9408).messages == 43
    assert Link(load_network("ble")).transfer(244).airtime_ms == pytest.approx((262 * 4 + 150 + 44 + 150) / 1e3)


def test_tcp_is_limited_by_what_is_lost() -> None:
    lossy = network(uplink_mbps=100.0, rtt_ms=50.0, loss=0.01)
    assert tcp_bits_per_ms(lossy) == pytest.approx(1448 * 8 / 50 * math.sqrt(1.5) / 0.1)
    found = Link(lossy).transfer(100_000)
    assert found.serialise_ms == pytest.approx(8.0)
    assert found.serialise_ms + found.retransmit_ms == pytest.approx(800_000 / tcp_bits_per_ms(lossy))
    near = network(uplink_mbps=1.0, rtt_ms=1.0, loss=0.1)
    assert tcp_bits_per_ms(near) == pytest.approx(900), "a slow uplink loses its share and no more"
    assert tcp_bits_per_ms(network()) == 8000


def test_single_messages_are_repeated_until_they_arrive() -> None:
    lossy = network(transport="messages", message_bytes=500, loss=0.2)
    found = Link(lossy).transfer(1000)
    assert found.retransmit_ms == pytest.approx(0.25 * (1.0 + 2 * 5.0))
    assert found.airtime_ms == pytest.approx(1.0 / 0.8)


def test_percentiles_come_from_rate_and_round_trip() -> None:
    fixed = Link(network()).transfer(1000).spread
    assert fixed == Spread.fixed(6.0)
    slow = Link(network(uplink_p5_mbps=2.0)).transfer(1000).spread
    assert (slow.p50_ms, slow.p95_ms) == pytest.approx((6.0, 5 + 4))
    late = Link(network(rtt_p95_ms=25.0)).transfer(1000)
    assert (late.spread.p50_ms, late.spread.p95_ms) == pytest.approx((6.0, 26.0))
    assert late.rtt_ms == pytest.approx(Spread.lognormal(5.0, 25.0).mean_ms)
    assert late.spread.mean_ms == pytest.approx(late.total_ms)
    both = Link(network(uplink_p5_mbps=2.0, rtt_p95_ms=9.0)).transfer(1000).spread
    assert both.p95_ms == pytest.approx(6 + 5)  # 3 and 4 make 5
    jitter = Link(network(jitter_ms=2.0)).transfer(1000).spread
    assert (jitter.mean_ms, jitter.p95_ms) == pytest.approx((6.0, 6 + 1.6448536 * 2))


def test_a_trace_is_integrated() -> None:
    trace = Trace(time_s=(0.0, 1.0), uplink_mbps=(8.0, 8.0), rtt_ms=(5.0, 15.0))
    found = Link(network(trace=trace, overhead_bytes=500, overhead_ms=0.25), software_ms=0.5).transfer(500)
    assert (found.rtt_ms, found.serialise_ms, found.overhead_ms) == pytest.approx((10.0, 1.0, 0.75))
    assert (found.spread.p50_ms, found.spread.p95_ms) == pytest.approx((6.75, 16.75))
    assert found.airtime_ms == pytest.approx(1.25)


def test_nothing_takes_no_time() -> None:
    assert (NOTHING.total_ms, NOTHING.messages, NOTHING.spread) == (0.0, 0, Spread.fixed(0.0))


@given(st.sampled_from(network_names()), st.integers(0, 10**8), st.integers(1, 10**8))
def test_more_bytes_take_longer_and_keep_the_radio_busy_longer(name: str, payload: int, more: int) -> None:
    link = Link(load_network(name))
    less, much = link.transfer(payload), link.transfer(payload + more)
    assert much.total_ms > less.total_ms >= link.transfer(0).rtt_ms
    assert much.airtime_ms > less.airtime_ms
    assert much.spread.p95_ms >= much.spread.p50_ms


@given(st.floats(1e-3, 1e4), st.floats(1.01, 100), st.integers(1, 10**7))
def test_a_faster_uplink_takes_less_time(uplink: float, factor: float, payload: int) -> None:
    fast, slow = (Link(network(uplink_mbps=rate)).transfer(payload) for rate in (uplink * factor, uplink))
    assert fast.serialise_ms < slow.serialise_ms


@given(st.floats(0, 0.98), st.floats(0.001, 0.01), st.sampled_from(["tcp", "messages"]))
def test_more_loss_never_takes_less_time(loss: float, more: float, transport: str) -> None:
    less, much = (
        transfer_ms(network(loss=share, transport=transport), 10_000) for share in (loss, min(0.99, loss + more))
    )
    assert much >= less
