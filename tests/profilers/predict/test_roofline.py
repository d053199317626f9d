"""Estimates in closed form."""

import pytest

from splitsearch.profilers.counting.operators import OperatorCost
from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.predict.roofline import element_bytes, operator_ms, quantise_ms, stage_ms


def cost(macs: int, moved: int) -> OperatorCost:
    return OperatorCost(macs=macs, parameters=0, inputs=moved, outputs=0)


def test_compute_or_memory_decides(device: DeviceProfile) -> None:
    assert element_bytes(device) == 4
    assert operator_ms(cost(3_000_000, 0), device) == pytest.approx(1 + 3)
    assert operator_ms(cost(3_000_000, 1_000_000), device) == pytest.approx(1 + 4)
    assert stage_ms([cost(3_000_000, 0)] * 2, device) == pytest.approx(8)


def test_quantising_takes_four_passes(device: DeviceProfile) -> None:
    assert quantise_ms(500_000, device) == pytest.approx(4 * (1 + 2))
