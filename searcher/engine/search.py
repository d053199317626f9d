"""The search: ask for a candidate, use what is known of it, else evaluate it, tell; until the budget is spent.

Any number of processes may do this on one study. What each of them knows of the others stands in the study.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from optuna.trial import Trial

from splitsearch.profilers.timing import Stopwatch, pause
from splitsearch.searcher.engine.dominance import Dominance
from splitsearch.searcher.engine.evaluating import Evaluating
from splitsearch.searcher.engine.files import append_line
from splitsearch.searcher.engine.front import FrontHeader
from splitsearch.searcher.engine.keeping import CHECKPOINT, Keeper
from splitsearch.searcher.engine.plateau import is_plateau
from splitsearch.searcher.engine.results import TrialResult, describe, is_refused, trained_count
from splitsearch.searcher.engine.sharing.artifacts import Artifacts
from splitsearch.searcher.engine.sharing.rungs import Rungs
from splitsearch.searcher.engine.sharing.untold import Untold
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import Evaluated, checkpoint_path
from splitsearch.searcher.engine.untried import Untried
from splitsearch.searcher.reporter import Reporter
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import StorageError

__all__ = ["Limits", "Search", "Sharing"]

_PATIENCE = 3  # suggestions that may repeat what is known before an untried candidate is drawn instead
_REFUSALS = 100  # suggestions that may be impossible: a sampler learns from them, and one that does not must not hang
_POLL = 0.5  # seconds between two looks at what other workers do


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the search ends: at so many evaluated candidates, or when no more may start.

    Attributes:
        trials: candidates to train in all, by all workers.
        timeout: seconds after which no further trial starts; None for no limit.
        plateau: trainings without growth of the hypervolume after which none starts; None for no limit.
    """

    trials: int
    timeout: float | None = None
    plateau: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """How a worker shares its search with others.

    Attributes:
        artifacts: where checkpoints lie for others; None for a process that is alone.
        keeper: whether this worker writes the run's files; one of them does.
        poll_seconds: between two looks at what the others do.
    """

    artifacts: Artifacts | None = None
    keeper: bool = True
    poll_seconds: float = field(default=_POLL)


