"""Teachers: trained, given, probed, cached."""

import copy
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torchvision.models import get_model

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.cache import Cache
from splitsearch.searcher.training.teacher import (
    TeacherRecipe,
    _quiet_branches,
    accuracy,
    lend_gradients,
    make_teacher,
)
from splitsearch.spaces.backbones.loading import Backbone, Origin
from splitsearch.spaces.graph.trace import trace
from splitsearch.spaces.variants.variants import Recipe


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


def test_gradients_are_those_of_the_mean_loss_and_let_taylor_prune(
    network: nn.Module, data: Dataset, tmp_path: Path
) -> None:
    teacher = make_teacher(backbone(network, "own"), data, TeacherRecipe(), Cache(tmp_path))
    twin = copy.deepcopy(network)
    lend_gradients(teacher, data.train, 0)
    assert len(data.train.labels) <= 256  # so that all of them were looked at, in parts
    functional.cross_entropy(twin(normalise(data.train.images)), data.train.labels).backward()
    for lent, wanted in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.equal(lent, wanted)
        torch.testing.assert_close(lent.grad, wanted.grad, rtol=1e-4, atol=1e-6)
    recipe = Recipe(image_size=data.image_size, pruned=0.5, importance="taylor", side="tail", cut="0.2")
    narrow = teacher.variants.get(recipe).module.get_submodule("1.0")
    assert narrow.weight.shape[0] == 8
