"""Chains of stages."""

import pytest
import torch
from torch import nn

from splitsearch.spaces.graph.layout import map_shape
from splitsearch.spaces.model import Exit, Lanes, Resize, SplitModel, Stage


def stage(name: str, site: str, before: int, after: int) -> Stage:
    return Stage(
        name=name,
        site="device" if site == "device" else "server",
        build=lambda: nn.Linear(before, after),
        input_shape=(before,),
        output_shape=(after,),
    )


def test_the_payload_crosses_where_the_site_changes() -> None:
    model = SplitModel(stages=(stage("a", "device", 4, 3), stage("b", "device", 3, 2), stage("c", "server", 2, 5)))
    assert model.crossing is model.stage("b")
    assert [s.name for s in model.at("device")] == ["a", "b"]
    assert model.run(torch.randn(7, 4)).shape == (7, 5)


def test_one_place_sends_nothing() -> None:
    model = SplitModel(stages=(stage("a", "device", 4, 3),))
    assert model.crossing is None
    assert model.stage("tail") is None


def test_stages_must_fit() -> None:
    with pytest.raises(ValueError, match=r"a gives \(3,\), b takes \(2,\)"):
        SplitModel(stages=(stage("a", "device", 4, 3), stage("b", "server", 2, 5)))


def test_lanes_of_logits_are_averaged() -> None:
    lanes = [nn.Sequential(nn.Flatten(), nn.Linear(12, 5)) for _ in range(4)]
    x = torch.randn(2, 3, 2, 2)
    mean = torch.stack([lane(x) for lane in lanes]).mean(0)
    torch.testing.assert_close(Lanes(lanes, entry=None, leave=None)(x), mean)


@pytest.mark.parametrize("shape", [(4, 3, 3), (9, 4), (4,), (3, 3, 4)])
def test_lanes_meet_in_one_map_and_part_again(shape: tuple[int, ...]) -> None:
    x = torch.randn(2, *shape)
    doubled = nn.Module()
    doubled.forward = lambda y: 2 * y  # type: ignore[assignment, misc]
    joint = Lanes([nn.Identity(), doubled], entry=None, leave=shape)(x)
    channels, height, width = map_shape(shape)
    assert joint.shape == (2, 2 * channels, height, width)
    parted = Lanes([nn.Identity(), nn.Identity()], entry=shape, leave=None)(joint)
    torch.testing.assert_close(parted, 1.5 * x)


def test_resizing_keeps_a_constant_image() -> None:
    torch.testing.assert_close(Resize(5)(torch.full((1, 3, 8, 8), 0.7)), torch.full((1, 3, 5, 5), 0.7))


def test_an_image_that_leaves_early_runs_what_lies_before_the_exit() -> None:
    branch = stage("exit", "device", 3, 5)
    stages = (stage("a", "device", 4, 3), stage("b", "device", 3, 2), stage("c", "server", 2, 5))
    early = Exit(after="a", stage=branch, confidence="max", threshold=0.5, fusion=0.0)
    assert SplitModel(stages=stages, exit=early).until_exit == (stages[0], branch)
    assert SplitModel(stages=stages).until_exit == ()
