"""One trial."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from splitsearch.profilers.networks.transfer import transfer_ms
from splitsearch.profilers.pool import profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.engine import trial
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.trial import Evaluator, checkpoint_path
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import Variants

SPACE = SearchSpace(backbone="n", image_size=32, cuts=("0.2", "1.2"), heads=("mimic",), channels=(2, 12), bits=(4,))


def config(cut: str = "1.2", channels: int = 2) -> SplitConfig:
    return SplitConfig(backbone="n", cut=cut, head="mimic", channels=channels, bits=4, image_size=32)


def broken(*arguments: object) -> list[float]:
    raise InfeasibleError("the training diverged: loss nan in epoch 1")


def exhausted(*arguments: object) -> list[float]:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory\nlong story")


@pytest.fixture
def make(variants: Variants, profiler: Profiler, tmp_path: Path) -> "Make":
    return Make(variants, profiler, tmp_path)


class Make:
    def __init__(self, variants: Variants, profiler: Profiler, folder: Path) -> None:
        self.variants, self.folder = variants, folder
        self.pool, self.target = profile_pool(SPACE, variants, profiler), profiler.target
        images = torch.randint(0, 255, (40, 3, 32, 32), dtype=torch.uint8)
        part = Split(images=images, labels=torch.arange(40) % 10)
        classes = tuple(map(str, range(10)))
        self.data = Dataset(name="n", train=part, val=part, classes=classes, image_size=32, fingerprint="n")

    def __call__(self, trainer: object = None, accuracy: float = 0.1, **budgets: float) -> Evaluator:
        activations = Activations(self.variants, self.data.train.images)
        return Evaluator(
            teacher=Teacher(variants=self.variants, accuracy=accuracy, how="given", cached=False),
            tutor=Tutor(data=self.data, activations=activations),
            validation=activations,
            pool=self.pool,
            target=self.target,
            budgets=Budgets(**budgets),
            trainer=trainer or TRAINERS.get("hnd"),  # type: ignore[arg-type]
            recipe=Recipe(epochs=2, batch_size=8),
            seed=0,
            checkpoints=self.folder / "checkpoints",
        )


def test_a_complete_trial_has_values_curve_and_checkpoint(make: Make) -> None:
    result = make().evaluate(7, config())
    profile = make.pool.profiles[config()]
    assert (result.state, result.trial, len(result.curve)) == ("complete", 7, 2)
    assert {name: result.values[name] for name in profile.values} == profile.values
    assert result.accuracy_interval is not None
    assert result.accuracy_interval[0] <= result.values["accuracy"] <= result.accuracy_interval[1]
    saved = load_file(checkpoint_path(make.folder / "checkpoints", 7))
    assert {name.split(".")[0] for name in saved} == {"encoder", "decoder"}


def test_the_same_candidate_comes_out_the_same(make: Make) -> None:
    first, second = make().evaluate(1, config()), make().evaluate(2, config())
    assert (first.values, first.curve) == (second.values, second.curve)


def test_the_impossible_and_the_infeasible_are_never_trained(make: Make) -> None:
    def never(*arguments: object) -> list[float]:
        raise AssertionError("trained")

    impossible = make(never).evaluate(0, config("0.2", 12))
    assert (impossible.state, impossible.curve) == ("pruned", [])
    assert "above the 8 channels" in str(impossible.reason)
    infeasible = make(never, max_payload_bytes=1).evaluate(0, config())
    assert infeasible.state == "pruned"
    assert "payload_bytes" in str(infeasible.reason)
    assert infeasible.values["latency_ms"] > 0


def test_an_accuracy_below_the_budget_is_pruned_with_its_values(make: Make) -> None:
    result = make(accuracy=1.0, max_accuracy_drop=0.01).evaluate(0, config())
    assert result.state == "pruned"
    assert "accuracy drop" in str(result.reason)
    assert "accuracy" in result.values


@pytest.mark.parametrize(("trainer", "reason"), [(broken, "diverged"), (exhausted, "can't allocate memory")])
def test_what_breaks_one_training_stays_with_it(make: Make, trainer: object, reason: str) -> None:
    result = make(trainer).evaluate(0, config())
    assert result.state == "failed"
    assert reason in str(result.reason)
    assert "\n" not in str(result.reason)


def test_what_is_wrong_with_one_candidate_is_its_infeasibility(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*arguments: object) -> SplitModel:
        raise UserError("importance taylor needs gradients")

    monkeypatch.setattr(trial, "assemble", refusing)
    result = make().evaluate(0, config())
    assert (result.state, result.reason, result.curve) == ("pruned", "importance taylor needs gradients", [])
    assert result.values["latency_ms"] > 0
    unknown = SplitConfig(backbone="n", cut="9.9", head="mimic", channels=2, bits=4, image_size=32)
    result = make().evaluate(1, unknown)
    assert (result.state, result.curve) == ("pruned", [])
    assert "no cut '9.9'" in str(result.reason)


def test_transfer_time_is_that_of_the_bytes_that_were_sent(make: Make) -> None:
    coded = replace(config(), coding="zstd", bits=8, channels=8)

    def silent(_: SplitConfig, model: SplitModel, *others: object) -> list[float]:
        for stage in model.stages:
            if not stage.original:
                for weight in stage.module.parameters():
                    weight.data.zero_()  # a constant payload, which zstd makes short
        return [0.5]

    bound = make.pool.get(coded)
    result = make(silent).evaluate(0, coded)
    sent = result.values["payload_bytes"]
    assert sent < bound.payload_bytes
    terms = result.latency
    assert terms["payload_source"] == "measured"
    assert terms["transfer_ms"] == pytest.approx(transfer_ms(make.target.network, sent))
    assert terms["transfer_ms"] < bound.latency.transfer_ms
    assert result.values["latency_ms"] == pytest.approx(
        terms["head_ms"] + terms["transfer_ms"] + terms["queue_ms"] + terms["tail_ms"]
    )
    assert result.values["energy_mj"] < bound.values["energy_mj"]
    over = make(max_payload_bytes=1).evaluate(1, coded)
    assert over.latency["payload_source"] == "upper bound"


def test_a_model_is_what_the_trainer_gets(make: Make) -> None:
    seen: list[object] = []

    def watch(*arguments: object) -> list[float]:
        seen.extend(arguments)
        return [0.5]

    assert make(watch).evaluate(0, config()).curve == [{"epoch": 1, "loss": 0.5}]
    assert isinstance(seen[1], SplitModel)
