"""One trial."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from splitsearch.profilers.networks.transfer import transfer_ms
from splitsearch.profilers.pool import profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.engine import trial
from splitsearch.searcher.engine.climb import Standing
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.trial import Evaluator, checkpoint_path, rung_folder
from splitsearch.searcher.training.activations import Activations
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Trainer, Tutor
from splitsearch.searcher.training.phases import Batch, Phase
from splitsearch.searcher.training.placement import CPU
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.searcher.training.tutor import Lesson
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.model import SplitModel
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import Variants

SPACE = SearchSpace(backbone="n", image_size=32, cuts=("0.2", "1.2"), heads=("mimic",), channels=(2, 12), bits=(2, 4))
RECIPE = Recipe(epochs=3.6, batch_size=8)  # 18 steps: rungs after 2, 6 and 18


def config(cut: str = "1.2", channels: int = 2) -> SplitConfig:
    return SplitConfig(backbone="n", cut=cut, head="mimic", channels=channels, bits=4, image_size=32)


def timeless(result: TrialResult) -> list[dict[str, float]]:
    """A curve without what a clock said."""
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in result.curve]


Watch = Callable[[Lesson, Batch], None]


def watched(watch: Watch) -> Trainer:
    """Head network distillation whose steps are watched, or disturbed."""
    trainer = TRAINERS.get("hnd")

    def phases(lesson: Lesson) -> list[Phase]:
        def seen(phase: Phase) -> Phase:
            def loss(batch: Batch) -> torch.Tensor:
                watch(lesson, batch)
                return phase.loss(batch)

            return replace(phase, loss=loss)

        return [seen(phase) for phase in trainer.phases(lesson)]

    return replace(trainer, phases=phases)


def never(lesson: Lesson, batch: Batch) -> None:
    raise AssertionError("trained")


def broken(lesson: Lesson, batch: Batch) -> None:
    raise InfeasibleError("the training diverged: loss nan after 8 samples")


def exhausted(lesson: Lesson, batch: Batch) -> None:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory\nlong story")


def nothing(lesson: Lesson, batch: Batch) -> None:
    """Trains as it is."""


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

    def __call__(
        self,
        watch: Watch = nothing,
        accuracy: float = 0.1,
        recipe: Recipe = RECIPE,
        device: torch.device = CPU,
        **budgets: float,
    ) -> Evaluator:
        activations = Activations(self.variants, self.data.train.images, device=device)
        return Evaluator(
            teacher=Teacher(variants=self.variants, accuracy=accuracy, how="given", cached=False),
            tutor=Tutor(data=self.data, activations=activations),
            validation=activations,
            pool=self.pool,
            target=self.target,
            budgets=Budgets(**budgets),
            trainer=watched(watch),
            recipe=recipe,
            seed=0,
            checkpoints=self.folder / "checkpoints",
            device=device,
        )


def test_a_complete_trial_has_values_curve_and_checkpoint(make: Make) -> None:
    result = make().evaluate(7, config())
    profile = make.pool.profiles[config()]
    assert (result.state, result.trial, len(result.curve)) == ("complete", 7, 3)
    assert [entry["rung"] for entry in result.curve] == [0, 1, 2]
    assert [entry["samples"] for entry in result.curve] == [16, 48, 144]
    for entry in result.curve:
        assert entry["low"] <= entry["accuracy"] <= entry["high"]
    assert result.curve[-1]["accuracy"] == result.values["accuracy"]
    assert {name: result.values[name] for name in profile.values} == profile.values
    assert result.accuracy_interval is not None
    assert result.accuracy_interval[0] <= result.values["accuracy"] <= result.accuracy_interval[1]
    saved = load_file(checkpoint_path(make.folder / "checkpoints", 7))
    assert {name.split(".")[0] for name in saved} == {"encoder", "decoder"}


def test_the_same_candidate_comes_out_the_same(make: Make) -> None:
    first, second = make().evaluate(1, config()), make().evaluate(2, config())
    assert (first.values, timeless(first)) == (second.values, timeless(second))


def test_a_trial_elsewhere_comes_out_the_same_and_leaves_the_teacher_where_it_is(make: Make, elsewhere: Any) -> None:
    here = make().evaluate(1, config())
    with elsewhere:
        there = make(device=elsewhere.device).evaluate(2, config())
    assert there.state == "complete", there.reason
    assert elsewhere.count > 1000
    assert (here.values, timeless(here)) == (there.values, timeless(there))
    assert {parameter.device for parameter in make.variants.module.parameters()} == {CPU}
    kept = [load_file(checkpoint_path(make.folder / "checkpoints", number)) for number in (1, 2)]
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])


def test_the_impossible_and_the_infeasible_are_never_trained(make: Make) -> None:
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


@pytest.mark.parametrize(("watch", "reason"), [(broken, "diverged"), (exhausted, "can't allocate memory")])
def test_what_breaks_one_training_stays_with_it(make: Make, watch: Watch, reason: str) -> None:
    result = make(watch).evaluate(0, config())
    assert result.state == "failed"
    assert reason in str(result.reason)
    assert "\n" not in str(result.reason)
    assert not rung_folder(make.folder / "checkpoints", 0).exists()


def test_memory_that_runs_out_halves_the_batch_once(make: Make) -> None:
    sizes: list[int] = []

    def greedy(lesson: Lesson, batch: Batch) -> None:
        sizes.append(len(batch.indices))
        if len(batch.indices) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    assert make(greedy).evaluate(0, config()).state == "complete"
    assert sizes[:2] == [8, 4]
    assert set(sizes[1:]) == {4}


def test_a_reason_to_stop_prunes_with_curve_and_costs(make: Make) -> None:
    seen: list[Standing] = []

    def stop(standing: Standing) -> str | None:
        seen.append(standing)
        return "cannot enter the front" if len(seen) == 2 else None

    result = make().evaluate(3, config(), stop=stop)
    assert (result.state, result.reason) == ("pruned", "cannot enter the front")
    assert result.values == make.pool.profiles[config()].values
    assert [len(standing.curve) for standing in seen] == [1, 2]
    assert result.curve == seen[1].curve
    assert (seen[0].trial, seen[0].config, seen[0].values) == (3, config(), result.values)
    assert not checkpoint_path(make.folder / "checkpoints", 3).exists()
    assert not rung_folder(make.folder / "checkpoints", 3).exists()


def test_the_clock_of_a_training_rises_from_rung_to_rung(make: Make) -> None:
    result = make().evaluate(3, config())
    seconds = [entry["seconds"] for entry in result.curve]
    assert 0 < seconds[0] < seconds[1] < seconds[2] <= result.seconds


def test_who_may_stop_a_training_sees_all_that_comes_with_it(make: Make) -> None:
    asked = SplitConfig(backbone="n", cut="1.2", head="original", channels=2, bits=4, image_size=32, exit_cut="0.2")
    always, coded = replace(asked, exit_threshold=0.0), replace(asked, exit_threshold=1.0, coding="zstd")
    for one in (asked, always, coded):
        make.pool.get(one)
    seen: list[Standing] = []
    result = make().evaluate_family(3, asked, stop=lambda standing: str(seen.append(standing)))
    assert result.result.state == "pruned"
    assert [(one.state, one.trained_by, one.curve) for one in result.siblings] == [("pruned", 3, [])] * 2
    assert {one.reason for one in result.siblings} == {f"shares the training of trial 3: {result.result.reason}"}
    assert [one.key for one in result.siblings] == [always.key, coded.key]
    (standing,) = seen
    own, gone, rest = standing.family
    assert own["accuracy"] == standing.curve[-1]["accuracy"]
    at_exit = make.pool.get(always).exit
    assert at_exit is not None
    assert (gone["payload_bytes"], gone["latency_ms"]) == (0, pytest.approx(at_exit.latency_ms))
    assert 0 < rest["payload_bytes"] <= make.pool.get(coded).payload_bytes
    assert own["exit_rate"] < 1


class KilledError(BaseException):
    """Stands in for what no trial survives."""


@pytest.mark.parametrize("step", [3, 7])
def test_a_killed_trial_goes_on_at_its_rung_and_ends_as_if_nothing_had_been(make: Make, step: int) -> None:
    whole = make().evaluate(0, config())
    expected = load_file(checkpoint_path(make.folder / "checkpoints", 0))
    steps: list[int] = []

    def killer(lesson: Lesson, batch: Batch) -> None:
        steps.append(1)
        if len(steps) == step:
            raise KilledError

    with pytest.raises(KilledError):
        make(killer).evaluate(1, config())
    again: list[int] = []
    result = make(lambda lesson, batch: again.append(1)).evaluate(1, config())
    assert len(again) == 18 - (2 if step == 3 else 6)  # the rungs before the kill are not trained again
    assert (timeless(result), result.values) == (timeless(whole), whole.values)
    found = load_file(checkpoint_path(make.folder / "checkpoints", 1))
    assert all(torch.equal(value, found[key]) for key, value in expected.items())
    assert not rung_folder(make.folder / "checkpoints", 1).exists()


def test_siblings_come_with_a_training_exactly_as_if_trained(make: Make) -> None:
    shared = replace(RECIPE, bits=8)
    asked, other = config(), replace(config(), bits=2)
    found = make(recipe=shared).evaluate_family(5, asked)
    (sibling,) = found.siblings
    assert (sibling.key, sibling.trial, sibling.trained_by) == (other.key, 5, 5)
    assert (sibling.curve, sibling.seconds, sibling.state) == ([], 0.0, "complete")
    alone = make(recipe=shared).evaluate(6, other)
    assert (alone.values, alone.accuracy_interval) == (sibling.values, sibling.accuracy_interval)
    assert alone.values["payload_bytes"] < found.result.values["payload_bytes"]


def test_a_sibling_over_a_budget_or_of_another_training_does_not_come(make: Make) -> None:
    shared, limit = replace(RECIPE, bits=8), make.pool.get(replace(config(), bits=2)).payload_bytes
    assert make(recipe=shared, max_payload_bytes=limit).evaluate_family(0, replace(config(), bits=2)).siblings == ()
    assert make(recipe=replace(RECIPE, bits="own")).evaluate_family(0, config()).siblings == ()
    assert len(make(recipe=replace(RECIPE, bits="drawn")).evaluate_family(0, config()).siblings) == 1


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

    def silent(lesson: Lesson, batch: Batch) -> None:
        for module in (*lesson.on_device, lesson.student.decoder):
            for weight in module.parameters():
                weight.data.zero_()  # a constant payload, which zstd makes short

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
