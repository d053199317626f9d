"""From rung to rung."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.engine import climb as module
from splitsearch.searcher.engine.climb import Climb, never
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, prepare
from splitsearch.searcher.training.rungs import identity
from splitsearch.searcher.training.validate import validate
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.variants.variants import Variants

CONFIG = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=8, image_size=32)
RECIPE = Recipe(epochs=3, batch_size=8)


def make(variants: Variants, folder: Path) -> tuple[Climb, Dataset]:
    torch.manual_seed(0)
    images = torch.randint(0, 255, (40, 3, 32, 32), dtype=torch.uint8)
    part = Split(images=images, labels=torch.arange(40) % 10)
    data = Dataset(name="n", train=part, val=part, classes=tuple(map(str, range(10))), image_size=32, fingerprint="n")
    store = Activations(variants, images)
    tutor = Tutor(data=data, activations=store)
    own, training = prepare(TRAINERS.get("hnd"), CONFIG, assemble(CONFIG, variants), tutor, RECIPE, seed=0)
    climb = Climb(
        config=CONFIG,
        model=own,
        training=training,
        validation=store,
        labels=part.labels,
        folder=folder,
        who=identity("k", RECIPE, 0, (8,)),
    )
    return climb, data


def test_early_rungs_are_judged_on_a_fixed_part_and_the_last_is_left_to_the_caller(
    variants: Variants, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EARLY_IMAGES", 20)
    climb, _ = make(variants, tmp_path)
    curve, reason = climb.run(0, {}, never)
    assert reason is None
    assert [entry["samples"] for entry in curve] == [16, 40, 120]
    assert "accuracy" not in curve[-1]
    assert all(20 * entry["accuracy"] == pytest.approx(round(20 * entry["accuracy"])) for entry in curve[:-1])
    assert curve[0]["high"] - curve[0]["low"] > 0.2  # twenty images say little
    assert (tmp_path / "state.json").is_file()


def test_an_early_rung_on_all_images_is_a_validation(variants: Variants, tmp_path: Path) -> None:
    climb, data = make(variants, tmp_path)
    curve, reason = climb.run(0, {}, lambda standing: "enough")
    assert reason == "enough"
    assert curve[0]["accuracy"] == validate(CONFIG, climb.model, data, climb.validation).accuracy


def test_a_finished_curve_is_not_climbed_again(variants: Variants, tmp_path: Path) -> None:
    first, _ = make(variants, tmp_path)
    first.run(0, {}, lambda standing: "stop" if len(standing.curve) == 2 else None)
    second, _ = make(variants, tmp_path)
    seen: list[int] = []
    second.run(0, {}, lambda standing: seen.append(len(standing.curve)))
    assert seen == []  # both rungs stand in the checkpoint
    assert second.training.step == 15
    third = replace(make(variants, tmp_path)[0], who=identity("k", RECIPE, 1, (8,)))
    third.run(0, {}, lambda standing: seen.append(len(standing.curve)))
    assert seen == [1, 2]
