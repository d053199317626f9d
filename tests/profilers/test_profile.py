"""Costs of one candidate."""

import dataclasses

import pytest

from splitsearch.profilers.networks.transfer import transfer_ms
from splitsearch.profilers.predict.roofline import quantise_ms, stage_ms
from splitsearch.profilers.profile import Profiler
from splitsearch.spaces.assemble import assemble, server_only, whole_on_device
from splitsearch.spaces.bottleneck.payload import payload_bytes
from splitsearch.spaces.config import HeadKind, SplitConfig
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.variants.variants import Variants


def config(head: HeadKind) -> SplitConfig:
    return SplitConfig(backbone="net", cut="1.2", head=head, channels=2, bits=4, image_size=32)


def test_a_candidate_is_the_sum_of_its_stages(variants: Variants, profiler: Profiler) -> None:
    model = assemble(config("original"), variants)
    found = profiler.profile(model)
    target = profiler.target
    sent = payload_bytes(2 * 8 * 8, 4)
    pack = quantise_ms(128, target.device)
    head = sum(stage_ms(profiler.costs(stage).values(), target.device) for stage in model.at("device")) + pack
    tail = sum(stage_ms(profiler.costs(stage).values(), target.server) for stage in model.at("server")) + pack
    assert found.payload_bytes == sent
    assert found.latency.total_ms == pytest.approx(head + transfer_ms(target.network, sent) + tail)
    assert found.latency.source == "estimated"
    assert found.values["total_macs"] == found.device_macs + found.server_macs


def test_energy_is_computing_waiting_and_radio(variants: Variants, profiler: Profiler) -> None:
    found = profiler.profile(assemble(config("original"), variants))
    power, network = profiler.target.device.power, profiler.target.network
    sending = 8 * (found.payload_bytes + network.overhead_bytes) / network.uplink_mbps / 1e3
    waiting = found.latency.transfer_ms + found.latency.tail_ms
    assert network.radio is not None
    radio = network.radio.transmit_w * sending + network.radio.idle_w * (waiting - sending)
    expected = power.active_w * found.latency.head_ms + power.idle_w * waiting + radio
    assert found.energy_mj == pytest.approx(expected)


def test_local_sends_nothing_and_raw_sends_pixels(graph: TracedGraph, profiler: Profiler) -> None:
    local = profiler.profile(whole_on_device(graph))
    assert (local.payload_bytes, local.latency.transfer_ms, local.server_macs) == (0, 0, 0)
    raw = profiler.profile(server_only(graph))
    assert (raw.payload_bytes, raw.latency.head_ms, raw.device_macs) == (payload_bytes(3072, 8), 0, 0)
    assert raw.server_macs == local.device_macs


def test_memory_holds_weights_and_the_largest_operator(graph: TracedGraph, profiler: Profiler) -> None:
    found = profiler.profile(whole_on_device(graph))
    assert found.device_parameter_bytes == 4 * sum(p.numel() for p in graph.module.parameters())
    assert found.device_memory_bytes > found.device_parameter_bytes


def test_two_bytes_a_number_halve_the_memory(graph: TracedGraph, profiler: Profiler) -> None:
    device = profiler.target.device
    half = device.model_copy(update={"runtime": device.runtime.model_copy(update={"dtype": "float16"})})
    other = Profiler(dataclasses.replace(profiler.target, device=half))
    model = whole_on_device(graph)
    assert 2 * other.profile(model).device_parameter_bytes == profiler.profile(model).device_parameter_bytes


def test_json_holds_every_term(variants: Variants, profiler: Profiler) -> None:
    data = profiler.profile(assemble(config("mimic"), variants)).to_json()
    assert set(data["latency"]) == {
        "head_ms",
        "encode_ms",
        "transfer_ms",
        "rtt_ms",
        "serialise_ms",
        "overhead_ms",
        "silence_ms",
        "retransmit_ms",
        "queue_ms",
        "tail_ms",
        "decode_ms",
        "total_ms",
        "p50_ms",
        "p95_ms",
        "varies",
        "source",
        "deviation_ms",
        "in_range",
    }
    assert set(data["energy"]) == {
        "compute_mj",
        "waiting_mj",
        "transmit_mj",
        "listening_mj",
        "radio_tail_mj",
        "radio_known",
        "source",
        "total_mj",
    }
    assert data["energy_mj"] == data["energy"]["total_mj"]
    assert data["latency_p95_ms"] == data["latency"]["p95_ms"]
    assert data["latency_ms"] == pytest.approx(
        data["latency"]["head_ms"] + data["latency"]["transfer_ms"] + data["latency"]["tail_ms"]
    )


def test_a_busy_server_makes_requests_wait(variants: Variants, profiler: Profiler) -> None:
    model = assemble(config("original"), variants)
    idle = profiler.profile(model).latency
    busy = Profiler(dataclasses.replace(profiler.target, server_load=0.8)).profile(model).latency
    assert busy.queue_ms == pytest.approx(2 * idle.tail_ms)
    assert busy.total_ms == pytest.approx(idle.total_ms + busy.queue_ms)
    assert busy.p95_ms > busy.total_ms


def test_another_payload_changes_transfer_and_energy_alone(variants: Variants, profiler: Profiler) -> None:
    found = profiler.profile(assemble(config("original"), variants))
    assert found.resent(profiler.target, found.payload_bytes) == found
    half = found.resent(profiler.target, found.payload_bytes / 2)
    assert half.payload_bytes == found.payload_bytes / 2
    assert half.latency.transfer_ms == pytest.approx(transfer_ms(profiler.target.network, half.payload_bytes))
    assert (half.latency.head_ms, half.latency.tail_ms) == (found.latency.head_ms, found.latency.tail_ms)
    assert half.energy_mj < found.energy_mj
    assert half.device_macs == found.device_macs


def test_what_sends_nothing_cannot_be_sent_again(graph: TracedGraph, profiler: Profiler) -> None:
    with pytest.raises(ValueError, match="sends nothing"):
        profiler.profile(whole_on_device(graph)).resent(profiler.target, 10)


def test_the_share_that_leaves_at_an_exit_weighs(variants: Variants, profiler: Profiler) -> None:
    model = assemble(dataclasses.replace(config("original"), exit_cut="0.2"), variants)
    found = profiler.profile(model)
    assert found.exit is not None
    half = found.expected(0.5)
    assert half["latency_ms"] == pytest.approx((found.exit.latency_ms + found.latency.total_ms) / 2)
    assert half["payload_bytes"] == found.payload_bytes / 2
    assert found.exit.latency_ms < half["latency_p95_ms"] <= found.latency.p95_ms
    assert found.expected(1.0)["latency_p95_ms"] == found.exit.latency_ms
