"""A backbone and its shapes."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError
from splitsearch.spaces.variants.variants import Recipe, Variants, on_meta

SIZE = 32


@pytest.fixture(scope="module")
def resnet() -> Variants:
    torch.manual_seed(0)
    return Variants.trace("resnet18", resnet18(num_classes=10).eval(), 64)


def config(**change: object) -> SplitConfig:
    fields = {"backbone": "n", "cut": "1.2", "head": "original", "channels": 1, "bits": 8, "image_size": SIZE}
    return SplitConfig(**(fields | change))  # type: ignore[arg-type]


def test_a_recipe_holds_what_its_side_changes() -> None:
    assert Recipe.of(config(), "head") == Recipe(image_size=SIZE)
    pruned = config(head_pruning=0.5, importance="l2", division=2)
    assert Recipe.of(pruned, "head") == Recipe(image_size=SIZE, pruned=0.5, importance="l2", side="head", cut="1.2")
    assert Recipe.of(pruned, "tail") == Recipe(image_size=SIZE, nets=2)
    both = config(division=4, division_scope="whole", resolution=0.5, depth=0.5)
    assert Recipe.of(both, "head") == Recipe.of(both, "tail") == Recipe(image_size=16, nets=4, depth=0.5)


def test_the_backbone_itself_is_no_copy(variants: Variants) -> None:
    assert variants.get(Recipe(image_size=SIZE)) is variants.graph
    smaller = variants.get(Recipe(image_size=16))
    own = {id(parameter) for parameter in variants.module.parameters()}
    assert {id(parameter) for parameter in smaller.module.parameters()} == own
    assert variants.members(Recipe(image_size=16)) == [smaller]


def test_variants_are_made_once_and_candidates_train_copies(variants: Variants) -> None:
    recipe = Recipe(image_size=SIZE, pruned=0.5, side="tail", cut="0.2")
    assert variants.get(recipe) is variants.get(recipe)
    (member,) = variants.members(recipe)
    with torch.no_grad():
        next(iter(member.module.parameters())).add_(1)
    (other,) = variants.members(recipe)
    first, second = (next(iter(graph.module.parameters())) for graph in (member, other))
    torch.testing.assert_close(first, second + 1)


def test_members_of_a_division_differ_and_the_seed_decides(variants: Variants) -> None:
    recipe = Recipe(image_size=SIZE, nets=2)
    x = torch.randn(1, 3, SIZE, SIZE)
    one, two = (graph.module.eval()(x) for graph in variants.members(recipe, seed=3))
    again, _ = (graph.module.eval()(x) for graph in variants.members(recipe, seed=3))
    assert not torch.allclose(one, two)
    torch.testing.assert_close(one, again)


def test_only_the_side_that_is_asked_for_gets_narrower(resnet: Variants) -> None:
    tail = resnet.get(Recipe(image_size=64, pruned=0.5, side="tail", cut="layer2.1.relu_1"))
    layers = dict(tail.module.named_modules())
    assert [layers[f"layer{k}.0.conv1"].out_channels for k in (1, 2, 3, 4)] == [64, 128, 128, 256]
    assert resnet.cut(Recipe(image_size=64), "layer2").shape == (128, 8, 8)


def test_a_cut_in_a_dropped_block_is_infeasible(resnet: Variants) -> None:
    shallow = Recipe(image_size=64, depth=0.5)
    assert resnet.cut(shallow, "layer1.0.relu_1").shape == (64, 16, 16)
    with pytest.raises(InfeasibleError, match=r"shrinking dropped the block of the cut layer1\.1\.relu_1"):
        resnet.cut(shallow, "layer1.1.relu_1")


def test_what_cannot_exist_is_remembered_with_its_reason(variants: Variants, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(image_size=SIZE, pruned=0.5, importance="bn", side="tail", cut="nowhere")
    made = []

    def refuse(wanted: Recipe) -> None:
        made.append(wanted)
        raise InfeasibleError("no such thing")

    monkeypatch.setattr(variants, "_make", refuse)
    for _ in range(2):
        with pytest.raises(InfeasibleError, match="no such thing"):
            variants.get(recipe)
    assert made == [recipe]


def test_without_values_nothing_takes_memory_and_shapes_agree(resnet: Variants) -> None:
    ghost = resnet.without_values()
    assert ghost.is_meta
    assert not resnet.is_meta
    recipe = Recipe(image_size=64, nets=2, width=0.5)
    assert ghost.get(recipe).shapes == resnet.get(recipe).shapes
    assert all(parameter.is_meta for parameter in ghost.get(recipe).module.parameters())


def test_a_copy_on_meta_leaves_the_original_alone() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    ghost = on_meta(module)
    assert [tuple(p.shape) for p in ghost.parameters()] == [tuple(p.shape) for p in module.parameters()]
    assert all(tensor.is_meta for tensor in (*ghost.parameters(), *ghost.buffers()))
    assert not any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers()))
    assert on_meta(ghost) is ghost


class Asking(nn.Module):
    """Asks its weights for their values, which the meta device has not."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight if float(self.weight.sum()) > 0 else x


def test_a_backbone_that_asks_for_values_keeps_them() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.Flatten(2), nn.AdaptiveAvgPool1d(4), Asking(), nn.Flatten(),
                            nn.Linear(16, 2)).eval()  # fmt: skip
    variants = Variants.trace("asking", network, 16)
    assert variants.without_values() is variants
    plain = Variants.trace("plain", nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2)).eval(), 16)
    assert plain.without_values().is_meta
