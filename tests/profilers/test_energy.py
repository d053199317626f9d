"""Energy: watts times milliseconds, term by term."""

import pytest

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.devices.measured import MeasuredPower
from splitsearch.profilers.duration import ZERO, Duration
from splitsearch.profilers.energy import Energy, active_w, idle_w
from splitsearch.profilers.latency import Computing, Latency, Way
from splitsearch.profilers.networks.network import NetworkProfile, Radio, load_network
from splitsearch.profilers.networks.transfer import NOTHING, Transfer
from splitsearch.profilers.spread import Spread

SENT = Transfer(
    messages=1, rtt_ms=20.0, serialise_ms=5.0, overhead_ms=0.0, silence_ms=0.0, retransmit_ms=0.0, airtime_ms=5.0,
    spread=Spread.fixed(25.0),
)  # fmt: skip


def latency(transfer: Transfer) -> Latency:
    computing = Computing(head=Duration(ms=10.0), encode=ZERO, tail=Duration(ms=3.0), decode=ZERO)
    return Latency.of(computing, Way(transfer=transfer, server_load=0.0, varies=False, source="measured"))


def network(radio: Radio | None) -> NetworkProfile:
    return load_network("lte").model_copy(update={"radio": radio})


def test_computing_waiting_and_radio(device: DeviceProfile) -> None:
    found = Energy.of(device, network(Radio(transmit_w=2.0, idle_w=0.5)), latency(SENT), SENT)
    assert found.compute_mj == device.power.active_w * 10
    assert found.waiting_mj == device.power.idle_w * 28
    assert found.transmit_mj == 2.0 * 5
    assert found.listening_mj == pytest.approx(0.5 * 23)
    assert found.radio_tail_mj == 0.0
    assert found.total_mj == pytest.approx(device.power.active_w * 10 + device.power.idle_w * 28 + 10 + 11.5)


def test_listening_and_the_tail_are_counted_where_they_are_named(device: DeviceProfile) -> None:
    radio = Radio(transmit_w=2.0, idle_w=0.5, receive_w=1.0, tail_w=1.06, tail_ms=11576.0)
    found = Energy.of(device, network(radio), latency(SENT), SENT)
    assert found.listening_mj == pytest.approx(23.0)
    assert found.radio_tail_mj == pytest.approx(1.06 * 11576)


def test_without_figures_of_the_radio_its_terms_are_missing_and_that_is_said(device: DeviceProfile) -> None:
    found = Energy.of(device, network(None), latency(SENT), SENT)
    assert (found.transmit_mj, found.listening_mj, found.radio_known) == (0.0, 0.0, False)
    assert found.to_json()["radio_known"] is False


def test_what_sends_nothing_needs_no_radio(device: DeviceProfile) -> None:
    found = Energy.of(device, network(None), latency(NOTHING), NOTHING)
    assert found.radio_known
    assert found.total_mj == pytest.approx(device.power.active_w * 10 + device.power.idle_w * 3)


class _Measured:
    """Stands in for what `device measure` writes."""

    def __init__(self, power: MeasuredPower | None) -> None:
        self.power = power


@pytest.mark.parametrize(("idle", "expected"), [(4.9, 4.9), (None, 50.0)])
def test_power_measured_on_the_device_comes_first(device: DeviceProfile, idle: float | None, expected: float) -> None:
    power = MeasuredPower(sensor="ina3221", idle_w=idle, active_w=9.8)
    measured = device.model_copy(update={"measured": _Measured(power)})
    assert (active_w(measured), idle_w(measured)) == (9.8, expected)
    unread = device.model_copy(update={"measured": _Measured(None)})
    assert (active_w(unread), idle_w(unread)) == (device.power.active_w, device.power.idle_w) == (150, 50)
