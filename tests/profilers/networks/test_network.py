"""Network profiles: errors, and the closed form of a transfer."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsearch.profilers.networks.network import NetworkProfile, load_network, network_names, radio_mj, transfer_ms
from splitsearch.spaces.errors import UserError

DATA: dict[str, Any] = {
    "schema": 1,
    "name": "mine",
    "description": "a test link",
    "source": "measured",
    "uplink_mbps": 8.0,
    "downlink_mbps": 16.0,
    "rtt_ms": 5.0,
    "radio": {"transmit_w": 2.0, "idle_w": 0.5},
}


def network(**changes: Any) -> NetworkProfile:
    return NetworkProfile.model_validate({**DATA, **changes})


def test_transfer_is_the_round_trip_and_the_bits() -> None:
    assert transfer_ms(network(overhead_bytes=0), 1000) == pytest.approx(5 + 1)
    assert transfer_ms(network(overhead_bytes=500), 1000) == pytest.approx(5 + 1.5)
    assert transfer_ms(network(overhead_bytes=0, uplink_mbps=0.008), 125) == pytest.approx(5 + 125)
    assert transfer_ms(network(overhead_bytes=0), 0) == 5


def test_the_default_overhead_counts() -> None:
    assert network().overhead_bytes == 66
    assert transfer_ms(network(), 934) == pytest.approx(5 + 1)


def test_the_radio_costs_watts_times_serialisation() -> None:
    assert radio_mj(network(overhead_bytes=0), 1000) == pytest.approx(2.0)
    assert radio_mj(network(overhead_bytes=500), 1000) == pytest.approx(3.0)


def test_the_downlink_does_not_matter() -> None:
    assert transfer_ms(network(downlink_mbps=1.0), 1000) == transfer_ms(network(downlink_mbps=100.0), 1000)


@given(st.sampled_from(network_names()), st.integers(0, 10**8), st.integers(1, 10**8))
def test_more_bytes_take_longer_and_cost_more(name: str, payload: int, more: int) -> None:
    link = load_network(name)
    assert transfer_ms(link, payload + more) > transfer_ms(link, payload) >= link.rtt_ms
    assert radio_mj(link, payload + more) > radio_mj(link, payload) >= 0


@given(st.floats(1e-3, 1e4), st.floats(1.01, 100), st.integers(0, 10**7))
def test_a_faster_uplink_takes_less_time(uplink: float, factor: float, payload: int) -> None:
    fast, slow = (network(uplink_mbps=rate) for rate in (uplink * factor, uplink))
    assert transfer_ms(fast, payload) - fast.rtt_ms < transfer_ms(slow, payload) - slow.rtt_ms


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UserError, match=r"network profile 'wify' is neither a file .*; did you mean 'wifi'"):
        load_network("wify")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"uplink_mbps": 0}, "the field 'uplink_mbps' is 0: it should be greater than 0"),
        ({"rtt_ms": float("nan")}, "the field 'rtt_ms' is nan: it should be a finite number"),
        ({"overhead_bytes": -1}, "the field 'overhead_bytes' is -1: it should be greater than or equal to 0"),
        ({"overhead_bytes": 1.5}, "the field 'overhead_bytes' is 1.5: it should be a valid integer"),
        ({"radio": {"transmit_w": 1.0}}, "the field 'radio.idle_w' is missing"),
        (
            {"radio": {**DATA["radio"], "transmit": 1.0}},
            "unknown field 'radio.transmit' = 1.0; did you mean 'transmit_w'?",
        ),
        ({"uplink_mpbs": 3}, "unknown field 'uplink_mpbs' = 3; did you mean 'uplink_mbps'?"),
        ({"source": "estimated"}, "at least one reference is needed"),
    ],
)
def test_what_is_wrong_is_one_line(changes: dict[str, Any], line: str, tmp_path: Path) -> None:
    path = tmp_path / "link.json"
    path.write_text(json.dumps({**DATA, **changes}))
    with pytest.raises(UserError) as caught:
        load_network(str(path))
    assert line in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
