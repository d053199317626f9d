"""Short distillation."""

import copy
from dataclasses import replace

import pytest
import torch

from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import HeadKind, SplitConfig
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.variants.variants import Variants

RECIPE = Recipe(epochs=4, batch_size=16)


def config(head: HeadKind, channels: int = 2) -> SplitConfig:
    return SplitConfig(backbone="net", cut="1.2", head=head, channels=channels, bits=8, image_size=32)


@pytest.mark.parametrize("head", ["original", "mimic"])
def test_the_imitation_improves_and_the_tail_stays(
    variants: Variants, graph: TracedGraph, tutor: Tutor, head: HeadKind
) -> None:
    torch.manual_seed(0)
    before = copy.deepcopy(graph.module.state_dict())
    model = assemble(config(head), variants)
    curve = TRAINERS.get("hnd")(config(head), model, tutor, RECIPE, 0)
    assert len(curve) == 4
    assert curve[-1] < curve[0]
    assert all(torch.equal(before[key], value) for key, value in graph.module.state_dict().items())


def test_the_same_seed_gives_the_same_candidate(variants: Variants, tutor: Tutor) -> None:
    curves = []
    for _ in range(2):
        torch.manual_seed(3)
        curves.append(TRAINERS.get("hnd")(config("mimic"), assemble(config("mimic"), variants), tutor, RECIPE, 3))
    assert curves[0] == curves[1]


def test_as_many_channels_as_the_tensor_restore_it_at_once(variants: Variants, tutor: Tutor) -> None:
    torch.manual_seed(0)
    wide = config("original", 16)
    curve = TRAINERS.get("hnd")(wide, assemble(wide, variants), tutor, Recipe(epochs=1, batch_size=16), 0)
    narrow = config("original", 1)
    other = TRAINERS.get("hnd")(narrow, assemble(narrow, variants), tutor, Recipe(epochs=1, batch_size=16), 0)
    assert curve[0] < 0.1 * other[0]


@pytest.mark.parametrize(
    ("change", "epochs"),
    [
        ({"tail_pruning": 0.5}, 8),  # imitates, then learns from the logits
        ({"head_pruning": 0.5}, 4),
        ({"division": 2}, 4),  # the lanes meet in a tensor that the teacher has not
        ({"division": 2, "division_scope": "whole"}, 4),
        ({"division": 2, "division_scope": "head"}, 4),
        ({"resolution": 0.5}, 4),
        ({"stride": 2, "activation": "relu"}, 4),
    ],
)
def test_what_is_new_learns_and_the_backbone_stays(
    variants: Variants, tutor: Tutor, change: dict[str, object], epochs: int
) -> None:
    torch.manual_seed(0)
    before = copy.deepcopy(variants.graph.module.state_dict())
    candidate = replace(config("original"), **change)  # type: ignore[arg-type]
    curve = TRAINERS.get("hnd")(candidate, assemble(candidate, variants), tutor, RECIPE, 0)
    assert len(curve) == epochs
    assert curve[-1] < curve[-4]
    assert all(torch.equal(before[key], value) for key, value in variants.graph.module.state_dict().items())


def test_an_exit_learns_last_and_alone(variants: Variants, tutor: Tutor) -> None:
    torch.manual_seed(0)
    candidate = replace(config("original"), exit_cut="0.2")
    model = assemble(candidate, variants)
    assert model.exit is not None
    before = copy.deepcopy(model.exit.stage.module.state_dict())
    curve = TRAINERS.get("hnd")(candidate, model, tutor, RECIPE, 0)
    assert len(curve) == 4
    assert not torch.equal(before["classify.weight"], model.exit.stage.module.state_dict()["classify.weight"])
