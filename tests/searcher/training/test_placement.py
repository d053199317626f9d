"""Where trainings compute: here, or on a device to which copies are brought."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor, prepare
from splitsearch.searcher.training.placement import (
    CPU,
    Placement,
    brought,
    device_of,
    device_with,
    half_precision,
    placed,
    visiting,
)
from splitsearch.searcher.training.processes import Processes
from splitsearch.searcher.training.stepping import Stepping
from splitsearch.searcher.training.validate import validate
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.variants.variants import Variants

BASE = SplitConfig(backbone="net", cut="1.2", head="original", channels=2, bits=8, image_size=32)
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "new head": {"head": "mimic", "bits": 2},
    "exit": {"exit_cut": "0.2", "exit_threshold": 0.3, "exit_fusion": 0.5},
    "smaller images": {"resolution": 0.75},
    "pruned": {"tail_pruning": 0.25, "head_pruning": 0.25},
    "divided": {"division": 2},
}


def test_a_device_that_is_not_there_is_refused() -> None:
    assert device_of("cpu") == torch.device("cpu")
    for name in ("gpu", "meta", "cuda:x"):
        with pytest.raises(UserError, match=f"--device must be cpu, cuda or cuda:N, not '{name}'"):
            device_of(name)
    with pytest.raises(UserError, match="--device cuda:99: GPU 99 is asked for and this machine has"):
        device_of("cuda:99")


def test_half_precision_is_for_whom_asks_and_for_gpus() -> None:
    assert Placement.of("cpu", None) == Placement() == Placement.of("cpu", False)
    assert Placement.of("cpu", True) == Placement(precision=torch.bfloat16)
    assert half_precision(CPU) == torch.bfloat16
    assert str(Placement()) == "cpu in float32"
    assert str(Placement.of("cpu", True)) == "cpu in bfloat16"


def test_a_candidate_stays_itself_here_and_is_a_copy_elsewhere(variants: Variants, elsewhere: Any) -> None:
    model = assemble(replace(BASE, exit_cut="0.2"), variants)
    assert placed(model, CPU) is model
    with elsewhere:
        far = placed(model, elsewhere.device)
        places = {device_with(stage.module) for stage in far.stages if list(stage.module.parameters())}
        assert places == {elsewhere.device}
        assert far.exit is not None
        assert device_with(far.exit.stage.module) == elsewhere.device
        assert [stage.original for stage in far.stages] == [stage.original for stage in model.stages]
        for stage, other in zip(model.stages, far.stages, strict=True):
            for key, value in stage.module.state_dict().items():
                assert torch.equal(value, other.module.state_dict()[key].cpu())
    assert {device_with(stage.module) for stage in model.stages} == {CPU}


def test_what_is_there_already_is_not_copied(network: nn.Module, elsewhere: Any) -> None:
    assert brought(network, CPU) is network
    with elsewhere:
        far = brought(network, elsewhere.device)
        assert device_with(far) == elsewhere.device
        assert brought(far, elsewhere.device) is far
    assert device_with(network) == CPU
    assert device_with(nn.ReLU()) == CPU


def fail_at(device: torch.device, network: nn.Module) -> None:
    with visiting(device, network):
        assert device_with(network) == device
        raise KeyError


def test_a_visitor_comes_back_whatever_happens(network: nn.Module, elsewhere: Any) -> None:
    before = [value.clone() for value in network.state_dict().values()]
    with elsewhere, pytest.raises(KeyError):
        fail_at(elsewhere.device, network)
    assert device_with(network) == CPU
    assert all(torch.equal(a, b) for a, b in zip(before, network.state_dict().values(), strict=True))
    with visiting(CPU, network):
        assert device_with(network) == CPU


@pytest.mark.parametrize(
    ("trainer", "kind"),
    [
        *((trainer, "plain") for trainer in sorted(TRAINERS)),
        *(("bottlefit", kind) for kind in KINDS if kind != "plain"),
    ],
)
def test_a_training_elsewhere_gives_what_it_gives_here(
    variants: Variants, data: Dataset, elsewhere: Any, trainer: str, kind: str
) -> None:
    config = replace(BASE, **KINDS[kind])

    def trained(device: torch.device) -> tuple[dict[str, torch.Tensor], Any]:
        torch.manual_seed(0)
        model = assemble(config, variants, 0)
        own, training = prepare(
            TRAINERS.get(trainer),
            config,
            placed(model, device),
            Tutor(data=data, activations=Activations(variants, data.train.images, device=device)),
            Recipe(epochs=2, batch_size=24),
            seed=0,
            stepping=Stepping(processes=Processes(device=device)),
        )
        training.advance(training.bounds[-1])
        found = validate(config, own, data, Activations(variants, data.val.images, device=device))
        return {key: value.cpu() for key, value in training.state()[0].items()}, found

    here = trained(CPU)
    with elsewhere:
        there = trained(elsewhere.device)
    assert elsewhere.count > 500
    assert here[1] == there[1]
    assert here[0].keys() == there[0].keys()
    for key, value in here[0].items():
        assert torch.equal(value, there[0][key]), key
