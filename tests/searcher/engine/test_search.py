"""The search loop, with trainings replaced by a formula."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from splitsearch.profilers.pool import Pool, profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.engine import search as module
from splitsearch.searcher.engine.files import read_lines
from splitsearch.searcher.engine.front import FrontHeader
from splitsearch.searcher.engine.objectives import Budgets, parse_objectives
from splitsearch.searcher.engine.pool_knowledge import knowledge_of
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sampler import make_sampler
from splitsearch.searcher.engine.search import Limits, Search
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import Evaluated, checkpoint_path
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import Interrupted
from splitsearch.spaces.space.space import Exclusion, SearchSpace
from splitsearch.spaces.variants.variants import Variants

SPACE = SearchSpace(
    backbone="n", image_size=32, cuts=("0.2", "1.2"), heads=("original", "mimic"), channels=(1, 2, 12), bits=(4, 8)
)
OBJECTIVES = parse_objectives("accuracy,latency_ms,payload_bytes")


class Script(optuna.samplers.BaseSampler):
    """Proposes what it is told, the last of it for ever."""

    def __init__(self, *points: dict[str, int]) -> None:
        self.points = list(points)

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
        return {}

    def before_trial(self, study: Any, trial: Any) -> None:
        self.now = self.points.pop(0) if len(self.points) > 1 else self.points[0]

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> int:
        return self.now[name]


class Formula:
    """Stands in for the evaluator: accuracy grows with what is sent."""

    def __init__(self, pool: Pool, folder: Path, stop_at: int | None = None) -> None:
        self.pool, self.checkpoints, self.stop_at = pool, folder / "checkpoints", stop_at
        self.budgets = Budgets()
        self.trained: list[str] = []
        self.family = False

    def refuse(self, number: int, config: SplitConfig, reason: str) -> TrialResult:
        return TrialResult(trial=number, state="pruned", key=config.key, config=config.to_json(), reason=reason)

    def evaluate_family(self, number: int, config: SplitConfig, *, stop: Any = None) -> Evaluated:
        result = self.evaluate(number, config)
        shared = [
            other for other in self.pool.profiles if other != config and replace(other, bits=config.bits) == config
        ]
        if not self.family or result.state != "complete":
            return Evaluated(result=result)
        return Evaluated(
            result=result,
            siblings=tuple(
                replace(result, key=other.key, config=other.to_json(), trained_by=number, curve=[]) for other in shared
            ),
        )

    def evaluate(self, number: int, config: SplitConfig, *, stop: Any = None) -> TrialResult:
        if len(self.trained) == self.stop_at:
            raise Interrupted
        base = TrialResult(trial=number, state="pruned", key=config.key, config=config.to_json(), reason="no")
        if config in self.pool.impossible:
            return base
        self.trained.append(config.key)
        values = self.pool.profiles[config].values
        accuracy = 1 - 1 / (1 + config.channels * config.bits)
        return replace(
            base,
            state="complete",
            reason=None,
            values=values | {"accuracy": accuracy},
            latency={"head_ms": 1.0, "transfer_ms": 1.0, "tail_ms": 1.0, "source": "estimated"},
            macs={"device": 1, "server": 2},
            accuracy_interval=(0.0, 1.0),
            curve=[{"epoch": 1, "loss": 0.1}],
        )


@pytest.fixture
def pool(variants: Variants, profiler: Profiler) -> Pool:
    return profile_pool(SPACE, variants, profiler)


def search(
    pool: Pool,
    folder: Path,
    sampler: str | Script = "tpe",
    stop_at: int | None = None,
    space: SearchSpace = SPACE,
) -> tuple[Search, Formula]:
    formula = Formula(pool, folder, stop_at)
    made = sampler
    if isinstance(sampler, str):
        made = make_sampler(sampler, 0, knowledge_of(space, pool, OBJECTIVES, Budgets()))
    study = RunStudy(folder, space, OBJECTIVES, made)
    header = FrontHeader(
        backbone="n",
        dataset="d",
        device="d",
        server="s",
        network="n",
        objectives=OBJECTIVES,
        reference_point={"accuracy": 0.0, "latency_ms": 1e4, "payload_bytes": 1e5},
        teacher={"accuracy": 1.0},
        baselines=(),
    )
    return Search(folder, study, formula, header, SilentReporter()), formula


def run(found: Search, pool: Pool, trials: int, timeout: float | None = None) -> dict[str, Any]:
    return found.run(list(pool.profiles), Limits(trials=trials, timeout=timeout), 0)


@pytest.mark.parametrize("sampler", ["known-cost", "tpe", "random", "grid"])
def test_no_candidate_is_trained_twice_and_all_can_be_reached(pool: Pool, tmp_path: Path, sampler: str) -> None:
    found, formula = search(pool, tmp_path, sampler)
    document = run(found, pool, 1000)
    assert len(formula.trained) == len(set(formula.trained)) == len(pool.profiles)
    assert document["trials"]["complete"] == len(pool.profiles)


def test_a_repeat_is_told_the_known_values(pool: Pool, tmp_path: Path) -> None:
    found, formula = search(pool, tmp_path)
    point = {"cut": 1, "head": 0, "channels": 0, "bits": 0}
    found.study.enqueue(point)
    found.study.enqueue(point, again=True)
    run(found, pool, 2)
    first, second = found.results[:2]
    assert (second.repeat_of, second.values) == (first.trial, first.values)
    assert len(formula.trained) == 2


def test_the_same_seed_gives_the_same_front(pool: Pool, tmp_path: Path) -> None:
    documents = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        documents.append(run(search(pool, tmp_path / name)[0], pool, 8))
    assert documents[0] == documents[1]


def test_an_interrupted_search_goes_on_and_keeps_what_it_knew(pool: Pool, tmp_path: Path) -> None:
    stopped, _ = search(pool, tmp_path, stop_at=4)
    with pytest.raises(Interrupted):
        run(stopped, pool, 8)
    lines = read_lines(tmp_path / "trials.jsonl")
    resumed, formula = search(pool, tmp_path)
    document = run(resumed, pool, 8)
    assert read_lines(tmp_path / "trials.jsonl")[: len(lines)] == lines
    assert document["trials"]["complete"] == 8
    assert len(formula.trained) == 4


def test_lost_lines_are_written_again_from_the_study(pool: Pool, tmp_path: Path) -> None:
    run(search(pool, tmp_path)[0], pool, 3)
    lines = read_lines(tmp_path / "trials.jsonl")
    (tmp_path / "trials.jsonl").write_text("", encoding="utf-8")
    run(search(pool, tmp_path)[0], pool, 3)
    assert read_lines(tmp_path / "trials.jsonl") == lines


ONLY_MIMIC = SearchSpace(
    backbone="n", image_size=32, cuts=("0.2", "1.2"), heads=("original", "mimic"), channels=(1, 2, 12), bits=(4, 8),
    exclude=[Exclusion(terms={"head": ["original"]}, reason="no heads of the backbone")],
)  # fmt: skip


def test_what_is_excluded_does_not_replace_the_sampler(variants: Variants, profiler: Profiler, tmp_path: Path) -> None:
    excluded = {"cut": 1, "head": 0, "channels": 0, "bits": 0}
    wanted = {"cut": 1, "head": 1, "channels": 1, "bits": 1}
    found, formula = search(
        profile_pool(ONLY_MIMIC, variants, profiler), tmp_path, Script(*[excluded] * 20, wanted), space=ONLY_MIMIC
    )
    found.run(list(formula.pool.profiles), Limits(trials=1, timeout=None), 0)
    assert [result.reason for result in found.results[:20]] == ["no heads of the backbone"] * 20
    assert formula.trained == [ONLY_MIMIC.at(wanted).key]  # and not one that was drawn in its place


def test_a_sampler_that_never_learns_what_is_excluded_does_not_hang(
    variants: Variants, profiler: Profiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REFUSALS", 25)
    excluded = {"cut": 1, "head": 0, "channels": 0, "bits": 0}
    found, formula = search(profile_pool(ONLY_MIMIC, variants, profiler), tmp_path, Script(excluded), space=ONLY_MIMIC)
    document = found.run(list(formula.pool.profiles), Limits(trials=2, timeout=None), 0)
    assert document["trials"]["complete"] == 2
    assert document["trials"]["pruned"] >= 25
    assert json.loads((tmp_path / "front.json").read_text()) == document


def test_a_sampler_that_repeats_itself_is_helped_at_once(pool: Pool, tmp_path: Path) -> None:
    found, formula = search(pool, tmp_path, Script({"cut": 1, "head": 0, "channels": 0, "bits": 0}))
    run(found, pool, 3)
    assert len(set(formula.trained)) == 3
    assert len(found.results) <= 3 + 2 * 3


def test_what_proves_impossible_when_it_is_built_is_not_waited_for(pool: Pool, tmp_path: Path) -> None:
    found, formula = search(pool, tmp_path, "grid")
    first = next(iter(pool.profiles))
    evaluate = formula.evaluate

    def stubborn(number: int, config: SplitConfig, *, stop: Any = None) -> TrialResult:
        return formula.refuse(number, config, "cannot be built") if config == first else evaluate(number, config)

    formula.evaluate = stubborn  # type: ignore[method-assign]
    document = run(found, pool, 1000)
    assert document["trials"]["complete"] == len(pool.profiles) - 1


def test_time_ends_the_search(pool: Pool, tmp_path: Path) -> None:
    found, formula = search(pool, tmp_path)
    run(found, pool, 1000, timeout=1e-9)
    assert formula.trained == []


def test_only_checkpoints_of_the_front_stay(pool: Pool, tmp_path: Path) -> None:
    found, formula = search(pool, tmp_path)
    formula.checkpoints.mkdir()
    (formula.checkpoints / "trial-99999.safetensors").touch()
    run(found, pool, 2)
    assert not (formula.checkpoints / "trial-99999.safetensors").exists()


def test_what_came_with_a_training_is_a_trial_that_does_not_count(pool: Pool, tmp_path: Path) -> None:
    found, formula = search(pool, tmp_path, "random")
    formula.family = True
    document = run(found, pool, 2)
    assert len(formula.trained) == 2
    siblings = [result for result in found.results if result.trained_by is not None]
    assert len(siblings) == 2  # each training is swept over the other bit-width
    assert document["trials"]["complete"] == 4
    assert [result.trial for result in found.study.results()] == [result.trial for result in found.results]
    lines = read_lines(tmp_path / "trials.jsonl")
    assert [line["trial"] for line in lines] == [result.trial for result in found.results]


def test_the_weights_of_a_sibling_on_the_front_are_kept(pool: Pool, tmp_path: Path) -> None:
    found, formula = search(pool, tmp_path, "random")
    formula.family = True
    run(found, pool, 1)
    (sibling,) = [result for result in found.results if result.trained_by is not None]
    found.results = [sibling]
    kept = checkpoint_path(formula.checkpoints, sibling.trained_by or 0)
    kept.parent.mkdir()
    kept.touch()
    found.finish()
    assert kept.exists()


def test_a_space_of_few_trainings_ends(pool: Pool, tmp_path: Path) -> None:
    found, formula = search(pool, tmp_path, "tpe")
    formula.family = True
    document = run(found, pool, 1000)
    assert len(formula.trained) == len(pool.profiles) / 2
    assert document["trials"]["complete"] == len(pool.profiles)
