"""What was measured itself is found, and nothing else is taken for it."""

import pytest
from torch import nn

from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.devices.measured import Series
from splitsearch.profilers.predict.lookup import MeasuredStages, known_ms
from splitsearch.spaces.assemble import assemble, whole_on_device
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import Stage
from splitsearch.spaces.variants.variants import Variants

CONFIG = {"backbone": "net", "cut": "1.2", "head": "original", "channels": 2, "bits": 4, "image_size": 32}


def stages(variants: Variants, **changed: object) -> dict[str, Stage]:
    model = assemble(SplitConfig(**(CONFIG | changed)), variants)
    return {stage.name: stage for stage in model.stages}


def test_heads_tails_and_the_whole(variants: Variants, measured_device: DeviceProfile) -> None:
    assert measured_device.measured is not None
    table = MeasuredStages(measured_device.measured)
    backbone = measured_device.measured.backbones[0]
    row = next(row for row in backbone.cuts if row.cut == "1.2")
    assert row.tail is not None
    found = stages(variants)
    for stage, series in ((found["head"], row.head), (found["tail"], row.tail)):
        known = table.of(stage)
        assert known is not None
        assert (known.ms, known.source) == (series.p50, "measured")
    whole = table.of(whole_on_device(variants.graph).stages[0])
    assert whole is not None
    assert whole.ms == backbone.whole.p50


def test_what_is_not_the_backbones_own_is_not_found(variants: Variants, measured_device: DeviceProfile) -> None:
    assert measured_device.measured is not None
    table = MeasuredStages(measured_device.measured)
    found = stages(variants, head_pruning=0.5)
    assert table.of(found["head"]) is None
    assert table.of(found["encoder"]) is None
    assert table.of(found["tail"]) is not None


def test_another_network_with_cuts_of_the_same_name_is_not_found(measured_device: DeviceProfile) -> None:
    assert measured_device.measured is not None
    layers = [nn.Conv2d(3, 8, 3, 2, 1), nn.Sequential(nn.Conv2d(8, 16, 1), nn.Identity(), nn.ReLU())]
    other = Variants.trace("net", nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)), 32)
    assert MeasuredStages(measured_device.measured).of(stages(other)["head"]) is None


def test_between_two_cuts_is_the_difference_of_two_heads(variants: Variants, measured_device: DeviceProfile) -> None:
    assert measured_device.measured is not None
    table = MeasuredStages(measured_device.measured)
    heads = {row.cut: row.head.p50 for row in measured_device.measured.backbones[0].cuts}
    found = table.of(stages(variants, exit_cut="0.2")["head_after_exit"])
    assert found is not None
    assert found.ms == pytest.approx(heads["1.2"] - heads["0.2"])
    assert found.source == "predicted"


def test_the_deviation_of_a_median() -> None:
    series = Series(n=25, p10=9.0, p50=10.0, p90=11.0, iqr=1.349)
    # One standard deviation over the root of 25, times 1.2533 for a median; and 2 % of what two halves differ by.
    assert known_ms(series, 0.0).deviation_ms == pytest.approx(1.2533 / 5)
    assert known_ms(series, 2.0).deviation_ms == pytest.approx(((1.2533 / 5) ** 2 + 0.2**2) ** 0.5)
