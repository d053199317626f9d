"""Dominance stopping in a run: the rule of `stopping`, asked after each rung with what the study knows by then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from splitsearch.searcher.engine.climb import Standing as Climbed
from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.pareto import to_minimise
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.stopping import Standing, Trajectory, Verdict, judge

__all__ = ["Dominance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dominance:
    """Stops trainings that can no longer reach the front.

    Attributes:
        objectives: of the study.
        depths: cut to the share of the backbone that lies before it, in [0, 1].
        results: all finished trials, by whichever worker.
        verdicts: trial to why it was stopped.
    """

    objectives: tuple[Objective, ...]
    depths: Mapping[str, float]
    results: Callable[[], Sequence[TrialResult]]
    verdicts: dict[int, Verdict] = field(default_factory=dict)

    def stop(self, climbed: Climbed) -> str | None:
        """The reason to stop a training at the rung that it has reached; None to go on.

        It goes on for any of the candidates that come with it: an exit answers earlier, and a coding sends less.
        """
        finished = [self._trajectory(result) for result in self.results() if _is_finished(result)]
        family = climbed.family or (climbed.values | {"accuracy": climbed.curve[-1]["accuracy"]},)
        verdicts = []
        for values in family:
            verdict = judge(self._standing(climbed, values), finished)
            if verdict is None:
                return None
            verdicts.append(verdict)
        own, *others = verdicts
        self.verdicts[climbed.trial] = own
        return own.reason if not others else f"{own.reason}; nor can the {len(others)} that share its training"

    def estimate(self, trial: int) -> dict[str, float]:
        """What a stopped trial would have reached, for samplers to learn from; empty if it was not stopped."""
        verdict = self.verdicts.get(trial)
        return {} if verdict is None else {"accuracy": verdict.estimate, "deviation": verdict.deviation}

    def _standing(self, climbed: Climbed, values: Mapping[str, float]) -> Standing:
        """One of the candidates that come with a training; its accuracies before this rung are not asked for."""
        cut = climbed.config.cut
        before = (entry["accuracy"] for entry in climbed.curve[:-1])
        return Standing(
            kind=f"{cut} {climbed.config.head}",
            depth=self.depths.get(cut, 0.5),
            costs=self._costs(values),
            accuracies=(*before, values["accuracy"]),
        )

    def _trajectory(self, result: TrialResult) -> Trajectory:
        cut = str(result.config["cut"])
        return Trajectory(
            kind=f"{cut} {result.config['head']}",
            depth=self.depths.get(cut, 0.5),
            costs=self._costs(result.values),
            accuracies=tuple(entry["accuracy"] for entry in result.curve[:-1]),
            final=result.values["accuracy"],
        )

    def _costs(self, values: Mapping[str, float]) -> tuple[float, ...]:
        costs = tuple(objective for objective in self.objectives if objective.name != "accuracy")
        return tuple(float(value) for value in to_minimise(values, costs))


def _is_finished(result: TrialResult) -> bool:
    """Trained to the end. A candidate that shares a training has an end, and no curve of its own to learn gaps from."""
    return (
        result.state == "complete"
        and result.repeat_of is None
        and (bool(result.curve) or result.trained_by is not None)
    )
