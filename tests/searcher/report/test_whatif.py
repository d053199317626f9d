"""Costs elsewhere, against the profiler that costs everything anew."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from splitsearch.profilers.duration import ZERO, Duration
from splitsearch.profilers.energy import Energy
from splitsearch.profilers.latency import Computing, Latency, Way
from splitsearch.profilers.networks.network import network_names, override
from splitsearch.profilers.networks.transfer import NOTHING, Link
from splitsearch.searcher.report.record import Record
from splitsearch.searcher.report.whatif import (
    Option,
    Scenario,
    baseline_label,
    candidate_label,
    constants,
    energy_mj,
    fault,
    latency_ms,
    options,
)


@pytest.mark.parametrize("network", network_names())
def test_the_run_itself_comes_out_as_it_was_stored(make: Callable[..., Record], network: str) -> None:
    record = make(network, load=0.3)
    found = options(record)
    assert record.target is not None
    assert fault(record, found) == ""
    for option in found:
        assert energy_mj(option, record.target, Scenario()) == pytest.approx(option.energy_mj)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    uplink=st.floats(0.1, 1000),
    rtt=st.floats(0.5, 500),
    load=st.floats(0, 0.95),
    network=st.sampled_from(("lte", "lora")),
)
def test_another_network_costs_what_the_profiler_says(
    make: Callable[..., Record], uplink: float, rtt: float, load: float, network: str
) -> None:
    record = make(network)
    assert record.target is not None
    there = replace(
        record.target, network=override(record.target.network, uplink_mbps=uplink, rtt_ms=rtt), server_load=load
    )
    scenario = Scenario(uplink_mbps=uplink, rtt_ms=rtt, server_load=load)
    for option in options(record):
        transfer = Link(there.network).transfer(option.payload_bytes) if option.payload_bytes else NOTHING
        head, tail = Duration(ms=option.head_ms), Duration(ms=option.tail_ms)
        way = Way(transfer=transfer, server_load=load, varies=False, source="estimated")
        again = Latency.of(Computing(head=head, encode=ZERO, tail=tail, decode=ZERO), way)
        assert latency_ms(option, record.target, scenario) == pytest.approx(again.total_ms)
        energy = Energy.of(there.device, there.network, again, transfer)
        assert energy_mj(option, record.target, scenario) == pytest.approx(energy.total_mj)


def test_a_device_twice_as_fast_halves_the_head_alone(make: Callable[..., Record]) -> None:
    record = make()
    assert record.target is not None
    option = options(record)[0]
    saved = option.latency_ms - latency_ms(option, record.target, Scenario(device_factor=2))
    assert saved == pytest.approx(option.head_ms / 2)
    local = next(option for option in options(record) if option.name == "local")
    assert latency_ms(local, record.target, Scenario(uplink_mbps=0.1, rtt_ms=900, server_load=0.9)) == local.latency_ms


def test_images_that_leave_early_pay_neither_network_nor_server(make: Callable[..., Record]) -> None:
    record = make()
    assert record.target is not None
    full = options(record)[0]
    early = replace(full, exit_rate=0.75, exit_ms=2.0)
    expected = 0.75 * 2.0 + 0.25 * full.latency_ms
    assert latency_ms(early, record.target, Scenario()) == pytest.approx(expected)
    assert latency_ms(early, record.target, Scenario(device_factor=4)) < expected


def test_the_exit_is_found_again_in_what_a_trial_stores(make: Callable[..., Record]) -> None:
    record = make()
    trial = record.trials[0]
    full = trial.values["latency_ms"]
    values = trial.values | {
        "exit_rate": 0.6,
        "latency_ms": 0.6 * 1.5 + 0.4 * full,
        "payload_bytes": 0.4 * trial.values["payload_bytes"],
    }
    changed = replace(record, trials=(replace(trial, values=values), *record.trials[1:]))
    option = options(changed)[0]
    assert (option.exit_ms, option.payload_bytes) == (pytest.approx(1.5), pytest.approx(trial.values["payload_bytes"]))
    assert fault(changed, [option]) == ""


def test_a_changed_profile_file_and_a_lost_one_are_told(make: Callable[..., Record]) -> None:
    record = make()
    assert record.target is not None
    other = replace(record.target, network=override(record.target.network, uplink_mbps=None, rtt_ms=999))
    assert "have changed since the run" in fault(replace(record, target=other), options(record))
    lost = replace(record, target=None, target_fault="no such file")
    assert "no such file" in fault(lost, options(record))


def test_labels_are_words() -> None:
    assert baseline_label("server_jpeg_q90") == "server, JPEG 90"
    assert baseline_label("local_resnet18") == "resnet18 on the device"
    config = {"backbone": "net", "cut": "a", "head": "mimic", "channels": 3, "bits": 8, "image_size": 32, "stride": 2}
    assert candidate_label(config).replace("\N{NO-BREAK SPACE}", " ") == "a · mimic · 3 ch · 8 bit · stride 2"


def test_the_browser_gets_plain_numbers(make: Callable[..., Record]) -> None:
    target = make("lte").target
    assert target is not None
    known = constants(target)
    assert known["uplink_mbps"] == target.network.uplink_mbps
    assert known["serialise_factor"] >= 1
    assert known["rtt_factor"] >= 1
    assert isinstance(options(make())[0], Option)
