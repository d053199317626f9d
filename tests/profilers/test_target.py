"""Targets."""

import dataclasses

import pytest

from splitsearch.profilers.profile import Profiler
from splitsearch.spaces.errors import UserError


def test_the_least_trustworthy_part_decides(profiler: Profiler) -> None:
    target = profiler.target
    measured = target.device.model_copy(update={"source": "measured"})
    assert dataclasses.replace(target, device=measured, server=measured).source == "estimated"
    network = target.network.model_copy(update={"source": "measured"})
    assert dataclasses.replace(target, device=measured, server=measured, network=network).source == "measured"


@pytest.mark.parametrize("load", [-0.5, 1.0])
def test_a_server_is_busy_for_a_share_of_the_time(profiler: Profiler, load: float) -> None:
    with pytest.raises(UserError, match="--server-load: the load of the server must lie in 0"):
        dataclasses.replace(profiler.target, server_load=load)


def test_software_costs_what_one_end_measured(profiler: Profiler) -> None:
    assert profiler.target.software_ms == 0.0


class _Measured:
    """Stands in for what `device measure` writes."""

    power = None

    def __init__(self, message_overhead_ms: float | None) -> None:
        self.message_overhead_ms = message_overhead_ms


def test_the_devices_measurement_comes_before_the_servers(profiler: Profiler) -> None:
    target = profiler.target
    ends = [target.device.model_copy(update={"measured": _Measured(ms)}) for ms in (None, 0.4, 0.7)]
    assert dataclasses.replace(target, device=ends[0], server=ends[1]).software_ms == 0.4
    assert dataclasses.replace(target, device=ends[2], server=ends[1]).software_ms == 0.7
