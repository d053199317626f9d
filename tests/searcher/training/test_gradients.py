"""Gradients for pruning by taylor."""

import copy

import torch
from torch import nn
from torch.nn import functional

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.gradients import gradients_on
from splitsearch.spaces.variants.pruning import prune
from splitsearch.spaces.variants.variants import Recipe, Variants


def test_chunks_add_up_to_the_mean_loss_of_all_images(network: nn.Module, data: Dataset) -> None:
    whole = copy.deepcopy(network)
    functional.cross_entropy(whole(normalise(data.train.images)), data.train.labels).backward()  # type: ignore[no-untyped-call]
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    before = copy.deepcopy(network.state_dict())
    gradients_on(data, 0)(network)  # all 120 images, in two chunks, in another order
    for one, other in zip(network.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-6)
        assert not one.requires_grad
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_taylor_prunes_by_the_gradients_of_the_teacher_and_of_what_is_made_of_it(
    network: nn.Module, variants: Variants, data: Dataset
) -> None:
    calls: list[nn.Module] = []
    backward = gradients_on(data, 0)

    def counted(module: nn.Module) -> None:
        calls.append(module)
        backward(module)

    variants.backward = counted
    recipe = Recipe(image_size=32, pruned=0.5, importance="taylor", side="head", cut="1.2")
    found = variants.get(recipe)
    variants.get(Recipe(image_size=32, pruned=0.25, importance="taylor", side="head", cut="1.2"))
    assert calls == [network]  # once, for however many candidates
    mine = copy.deepcopy(network)
    backward(mine)
    expected = prune(mine, 32, ratio=0.5, importance="taylor", layers=("0.0", "1.0"))
    assert found.module.get_submodule("0.0").weight.shape[0] == 4
    torch.testing.assert_close(found.module.get_submodule("0.0").weight, expected.get_submodule("0.0").weight)