class Search:
    """Runs trials of a study, as one of any number of workers.

    Args:
        run: folder of this worker: the run folder itself for the keeper.
        study: that is searched.
        evaluator: trains candidates.
        header: what the front is a front of.
        reporter: hears what happens.
        sharing: with whom.
        dominance: stops trainings that can no longer reach the front; None trains all to their end.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is searched, by whom, and who hears of it
        self,
        run: Path,
        study: RunStudy,
        evaluator: Evaluating,
        header: FrontHeader,
        reporter: Reporter,
        sharing: Sharing = Sharing(),
        dominance: Dominance | None = None,
    ) -> None:
        self.run_folder = run
        self.study = study
        self.evaluator = evaluator
        self.header = header
        self.reporter = reporter
        self.sharing = sharing
        self.dominance = dominance
        self.keeper = Keeper(run, study, header, sharing.artifacts) if sharing.keeper else None
        self.untold = Untold(run)
        self.rungs = Rungs(study, sharing.artifacts, evaluator.checkpoints)
        self.results = study.results()
        self.told: dict[str, int] = {}
        """How many trials this worker finished, by state."""

    def run(self, feasible: list[SplitConfig], limits: Limits, seed: int) -> dict[str, Any]:
        """Searches until the limits are reached or every feasible candidate is known; returns the front.

        A worker that is not the keeper returns an empty front.
        """
        self._tell_kept()
        if self.study.place.kind == "sqlite":  # this process has the study for itself
            for point in self.study.recover():
                self.study.enqueue(point, again=True)
        if self.keeper is not None:
            self.keeper.begin()
        watch = Stopwatch()
        untried = Untried(self.study.space, self.evaluator.pool, self.evaluator.budgets, feasible, seed)
        repeats = refusals = 0
        while not self._is_over(wanted := self._wanted(untried, limits), watch, limits):
            if len(self.study.running()) >= wanted - self._evaluated():
                self._look_on()  # others may yet die, and leave their trials to this one
                continue
            if repeats >= _PATIENCE or refusals >= _REFUSALS:
                self._enqueue_untried(untried)
            result = self._step(wanted)
            if result is None or result.repeat_of is not None:
                repeats += 1
            elif is_refused(result):
                refusals += 1
            else:
                repeats = refusals = 0
        self.study.withdraw()
        return self.finish()

    def finish(self) -> dict[str, Any]:
        """Writes the front of what is known, if this worker does."""
        return self.keeper.finish() if self.keeper is not None else {}

    def _tell_kept(self) -> None:
        """What an earlier process of this folder could not tell."""
        for result in self.untold.all():
            self.study.tell_late(result)
            self.untold.told(result)

    def _wanted(self, untried: Untried, limits: Limits) -> int:
        """Trainings in all; what turns out impossible, or came with another's training, cannot be waited for."""
        self.results = self.study.results()
        whole = untried.whole
        if whole is None:
            return limits.trials
        refused = {result.key for result in self.results if is_refused(result) or result.trained_by is not None}
        return min(limits.trials, sum(config.key not in refused for config in whole))

    def _is_over(self, wanted: int, watch: Stopwatch, limits: Limits) -> bool:
        if self._evaluated() >= wanted:
            return True
        if limits.timeout and watch.seconds > limits.timeout:
            return True
        if limits.plateau and is_plateau(self.header, self.results, limits.plateau):
            self.reporter.say(f"the front has not grown over {limits.plateau} trainings: the search ends")
            return True
        return False

    def _look_on(self) -> None:
        pause(self.sharing.poll_seconds)
        self.study.reap()
        if self.keeper is not None:
            self.keeper.update()

    def _step(self, wanted: int) -> TrialResult | None:
        """One ask and tell; None if another worker trains the candidate, or the budget is spent."""
        self.study.reap()
        trial, point = self.study.ask()
        with self.study.training(trial):
            try:
                found = self._found(trial, point, wanted)
            except BaseException:
                self._abandon(trial)
                raise
            if found is None:
                return None
            result = found.result
            self._tell(trial, result)
        self._take(found.siblings)
        self.results = self.study.results()
        if self.keeper is not None:
            self.reporter.trial(self.keeper.update(), describe(result), self._evaluated(), wanted)
        else:
            self.reporter.say(describe(result))
        return result

    def _abandon(self, trial: Trial) -> None:
        try:
            self.study.abandon(trial)
        except StorageError as error:
            self.reporter.say(f"trial {trial.number} was left running, the storage is away: {error}")

    def _take(self, siblings: Sequence[TrialResult]) -> None:
        """Files what came with a training, where it is a point of the space and not known."""
        if not siblings:
            return
        known = {result.key for result in self.study.results() if result.state != "failed"}
        for sibling in siblings:
            point = self.study.space.point(SplitConfig.from_json(sibling.config))
            if sibling.key not in known and self.study.space.excluded(point) is None:
                self.study.add(sibling, point)

    def _found(self, trial: Trial, point: dict[str, int], wanted: int) -> Evaluated | None:
        config = self.study.space.at(point)
        excluded = self.study.space.excluded(point)
        if excluded is not None:
            return Evaluated(result=self.evaluator.refuse(trial.number, config, excluded))
        reason = self._claim(trial, config, wanted)
        known = next(
            (r for r in self.results if r.key == config.key and r.repeat_of is None and r.state != "failed"), None
        )
        if known is not None:
            return Evaluated(result=replace(known, trial=trial.number, repeat_of=known.trial, seconds=0.0))
        if reason is not None:
            self.study.abandon(trial, reason, again=False)
            return None
        self.rungs.restore(trial.number, config.key)
        if self.dominance is None:
            return self.evaluator.evaluate_family(trial.number, config, stop=self.rungs.hook(trial))
        stop = self.rungs.hook(trial, self.dominance.stop)
        found = self.evaluator.evaluate_family(trial.number, config, stop=stop)
        return replace(found, result=replace(found.result, estimate=self.dominance.estimate(trial.number)))

    def _claim(self, trial: Trial, config: SplitConfig, wanted: int) -> str | None:
        """Waits until it is clear who trains the candidate; None if this trial does, else why not."""

        def free(results: Sequence[TrialResult]) -> int:
            self.results = list(results)
            return wanted - self._evaluated()

        if self._is_refusal(config):
            return None  # no training, so nothing to claim
        while (decision := self.study.claim(trial, config.key, free)).verb == "wait":
            pause(self.sharing.poll_seconds / 5)
            self.study.reap()
        return decision.reason if decision.verb == "yield" else None

    def _is_refusal(self, config: SplitConfig) -> bool:
        pool = self.evaluator.pool
        if config in pool.profiles:
            return bool(self.evaluator.budgets.violations(pool.profiles[config].values))
        return config in pool.impossible

    def _tell(self, trial: Trial, result: TrialResult) -> None:
        """Tells the study, and keeps the result in this folder until that has succeeded."""
        if result.curve:
            self.untold.keep(result)
        try:
            weights = checkpoint_path(self.evaluator.checkpoints, result.trial)
            if self.sharing.artifacts is not None and weights.is_file() and result.repeat_of is None:
                parcel = self.sharing.artifacts.put(trial, weights.parent, [weights])
                self.study.note(trial, CHECKPOINT, parcel)
            self.study.tell(trial, result)
        except StorageError as error:
            raise StorageError(
                f"the storage {self.study.place.shown} is away: {error}; the result of trial {trial.number} is kept "
                f"in {self.run_folder}, and the same command tells it"
            ) from error
        if result.curve:
            self.untold.told(result)
            self.rungs.clear(result.trial, result.key)
        self.told[result.state] = self.told.get(result.state, 0) + 1
        if self.keeper is None:
            append_line(self.run_folder / "trials.jsonl", result.to_json())

    def _evaluated(self) -> int:
        """Candidates that were trained, whatever came of it; each counts once."""
        return trained_count(self.results)

    def _enqueue_untried(self, untried: Untried) -> None:
        taken = {result.key for result in self.results} | {runner.key for runner in self.study.running()}
        config = untried.draw(taken)
        if config is not None:
            self.study.enqueue(self.study.space.point(config), again=True)
