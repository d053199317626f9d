"""The best that a profile file offers."""

import pytest
from torch import nn

from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.profilers.devices.device import DeviceProfile, load_device
from splitsearch.profilers.predict.fitted import FittedTimes
from splitsearch.profilers.predict.roofline import Roofline, quantise_ms, stage_ms
from splitsearch.profilers.predict.times import times_of
from splitsearch.spaces.model import Stage


def test_without_measurements_it_is_a_roofline() -> None:
    device, tables = load_device("jetson"), OperatorTables()
    stage = Stage(
        name="encoder", site="device", build=lambda: nn.Conv2d(3, 4, 1), input_shape=(3, 8, 8), output_shape=(4, 8, 8)
    )
    times = times_of(device, tables)
    assert isinstance(times, Roofline)
    found = times.chain((stage, stage))
    assert found.ms == pytest.approx(2 * stage_ms(tables.of(stage).values(), device))
    assert (found.source, found.deviation_ms) == ("estimated", None)
    assert times.pack(100, 8).ms == times.unpack(100, 8).ms == quantise_ms(100, device)
    assert times.pack(100, 4, "zstd").ms > times.pack(100, 8, "zstd").ms > times.pack(100, 8).ms
    assert times.unpack(100, 8, "zstd").ms == times.unpack(100, 8).ms


def test_with_measurements_it_is_fitted(measured_device: DeviceProfile) -> None:
    assert isinstance(times_of(measured_device, OperatorTables()), FittedTimes)
