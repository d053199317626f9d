"""Short distillation, by every trainer."""

import copy
from dataclasses import replace

import pytest
import torch

from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, distil, prepare
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants

RECIPE = Recipe(epochs=4, batch_size=16)
BASE = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=8, image_size=32)


@pytest.mark.parametrize("trainer", list(TRAINERS))
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"head": "mimic"},
        {"tail_pruning": 0.5},
        {"head_pruning": 0.5},
        {"division": 2},
        {"division": 2, "division_scope": "whole"},
        {"division": 2, "division_scope": "head"},
        {"resolution": 0.5},
        {"stride": 2, "activation": "relu"},
        {"exit_cut": "1.2"},
    ],
    ids=str,
)
def test_every_trainer_trains_every_kind_and_the_backbone_stays(
    variants: Variants, tutor: Tutor, trainer: str, change: dict[str, object]
) -> None:
    torch.manual_seed(0)
    before = copy.deepcopy(variants.graph.module.state_dict())
    candidate = replace(BASE, **change)  # type: ignore[arg-type]
    model = assemble(candidate, variants)
    started = {stage.name: copy.deepcopy(stage.module.state_dict()) for stage in model.stages if not stage.original}
    own, curve = distil(TRAINERS.get(trainer), candidate, model, tutor, RECIPE, 0)
    assert len(curve) == 3
    assert all(torch.equal(before[key], value) for key, value in variants.graph.module.state_dict().items())
    for stage in own.stages:
        assert not stage.module.training or stage.name == "resize"
        if started.get(stage.name):
            after = stage.module.state_dict()
            assert any(not torch.equal(value, after[key]) for key, value in started[stage.name].items()), stage.name


@pytest.mark.parametrize("trainer", list(TRAINERS))
def test_a_training_of_its_full_length_lowers_the_loss(variants: Variants, tutor: Tutor, trainer: str) -> None:
    torch.manual_seed(0)
    recipe = Recipe(epochs=8, batch_size=16, rungs=(1.0,), full=trainer in ("hnd", "ghnd"))
    made = prepare(TRAINERS.get(trainer), BASE, assemble(BASE, variants), tutor, recipe, seed=0)[1]
    steps = made.bounds[-1]
    begin = steps // 2 if trainer.startswith("bottlefit") else 0  # its stages have losses of their own
    made.advance(begin)
    first, rest = made.advance(begin + 1), made.advance(steps)
    assert first is not None
    assert rest is not None
    assert rest < first


def test_the_same_seed_gives_the_same_candidate(variants: Variants, tutor: Tutor) -> None:
    curves = []
    for _ in range(2):
        torch.manual_seed(3)
        mimic = replace(BASE, head="mimic")
        curves.append(distil(TRAINERS.get("hnd"), mimic, assemble(mimic, variants), tutor, RECIPE, 3)[1])
    assert curves[0] == curves[1]


def test_as_many_channels_as_the_tensor_restore_it_at_once(variants: Variants, tutor: Tutor) -> None:
    losses = []
    for channels in (16, 1):
        torch.manual_seed(0)
        config = replace(BASE, channels=channels)
        losses.append(distil(TRAINERS.get("hnd"), config, assemble(config, variants), tutor, RECIPE, 0)[1][0])
    assert losses[0] < 0.1 * losses[1]
