"""A finished run on other machines or another network: a new front without any training, and a search from there."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from splitsearch.searcher.agreement import agreement_of, require_agreement
from splitsearch.searcher.engine.filing import results_of
from splitsearch.searcher.engine.front import front_document, write_front
from splitsearch.searcher.engine.opening import load_study
from splitsearch.searcher.engine.recost import recost
from splitsearch.searcher.engine.results import TrialResult, trained_count
from splitsearch.searcher.engine.sharing.hold import hold
from splitsearch.searcher.engine.sharing.place import place_of
from splitsearch.searcher.engine.trial import checkpoint_path
from splitsearch.searcher.ground import Ground, baselines_of, prepare
from splitsearch.searcher.plan import check, read_run, require_writable
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.run import Begun, run
from splitsearch.searcher.searching import header_of, reference_point
from splitsearch.searcher.settings import RunSettings
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError

__all__ = ["Retargeting", "retarget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retargeting:
    """What `splitsearch retarget` is asked for.

    Attributes:
        run: folder of the run.
        changes: settings that differ, such as `device_profile`, `network` or `budgets`.
        out: folder of the new front; None writes none.
        trials: trainings with which to go on; 0 for none.
        storage: of the run's study, where its password is needed.
    """

    run: Path
    changes: dict[str, Any]
    out: Path | None = None
    trials: int = 0
    storage: str | None = None


def retarget(asked: Retargeting, reporter: Reporter, command: Sequence[str] = ()) -> dict[str, Any]:
    """Costs everything that a run trained on another target, and finds the front of that.

    Returns:
        The front, in the form of front.json.

    Raises:
        UserError: an input is wrong, the folder is no run, or data or teacher are not the run's any more.
        NothingFeasibleError: no candidate fits the budgets, and trainings were asked for.
    """
    old = read_run(asked.run)
    settings = _settings(old, asked)
    study = load_study(place_of(asked.run, asked.storage))
    known = [r for r in results_of(study) if r.state == "complete" and r.repeat_of is None]
    if not known:
        raise UserError(f"'{asked.run}' has no trained candidate yet: there is nothing to retarget")
    agreed = {name: value for name, value in study.user_attrs.get("agreement", {}).items() if name in _LASTING}
    if asked.trials:
        if asked.out is None:
            raise UserError("--trials begins a new run: name its folder with --out")
        begun = replace(settings, trials=asked.trials + len({result.key for result in known}))
        return run(begun, asked.out, reporter, command, lambda begun: _transfer(begun, known, agreed, asked.run))
    if asked.out is not None:
        require_writable(asked.out, "front.json")
    ground = prepare(check(settings), reporter)
    require_agreement(agreed, agreement_of(ground), f"'{asked.run}'")
    document = _document(ground, known, reporter)
    if asked.out is not None:
        with hold(asked.out):
            write_front(asked.out, document)
    return document


_LASTING = ("data", "teacher", "space")  # what accuracies depend on, of all that agreed


def _settings(old: RunSettings, asked: Retargeting) -> RunSettings:
    """The run's settings with what differs; files that are named now lie in the caller's folder."""
    changes = dict(asked.changes)
    for name in ("device_profile", "server_profile", "network"):
        if name in changes and Path(changes[name]).is_file():
            changes[name] = str(Path(changes[name]).resolve())
    if "network" in changes:  # what was different about the old network is nothing to the new one
        changes = {"uplink_mbps": None, "rtt_ms": None} | changes
    budgets = old.budgets | changes.pop("budgets", {})
    return replace(old, storage=None, study="splitsearch", workers=1, artifacts=None, budgets=budgets, **changes)


def _recosted(ground: Ground, known: Sequence[TrialResult]) -> list[TrialResult]:
    plan = ground.plan
    return [recost(result, ground.pool, plan.target, plan.budgets) for result in known]


def _document(ground: Ground, known: Sequence[TrialResult], reporter: Reporter) -> dict[str, Any]:
    baselines = baselines_of(ground, {}, reporter)
    facts = {
        "reference_point": reference_point(ground.plan.objectives, ground, baselines),
        "baselines": [baseline.to_json() for baseline in baselines],
    }
    results = _recosted(ground, known)
    reporter.say(f"{trained_count(results)} trained candidates costed on {ground.plan.target.device.name}: no training")
    return front_document(header_of(ground, facts), results)


def _transfer(begun: Begun, known: Sequence[TrialResult], agreed: dict[str, Any], run_folder: Path) -> None:
    """Files a run's results in a new study, costed again; weights that are still there come along."""
    ground, study = begun.ground, begun.study
    require_agreement(agreed, agreement_of(ground), f"'{run_folder}'")
    there = {result.key for result in study.results()}
    for result in _recosted(ground, known):
        config = SplitConfig.from_json(result.config)
        if result.key in there or config not in ground.space:
            continue
        study.add(result, ground.space.point(config))
        number = max(told.trial for told in study.results() if told.key == result.key)
        weights = checkpoint_path(run_folder / "checkpoints", result.trial)
        if weights.is_file():
            target = checkpoint_path(begun.folder / "checkpoints", number)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(weights, target)
