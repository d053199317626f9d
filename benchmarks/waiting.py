"""A search whose trainings are waits, for benchmarks of what lies around them: storage, claims, beats, kills."""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from splitsearch.profilers.pool import Pool
from splitsearch.searcher.engine.front import FrontHeader
from splitsearch.searcher.engine.objectives import Budgets, parse_objectives
from splitsearch.searcher.engine.results import TrialResult
from splitsearch.searcher.engine.sampler import make_sampler
from splitsearch.searcher.engine.search import Limits, Search, Sharing
from splitsearch.searcher.engine.sharing.artifacts import open_artifacts
from splitsearch.searcher.engine.sharing.hold import hold
from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import Evaluated, rung_folder
from splitsearch.searcher.reporter import SilentReporter
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.space.space import SearchSpace

__all__ = ["OBJECTIVES", "SPACE", "Waiter", "make_pool", "open_waiting_study", "work"]

SPACE = SearchSpace(
    backbone="waits",
    image_size=32,
    cuts=tuple(f"layer{number}" for number in range(8)),
    heads=("original",),
    channels=(1, 2, 4, 8, 16),
    bits=(2, 4, 8, 16),
)
OBJECTIVES = parse_objectives("accuracy,latency_ms,payload_bytes")


def _costs(config: SplitConfig) -> dict[str, float]:
    depth = int(config.cut.removeprefix("layer"))
    return {
        "latency_ms": 5.0 + 3.0 * depth + 0.2 * config.channels * config.bits,
        "payload_bytes": 32.0 * config.channels * config.bits / (1 + depth),
        "device_macs": 1e6 * (depth + 1),
    }


def make_pool() -> Pool:
    """Made-up costs of every candidate."""
    profiles: dict[Any, Any] = {config: SimpleNamespace(values=_costs(config)) for config in SPACE}
    return Pool(cost=lambda config: profiles[config], profiles=profiles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """Stands in for the evaluator: each rung is a wait, after which a line in a file says that it was done.

    Attributes:
        pool: of candidates.
        checkpoints: folder of this worker.
        budgets: none.
        rungs: of a training.
        seconds: of a rung.
        diary: file that all workers append to: key, rung and process of every finished rung.
    """

    pool: Pool
    checkpoints: Path
    budgets: Budgets
    rungs: int
    seconds: float
    diary: Path

    def refuse(self, number: int, config: SplitConfig, reason: str) -> TrialResult:
        """The result of a candidate that cannot exist."""
        return TrialResult(trial=number, state="pruned", key=config.key, config=config.to_json(), reason=reason)

    def evaluate_family(
        self, number: int, config: SplitConfig, *, stop: Callable[[Any], str | None] = lambda standing: None
    ) -> Evaluated:
        """Waits rung by rung, from the checkpoint of the last one that is there."""
        file = rung_folder(self.checkpoints, number) / "state.json"
        curve = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
        accuracy = 1 - math.exp(-config.channels * config.bits / 32)
        for rung in range(len(curve), self.rungs):
            time.sleep(self.seconds)
            curve.append({"rung": rung, "accuracy": accuracy * (rung + 1) / self.rungs})
            self._write(f"{config.key} {rung} {number} {os.getpid()}\n")
            if rung + 1 < self.rungs:
                file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_suffix(".part")
                part.write_text(json.dumps(curve), encoding="utf-8")
                os.replace(part, file)
                stop(SimpleNamespace(curve=curve))
        result = TrialResult(
            trial=number, state="complete", key=config.key, config=config.to_json(), curve=curve,
            values=_costs(config) | {"accuracy": accuracy}, accuracy_interval=(0.0, 1.0),
            latency={"head_ms": 1.0, "transfer_ms": 1.0, "tail_ms": 1.0, "source": "estimated"},
            macs={"device": 1, "server": 1}, seconds=self.rungs * self.seconds,
        )  # fmt: skip
        return Evaluated(result=result)

    def _write(self, line: str) -> None:
        descriptor = os.open(self.diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def open_waiting_study(place: Place, worker: str, seed: int, patience: Patience | None = None) -> RunStudy:
    """The study of the waits."""
    return RunStudy(place, SPACE, OBJECTIVES, make_sampler("random", seed), worker=worker, patience=patience)


def work(place: Place, root: Path, number: int, trials: int, rungs: tuple[int, float]) -> None:
    """One worker, until the budget is spent.

    Args:
        place: of the study.
        root: folder of the benchmark.
        number: of the worker.
        trials: to train in all.
        rungs: of a training, and seconds of each.
    """
    folder = root / f"worker{number}"
    with hold(folder):
        study = open_waiting_study(place, str(folder), number, Patience(seconds=120.0))
        study.release(str(folder))
        header = FrontHeader(
            backbone="waits", dataset="none", device="d", server="s", network="n", objectives=OBJECTIVES,
            reference_point={"accuracy": 0.0, "latency_ms": 100.0, "payload_bytes": 1e4},
            teacher={"accuracy": 1.0}, baselines=(),
        )  # fmt: skip
        pool = make_pool()
        waiter = Waiter(
            pool=pool, checkpoints=folder / "checkpoints", budgets=Budgets(), rungs=rungs[0], seconds=rungs[1],
            diary=root / "diary.txt",
        )  # fmt: skip
        sharing = Sharing(artifacts=open_artifacts(str(root / "artifacts")), keeper=False, poll_seconds=0.1)
        search = Search(folder, study, waiter, header, SilentReporter(), sharing)
        search.run(list(pool.profiles), Limits(trials=trials), number)
