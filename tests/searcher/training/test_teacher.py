"""Teachers: trained, given, probed, cached."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.cache import Cache
from splitsearch.searcher.training.placement import CPU
from splitsearch.searcher.training.teacher import (
    Teacher,
    TeacherRecipe,
    _quiet_branches,
    _settle_norms,
    accuracy,
    make_teacher,
)
from splitsearch.spaces.backbones.loading import Backbone, Origin
from splitsearch.spaces.graph.trace import trace


def backbone(network: nn.Module, origin: Origin = "scratch", *, new_classifier: bool = False) -> Backbone:
    return Backbone(name="net", module=network, origin=origin, new_classifier=new_classifier, fingerprint="net")


def test_training_from_scratch_learns_and_is_cached(network: nn.Module, data: Dataset, tmp_path: Path) -> None:
    recipe = TeacherRecipe(epochs=12, batch_size=16)
    fresh = make_teacher(backbone(copy.deepcopy(network)), data, recipe, Cache(tmp_path))
    assert fresh.accuracy >= 0.5
    assert not fresh.cached
    again = make_teacher(backbone(copy.deepcopy(network)), data, recipe, Cache(tmp_path))
    assert (again.accuracy, again.cached, again.how) == (fresh.accuracy, True, fresh.how)
    for a, b in zip(fresh.graph.module.state_dict().values(), again.graph.module.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    other = make_teacher(backbone(copy.deepcopy(network)), data, TeacherRecipe(epochs=1), Cache(tmp_path))
    assert not other.cached


@pytest.mark.parametrize(("origin", "new_classifier"), [("scratch", False), ("file", True)])
def test_a_teacher_is_fitted_elsewhere_as_it_is_here(  # all are fixtures
    network: nn.Module, data: Dataset, tmp_path: Path, elsewhere: Any, origin: Origin, new_classifier: bool
) -> None:
    def made(name: str, device: torch.device) -> Teacher:
        start = backbone(copy.deepcopy(network), origin, new_classifier=new_classifier)
        recipe = TeacherRecipe(epochs=1, batch_size=16)
        return make_teacher(start, data, recipe, Cache(tmp_path / name), device=device)

    here = made("here", CPU)
    with elsewhere:
        there = made("there", elsewhere.device)
    assert elsewhere.count > 500
    assert here.accuracy == there.accuracy
    for module in (there.graph.module, there.variants.module):
        assert {value.device for value in module.state_dict().values()} == {CPU}
        for key, value in module.state_dict().items():
            torch.testing.assert_close(value, here.variants.module.state_dict()[key], rtol=1e-4, atol=1e-5)


def test_given_weights_are_left_alone(network: nn.Module, data: Dataset, tmp_path: Path) -> None:
    before = copy.deepcopy(network.state_dict())
    teacher = make_teacher(backbone(network, "own"), data, TeacherRecipe(), Cache(tmp_path))
    assert teacher.how == "weights as given"
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert teacher.accuracy == accuracy(network, data.val)


def test_a_new_classifier_alone_is_fitted(network: nn.Module, data: Dataset, tmp_path: Path) -> None:
    before, chance = copy.deepcopy(network.state_dict()), accuracy(network, data.val)
    teacher = make_teacher(backbone(network, "file", new_classifier=True), data, TeacherRecipe(), Cache(tmp_path))
    assert teacher.accuracy > chance
    changed = {key for key, value in network.state_dict().items() if not torch.equal(before[key], value)}
    assert changed == {"5.weight", "5.bias"}


def test_residual_branches_start_at_zero() -> None:
    graph = trace(get_model("resnet18", weights=None), 32)
    _quiet_branches(graph)
    last = graph.module.get_submodule("layer2.0.bn2")
    shortcut = graph.module.get_submodule("layer2.0.downsample.1")
    assert isinstance(last, nn.BatchNorm2d)
    assert isinstance(shortcut, nn.BatchNorm2d)
    assert last.weight.abs().max() == 0
    assert shortcut.weight.abs().min() == 1


def test_the_stream_is_never_silenced_whichever_side_of_the_sum_it_stands_on() -> None:
    graph = trace(get_model("mobilenet_v2", weights=None), 32)
    _quiet_branches(graph)
    silent = {path for path, m in graph.module.named_modules() if getattr(m, "weight", None) is not None
              and isinstance(m, nn.BatchNorm2d) and m.weight.abs().max() == 0}  # fmt: skip
    # Ten of the seventeen blocks have a sum; the block before the first sum of a stage begins the stream.
    assert len(silent) == 10
    assert "features.2.conv.3" not in silent
    assert "features.3.conv.3" in silent


@pytest.mark.parametrize(
    "name", ["regnet_x_400mf", "regnet_y_400mf", "resnet50", "wide_resnet50_2", "mobilenet_v3_small"]
)
def test_no_projected_stream_is_silenced_and_every_branch_beside_one_is(name: str) -> None:
    module = get_model(name, weights=None)
    blocks = {path for path, layer in module.named_modules() if type(layer).__name__ == "ResBottleneckBlock"}
    graph = trace(module, 64)
    _quiet_branches(graph)
    silent = {
        path for path, layer in graph.module.named_modules()
        if isinstance(layer, nn.BatchNorm2d) and not layer.weight.abs().max()
    }  # fmt: skip
    assert silent
    assert not [path for path in silent if "proj" in path or "downsample" in path]
    if name.startswith("regnet"):
        assert {path.partition(".f.")[0] for path in silent} == blocks


def test_norms_that_a_short_training_leaves_behind_are_settled(data: Dataset, tmp_path: Path) -> None:
    def slow(momentum: float) -> nn.Sequential:
        torch.manual_seed(0)
        norm = nn.BatchNorm2d(4, momentum=momentum)
        return nn.Sequential(nn.Conv2d(3, 4, 3, 4), norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                             nn.Linear(4, 10)).eval()  # fmt: skip

    settled = slow(0.001)
    make_teacher(backbone(settled), data, TeacherRecipe(epochs=2), Cache(tmp_path))
    features = settled[0](normalise(data.train.images)).detach()
    torch.testing.assert_close(settled[1].running_mean, features.mean((0, 2, 3)), rtol=1e-2, atol=1e-2)
    assert settled[1].momentum == 0.001
    assert not settled[1].training


def test_a_start_far_above_the_variances_is_forgotten_whatever_is_left_of_it(data: Dataset) -> None:
    """The usual momentum of 0.1 keeps 0.0018 of the start, 1, after sixty steps."""
    quiet = nn.Sequential(nn.Conv2d(3, 4, 3, 4), nn.BatchNorm2d(4)).eval()
    with torch.no_grad():
        quiet[0].weight.mul_(1e-3)
    spread = quiet[0](normalise(data.train.images)).detach().var((0, 2, 3))
    quiet[1].running_var.fill_(0.0018)
    _settle_norms(quiet, data, TeacherRecipe(), steps=200)
    assert quiet[1].running_var.min() == quiet[1].running_var.max(), (
        "after two hundred steps there is nothing to forget"
    )
    _settle_norms(quiet, data, TeacherRecipe(), steps=60)
    torch.testing.assert_close(quiet[1].running_var, spread, rtol=0.01, atol=0.0)
    assert spread.max() < 1e-5
