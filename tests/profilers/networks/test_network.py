"""Network profiles: what a file may say, what is refused, what can be changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from splitsearch.profilers.networks.network import NetworkProfile, load_network, override
from splitsearch.profilers.networks.transfer import transfer_ms
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
TRACE = {"time_s": [0.0, 1.0], "uplink_mbps": [8.0, 4.0], "rtt_ms": [5.0, 7.0]}


def network(**changes: Any) -> NetworkProfile:
    return NetworkProfile.model_validate({**DATA, **changes})


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
        ({"uplink_p5_mbps": 9.0}, "the field 'uplink_p5_mbps' is 9.0: it should be at most uplink_mbps"),
        ({"rtt_p95_ms": 4.0}, "the field 'rtt_p95_ms' is 4.0: it should be at least rtt_ms"),
        ({"rtt_p95_ms": 9.0, "jitter_ms": 1.0}, "the field 'jitter_ms' is 1.0: rtt_p95_ms says the same"),
        ({"loss": 1.0}, "the field 'loss' is 1.0: it should be less than 1"),
        ({"duty_cycle": 0.0}, "the field 'duty_cycle' is 0.0: it should be greater than 0"),
        ({"message_bytes": 0}, "the field 'message_bytes' is 0: it should be greater than 0"),
        ({"transport": "udp"}, "the field 'transport' is 'udp': it should be 'tcp' or 'messages'"),
        ({"radio": {**DATA["radio"], "tail_w": 1.0}}, "'tail_w' and 'tail_ms' need each other"),
        ({"radio": {**DATA["radio"], "tail_ms": 1.0}}, "'tail_w' and 'tail_ms' need each other"),
        ({"trace": TRACE, "rtt_p95_ms": 9.0}, "it holds what 'rtt_p95_ms' says; leave that away"),
        ({"trace": TRACE, "message_bytes": 9}, "leave 'duty_cycle' and 'message_bytes' away"),
        ({"trace": {**TRACE, "time_s": [1, 0]}}, "row 2: the time 0 s does not come after 1 s"),
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


def test_files_of_the_first_form_stay_valid() -> None:
    old = network()
    assert (old.loss, old.transport, old.duty_cycle, old.overhead_ms) == (0.0, "tcp", 1.0, 0.0)
    assert (old.message_bytes, old.rtt_p95_ms, old.trace) == (None, None, None)
    assert not old.varies


def test_a_csv_trace_is_a_network(tmp_path: Path) -> None:
    path = tmp_path / "drive.csv"
    path.write_text("time_s,uplink_mbps,rtt_ms\n0,8,20\n1,4,30\n2,0,40\n")
    found = load_network(str(path))
    assert (found.name, found.source, found.radio) == ("drive", "measured", None)
    assert (found.uplink_mbps, found.rtt_ms) == (4.0, 30.0)
    assert found.varies
    assert found.trace is not None


def test_a_trace_may_stand_inside_a_profile_beside_its_radio(tmp_path: Path) -> None:
    path = tmp_path / "drive.json"
    path.write_text(json.dumps({**DATA, "trace": TRACE}))
    found = load_network(str(path))
    assert found.radio is not None
    assert transfer_ms(found, 1000) > 0
    again = tmp_path / "again.json"
    again.write_text(json.dumps(found.to_json()))
    assert load_network(str(again)) == found


def test_a_csv_that_is_not_there_is_an_unknown_name() -> None:
    with pytest.raises(UserError, match=r"'nowhere\.csv' is neither a file nor a shipped name"):
        load_network("nowhere.csv")


def test_rate_and_round_trip_can_be_replaced_and_keep_their_spread() -> None:
    link = network(uplink_p5_mbps=2.0, rtt_p95_ms=20.0)
    changed = override(link, uplink_mbps=16.0, rtt_ms=10.0)
    assert (changed.uplink_mbps, changed.uplink_p5_mbps, changed.rtt_ms, changed.rtt_p95_ms) == (16.0, 4.0, 10.0, 40.0)
    assert changed.name == "mine, uplink 16 Mbit/s, RTT 10 ms"
    assert override(network(jitter_ms=2.0), uplink_mbps=None, rtt_ms=10.0).jitter_ms == 4.0
    assert override(link, uplink_mbps=None, rtt_ms=None) is link


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_replacements_are_positive_numbers(value: float) -> None:
    with pytest.raises(UserError, match="--rtt-ms must be a positive number"):
        override(network(), uplink_mbps=None, rtt_ms=value)


def test_a_trace_keeps_its_own_rates(tmp_path: Path) -> None:
    link = NetworkProfile.model_validate_json(json.dumps({**DATA, "trace": TRACE}))
    with pytest.raises(UserError, match="--uplink-mbps 3 cannot be set: the network 'mine' is a trace"):
        override(link, uplink_mbps=3.0, rtt_ms=None)
