"""What a full training works with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from splitsearch.searcher.deploy.folder import open_export
from splitsearch.searcher.deploy.outcomes import run_halves
from splitsearch.searcher.deploy.rebuild import rebuilt, torch_pair
from splitsearch.searcher.fulltrain.judging import judged
from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.training.outputs import Validation
from splitsearch.searcher.training.passing import Passing
from splitsearch.searcher.training.processes import Processes
from splitsearch.spaces.errors import UserError


def test_images_that_are_seen_once_are_computed_in_passing(changed: Any) -> None:
    seen, kept = changed()._seen(), changed(views=1)._seen()
    assert isinstance(seen, Passing)
    assert (seen.views, kept.views, isinstance(kept, Passing)) == (2, 1, False)


def test_the_teacher_is_the_run_s_whatever_is_trained_on(changed: Any) -> None:
    few, all_images = changed(subset=30), changed(subset=None)
    assert (len(few.data.train), len(all_images.data.train)) == (30, 240)
    assert few.digest == all_images.digest
    assert torch.equal(few.data.val.images, all_images.data.val.images)


def test_a_training_begins_at_the_same_weights_whoever_begins_it(material: Material) -> None:
    first, second = material.training(1), material.training(3)
    torch.rand(3)
    states = [training.state()[0] for training in (first, second)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_exported_weights_are_those_of_the_folder(material: Material) -> None:
    own, there = material.exported(), rebuilt(material.export)
    part = material.data.val
    ours, theirs = (run_halves(torch_pair(model, material.export.config), part) for model in (own, there))
    assert np.array_equal(ours.final, theirs.final)
    assert not own.stages[0].module.training


@pytest.mark.parametrize("views", [1, None])
def test_a_training_elsewhere_gives_what_it_gives_here(changed: Any, elsewhere: Any, views: int | None) -> None:
    given = {"trainer": "bottlefit"} | ({} if views is None else {"views": views})

    def trained(device: torch.device) -> tuple[dict[str, torch.Tensor], Validation]:
        material = changed({"processes": Processes(device=device)}, **given)
        training = material.training(2)
        training.advance(training.bounds[-1])
        found = judged(material, training.result, material.validation())
        return {name: value.cpu() for name, value in training.state()[0].items()}, found

    here = trained(torch.device("cpu"))
    with elsewhere:
        there = trained(elsewhere.device)
    assert elsewhere.count > 500
    assert here[1] == there[1]
    for name, value in here[0].items():
        torch.testing.assert_close(value, there[0][name], rtol=1e-3, atol=1e-5)


def test_half_precision_is_what_the_device_has(changed: Any) -> None:
    assert changed()._precision() is None
    assert changed(amp=True)._precision() == torch.bfloat16


def test_norm_layers_that_learn_are_synchronised(changed: Any) -> None:
    found = changed(trainer="bottlefit")
    found = replace(found, settings=replace(found.settings, sync_bn=True))
    learned = found.training(1).learned()
    assert any(isinstance(layer, nn.SyncBatchNorm) for layer in learned["tail"].modules())
    assert not any(isinstance(layer, nn.SyncBatchNorm) for layer in found.teacher.graph.module.modules())


def test_a_data_set_with_other_classes_is_refused(changed: Any, tmp_path: Path) -> None:
    images, labels = np.zeros((40, 32, 32, 3), dtype=np.uint8), np.arange(40) % 7
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=labels, val_images=images, val_labels=labels)
    with pytest.raises(UserError, match=r"has other classes: 7 .*; this model knows 10"):
        changed(dataset=f"npz:{tmp_path / 'a.npz'}", subset=None)


def test_another_backbone_under_the_same_name_is_refused(material: Material, changed: Any) -> None:
    other = material.export.manifest.model_copy(update={"structure": "another"})
    from splitsearch.searcher.fulltrain.material import gather
    from splitsearch.searcher.reporter import SilentReporter

    with pytest.raises(UserError, match="is not the one that was exported"):
        gather(
            replace(material.export, manifest=other), material.run, material.settings, material.processes,
            SilentReporter(),
        )  # fmt: skip


def test_other_widths_after_pruning_are_refused(export: Any, changed: Any) -> None:
    found = changed(fields={"export": open_export(export(tail_pruning=0.5))})
    assert found.candidate().stage("tail") is not None
    manifest = found.export.manifest.model_copy(update={"widths": {"tail": {"2.0": 3}}})
    wrong = replace(found, export=replace(found.export, manifest=manifest))
    with pytest.raises(UserError, match="pruning leaves other layers than were exported"):
        wrong.candidate()


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({"division": 2, "division_scope": "whole"}, {"trainer": "cotrain"}),
        ({"exit_cut": "0.2"}, {"trainer": "bottlefit"}),
        ({"head_pruning": 0.5}, {"trainer": "ghnd"}),
        ({"head": "mimic"}, {"trainer": "hnd"}),
    ],
)
def test_every_weight_that_learns_has_a_gradient(
    fields: dict[str, Any], given: dict[str, Any], export: Any, changed: Any
) -> None:
    """Weights without one would cost processes a search in every step."""
    training = changed(fields={"export": open_export(export(**fields))}, **given).training(1)
    training.advance(1)
    learning = training._pieces[0].phase.learning
    weights = training._trained(learning)
    assert weights
    assert all(weight.grad is not None for weight in weights)
