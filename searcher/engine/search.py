"""The search: ask for a candidate, use what is known of it, else evaluate it, tell; until the budget is spent."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from splitsearch.profilers.pool import Pool
from splitsearch.profilers.timing import Stopwatch
from splitsearch.searcher.engine.files import append_line, write_lines
from splitsearch.searcher.engine.front import FrontHeader, front_document, write_front
from splitsearch.searcher.engine.objectives import Budgets
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import Evaluator, checkpoint_path
from splitsearch.searcher.reporter import Reporter
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import NothingFeasibleError

__all__ = ["Limits", "Search", "extremes", "require_feasible"]

_PATIENCE = 3  # suggestions that may repeat what is known before an untried candidate is drawn instead
_REFUSALS = 100  # suggestions that may be impossible: a sampler learns from them, and one that does not must not hang


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the search ends: at so many evaluated candidates, or when no more may start."""

    trials: int
    timeout: float | None


def require_feasible(pool: Pool, budgets: Budgets) -> list[SplitConfig]:
    """The candidates that fit the budgets.

    Raises:
        NothingFeasibleError: there are none; names the nearest one and what it breaks.
    """
    feasible = [config for config, profile in pool.profiles.items() if not budgets.violations(profile.values)]
    if feasible:
        return feasible
    if not pool.profiles:
        reason = next(iter(pool.impossible.values()))
        raise NothingFeasibleError(f"no candidate of the space can exist at this backbone and image size: {reason}")
    nearest = min(pool.profiles, key=lambda config: budgets.excess(pool.profiles[config].values))
    broken = "; ".join(budgets.violations(pool.profiles[nearest].values))
    raise NothingFeasibleError(f"no candidate fits the budgets; the nearest is {nearest}: {broken}")


def extremes(pool: Pool, feasible: list[SplitConfig]) -> list[SplitConfig]:
    """The feasible corners of the known costs, which samplers find late: least latency, least payload, widest."""

    def least(name: str) -> SplitConfig:
        return min(feasible, key=lambda config: (pool.profiles[config].values[name], config.key))

    widest = max(feasible, key=lambda config: (config.channels * config.bits, config.key))
    return list(dict.fromkeys((least("latency_ms"), least("payload_bytes"), least("device_macs"), widest)))


class Search:
    """Runs trials in a run folder and keeps its files in step with the study, which is the one source of truth."""

    def __init__(
        self, run: Path, study: RunStudy, evaluator: Evaluator, header: FrontHeader, reporter: Reporter
    ) -> None:
        self.run_folder = run
        self.study = study
        self.evaluator = evaluator
        self.header = header
        self.reporter = reporter
        self.results = study.results()
        self._document: dict[str, Any] | None = None

    def run(self, feasible: list[SplitConfig], limits: Limits, seed: int) -> dict[str, Any]:
        """Searches until the limits are reached or every feasible candidate is known; returns the front."""
        watch = Stopwatch()
        write_lines(self.run_folder / "trials.jsonl", [result.to_json() for result in self.results])
        draw = random.Random(seed)
        repeats = refusals = 0
        while self._evaluated() < (wanted := self._wanted(feasible, limits)):
            if limits.timeout and watch.seconds > limits.timeout:
                break
            if repeats >= _PATIENCE or refusals >= _REFUSALS:
                self._enqueue_untried(feasible, draw)
            result = self._step(wanted)
            if result.repeat_of is not None:
                repeats += 1
            elif _refused(result):
                refusals += 1
            else:
                repeats = refusals = 0
        return self.finish()

    def _wanted(self, feasible: list[SplitConfig], limits: Limits) -> int:
        """What turns out impossible when it is built, or came with another's training, cannot be waited for."""
        refused = {result.key for result in self.results if _refused(result) or result.trained_by is not None}
        return min(limits.trials, sum(config.key not in refused for config in feasible))

    def finish(self) -> dict[str, Any]:
        """Writes the front of what is known and drops the checkpoints that are not on it."""
        document = front_document(self.header, self.results)
        write_front(self.run_folder, document)
        trainers = {result.trial: result.trained_by for result in self.results if result.trained_by is not None}
        numbers = {trainers.get(entry["trial"], entry["trial"]) for entry in document["front"]}
        kept = {checkpoint_path(self.evaluator.checkpoints, number) for number in numbers}
        for path in self.evaluator.checkpoints.glob("trial-*.safetensors"):
            if path not in kept:
                path.unlink()
        return document

    def _step(self, wanted: int) -> TrialResult:
        """One ask and tell."""
        trial, point = self.study.ask()
        try:
            result, siblings = self._result(trial.number, point)
        except BaseException:
            self.study.abandon(trial)
            raise
        self.study.tell(trial, result)
        self.results.append(result)
        append_line(self.run_folder / "trials.jsonl", result.to_json())
        self._take(siblings)
        if self._document is None or not _refused(result):  # a refusal leaves the front as it is, and comes by dozens
            self._document = self.finish()
        self.reporter.trial(self._document, describe(result), self._evaluated(), wanted)
        return result

    def _take(self, siblings: Sequence[TrialResult]) -> None:
        """Files what came with a training, where it is a point of the space and not known."""
        known = {result.key for result in self.results if result.state != "failed"}
        for sibling in siblings:
            point = self.study.space.point(SplitConfig.from_json(sibling.config))
            if sibling.key not in known and self.study.space.excluded(point) is None:
                self.results.append(self.study.add(sibling, point))
                append_line(self.run_folder / "trials.jsonl", self.results[-1].to_json())

    def _result(self, number: int, point: dict[str, int]) -> tuple[TrialResult, Sequence[TrialResult]]:
        config = self.study.space.at(point)
        excluded = self.study.space.excluded(point)
        if excluded is not None:
            return self.evaluator.refuse(number, config, excluded), ()
        known = next(
            (r for r in self.results if r.key == config.key and r.repeat_of is None and r.state != "failed"), None
        )
        if known is None:
            found = self.evaluator.evaluate_family(number, config)
            return found.result, found.siblings
        return replace(known, trial=number, repeat_of=known.trial, seconds=0.0), ()

    def _evaluated(self) -> int:
        """Candidates that were trained, whatever came of it; each counts once."""
        return len({result.key for result in self.results if result.curve or result.state == "failed"})

    def _enqueue_untried(self, feasible: list[SplitConfig], draw: random.Random) -> None:
        tried = {result.key for result in self.results}
        untried = [config for config in feasible if config.key not in tried]
        if untried:
            self.study.enqueue(self.study.space.point(draw.choice(untried)))


def _refused(result: TrialResult) -> bool:
    """Whether nothing was trained, because the candidate cannot exist or breaks a budget."""
    return result.state == "pruned" and not result.curve


def describe(result: TrialResult) -> str:
    """One line about a trial."""
    title = f"trial {result.trial}: {SplitConfig.from_json(result.config)}"
    if result.repeat_of is not None:
        return f"{title}: known from trial {result.repeat_of}"
    if result.state != "complete":
        return f"{title}: {result.state}, {result.reason}"
    values = result.values
    return (
        f"{title}: accuracy {values['accuracy']:.3f}, {values['latency_ms']:.1f} ms, "
        f"{values['payload_bytes']:.0f} bytes ({result.seconds:.1f} s)"
    )
