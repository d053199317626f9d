"""Candidates on a machine whose law is known."""

from collections.abc import Callable

import pytest

from splitsearch.profilers.counting.tables import OperatorTables
from splitsearch.profilers.devices.device import DeviceProfile
from splitsearch.profilers.duration import ZERO
from splitsearch.profilers.predict.describe import operators_of
from splitsearch.profilers.predict.fitted import FittedTimes
from splitsearch.profilers.predict.fuse import joined, sequel_of
from splitsearch.profilers.predict.kernel import Kernel
from splitsearch.profilers.predict.times import times_of
from splitsearch.spaces.assemble import assemble, server_only, whole_on_device
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.model import Stage
from splitsearch.spaces.variants.variants import Variants

Law = Callable[[Kernel], float]
CONFIG = {"backbone": "net", "cut": "1.2", "head": "original", "channels": 2, "bits": 8, "image_size": 32}


@pytest.fixture(scope="module")
def times(measured_device: DeviceProfile) -> FittedTimes:
    found = times_of(measured_device, OperatorTables())
    assert isinstance(found, FittedTimes)
    return found


def truth(stages: tuple[Stage, ...], the_law: Law) -> float:
    """What the machine takes: its law, and the 3 % that its tables lie above it."""
    parts = [sequel_of(operators_of(stage.module, stage.input_shape), "onnxruntime") for stage in stages]
    return 1.03 * sum(map(the_law, joined(parts)))


def test_the_backbone_itself_is_looked_up(variants: Variants, times: FittedTimes, the_law: Law) -> None:
    stages = whole_on_device(variants.graph).stages
    found = times.chain(stages)
    assert found.source == "measured"
    assert found.ms == pytest.approx(truth(stages, the_law))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"stride": 2, "activation": "tanh"},
        {"head_pruning": 0.5},
        {"tail_pruning": 0.5},
        {"head": "mimic", "encoder_width": 16},
        {"exit_cut": "0.2"},
        {"resolution": 0.5},
    ],
    ids=str,
)
def test_candidates_take_what_the_law_says(
    variants: Variants, times: FittedTimes, the_law: Law, changed: dict[str, object]
) -> None:
    model = assemble(SplitConfig(**(CONFIG | changed)), variants)
    for site in ("device", "server"):
        stages = tuple(stage for stage in model.at(site) if stage.name != "resize")
        found = times.chain(stages)
        assert found.ms == pytest.approx(truth(stages, the_law), rel=0.12)
        assert found.source == "predicted"
        assert found.deviation_ms is not None
        assert abs(found.ms - truth(stages, the_law)) < 3 * found.deviation_ms


def test_the_anchors_lift_what_is_predicted(variants: Variants, times: FittedTimes, the_law: Law) -> None:
    """Kernels follow the law; whole parts lie 3 % above it, and so do predictions, within a per cent or two."""
    model = assemble(SplitConfig(**(CONFIG | {"head": "mimic", "encoder_width": 32, "encoder_depth": 2})), variants)
    found = times.chain(model.at("device"))
    assert found.ms == pytest.approx(truth(model.at("device"), the_law), rel=0.06)


def test_a_known_stage_is_never_built_again(variants: Variants, times: FittedTimes) -> None:
    stages = assemble(SplitConfig(**CONFIG), variants).at("server")
    first = times.chain(stages)

    def forbidden() -> None:
        raise AssertionError("a stage that was costed before is built")

    again = tuple(
        Stage(
            name=stage.name, site=stage.site, build=forbidden, input_shape=stage.input_shape,
            output_shape=stage.output_shape, same_costs=stage.same_costs,
        )
        for stage in stages
    )  # fmt: skip
    assert times.chain(again) == first


def test_what_launches_nothing_takes_no_time(variants: Variants, times: FittedTimes) -> None:
    camera, _ = server_only(variants.graph).stages
    assert times.chain((camera,)) == ZERO
    assert times.chain(()) == ZERO


def test_packing_comes_from_the_codecs_measurements(times: FittedTimes) -> None:
    assert times.pack(1000, 8).source == "measured"
    assert times.pack(300, 8).ms == pytest.approx(0.03, rel=0.01)
    assert times.unpack(300, 8).source == "predicted"
    assert times.pack(1000, 8, "zstd").source == "estimated", "no coding was measured"


def test_a_profile_without_kernels_falls_back_to_the_roofline(
    variants: Variants, measured_device: DeviceProfile
) -> None:
    assert measured_device.measured is not None
    bare = measured_device.measured.model_copy(update={"kernels": (), "parts": (), "codec": ()})
    times = times_of(measured_device.model_copy(update={"measured": bare}), OperatorTables())
    found = times.chain(assemble(SplitConfig(**(CONFIG | {"head_pruning": 0.5})), variants).at("device"))
    assert found.ms > 0
    assert not found.in_range
    assert times.pack(100, 8).source == "estimated"
