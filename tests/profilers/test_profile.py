"""Costs of one candidate."""

import dataclasses

import pytest

from splitsearch.profilers.networks.network import transfer_ms
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
    expected = power.active_w * found.latency.head_ms + power.idle_w * waiting + network.radio.transmit_w * sending
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
        "tail_ms",
        "source",
        "deviation_ms",
        "in_range",
    }
    assert data["latency_ms"] == pytest.approx(
        data["latency"]["head_ms"] + data["latency"]["transfer_ms"] + data["latency"]["tail_ms"]
    )
