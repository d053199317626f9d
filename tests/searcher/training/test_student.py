"""Which stages of a candidate learn, and what enters them."""

from typing import Any

import pytest
import torch

from splitsearch.searcher.data.preprocess import normalise
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import Tutor
from splitsearch.searcher.training.student import Student
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants

INDICES = torch.tensor([4, 2, 11])


def student(variants: Variants, activations: Activations, **change: Any) -> Student:
    fields: dict[str, Any] = {"cut": "1.2", "head": "original", "channels": 2, "bits": 8, "image_size": 32}
    config = SplitConfig(**({"backbone": "net"} | fields | change))
    model = assemble(config, variants)
    for stage in model.stages:
        stage.module.eval()
    return Student(config=config, model=model, activations=activations)


@pytest.mark.parametrize(
    ("change", "keeps_head", "keeps_tail", "learning"),
    [
        ({}, True, True, ["encoder"]),
        ({"head": "mimic"}, False, True, ["encoder"]),
        ({"head_pruning": 0.5}, False, True, ["head", "encoder"]),
        ({"tail_pruning": 0.5}, True, False, ["encoder"]),
        ({"division": 2}, True, False, ["encoder"]),
        ({"division": 2, "division_scope": "head"}, False, True, ["head", "encoder"]),
        ({"exit_cut": "0.2"}, True, True, ["encoder"]),
        ({"resolution": 0.5}, True, True, ["encoder"]),
    ],
)
def test_what_is_not_the_backbones_own_learns(
    variants: Variants, tutor: Tutor, change: dict[str, Any], keeps_head: bool, keeps_tail: bool, learning: list[str]
) -> None:
    found = student(variants, tutor.activations, **change)
    assert (found.keeps_head, found.keeps_tail) == (keeps_head, keeps_tail)
    assert [stage.name for stage in found.learning_on_device] == learning


@torch.no_grad()
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"exit_cut": "0.2"},
        {"exit_cut": "1.2"},
        {"resolution": 0.5},
        {"resolution": 0.5, "exit_cut": "0.2"},
        {"head_pruning": 0.5, "exit_cut": "0.2"},
        {"head": "mimic", "exit_cut": "1.2"},
    ],
)
def test_what_comes_from_the_store_is_what_the_stages_give(
    variants: Variants, tutor: Tutor, change: dict[str, Any]
) -> None:
    found = student(variants, tutor.activations, **change)
    narrow, exit_input = found.narrow(INDICES)
    x, seen = normalise(tutor.data.train.images[INDICES]), None
    for stage in found.model.at("device"):
        x = stage.module(x)
        if found.model.exit is not None and stage.name == found.model.exit.after:
            seen = x
    torch.testing.assert_close(narrow, x)
    assert (seen is None) == (exit_input is None)
    if seen is not None:
        torch.testing.assert_close(exit_input, seen)
