"""The main job: from settings to a run folder with a front.

Cheap checks come first and nothing is written before they have passed; dear work (data, teacher) comes next; the
search last. `resume` walks the same road on the settings that the run folder kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from splitsearch.searcher.agreement import agreement_of, differences, require_agreement, versions
from splitsearch.searcher.confirming import confirm
from splitsearch.searcher.crew import Crew, worker_name
from splitsearch.searcher.engine.feasible import extremes, require_feasible
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.engine.opening import stored_facts
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.engine.search import Sharing
from splitsearch.searcher.engine.sharing.artifacts import Artifacts, open_artifacts
from splitsearch.searcher.engine.sharing.hold import hold
from splitsearch.searcher.engine.sharing.place import Place, keep_place
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.ground import Ground, baselines_of, prepare
from splitsearch.searcher.measured_front import measure_front
from splitsearch.searcher.plan import Plan, check, default_folder, read_run, require_writable, study_place
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.searching import limits_of, make_search, open_run_study, reference_point
from splitsearch.searcher.settings import RunSettings, dump_yaml
from splitsearch.searcher.teachers import pack_teacher
from splitsearch.spaces.errors import UserError

__all__ = ["Begun", "Plan", "check", "default_folder", "read_run", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run whose study stands, before its first trial."""

    folder: Path
    ground: Ground
    study: RunStudy


def run(
    settings: RunSettings,
    folder: Path,
    reporter: Reporter,
    command: Sequence[str] = (),
    transfer: Callable[[Begun], None] = lambda begun: None,
) -> dict[str, Any]:
    """Does the main job, or goes on with it if the folder already holds a run with these settings.

    Args:
        settings: what to search.
        folder: the run folder.
        reporter: hears what happens.
        command: the command line, for the record.
        transfer: files what is known from elsewhere, before anything is asked.

    Returns:
        The front, in the form of front.json.

    Raises:
        UserError: an input is wrong; nothing has been written.
        NothingFeasibleError: no candidate fits the budgets.
        StorageError: the storage went away and did not come back; what was found is kept.
    """
    plan = check(settings)
    require_writable(folder)
    place = study_place(settings, folder)
    facts = stored_facts(folder, place)
    ground = prepare(plan, reporter)
    agreement = agreement_of(ground)
    _require_same(facts, settings, agreement, place, reporter)
    feasible = require_feasible(ground.pool, plan.budgets)
    baselines = baselines_of(ground, facts, reporter)
    costed = len(ground.pool.profiles) + len(ground.pool.impossible)
    drawn = "" if costed == ground.space.size else f"{costed} of them drawn, "
    reporter.say(f"{ground.space.size} candidates, {drawn}{len(feasible)} feasible; costs are {plan.target.source}")
    with hold(folder):
        write_atomic(folder / "run.yaml", dump_yaml(_record(settings, place, command)))
        keep_place(folder, place)
        study = open_run_study(place, ground, worker_name(folder))
        artifacts = _artifacts(settings, folder)
        _describe(study, ground, baselines, agreement, artifacts, folder)
        transfer(Begun(folder=folder, ground=ground, study=study))
        for config in extremes(ground.pool, feasible):
            study.enqueue(ground.space.point(config))
        study.release(study.worker)  # what this folder's last process left behind
        if settings.workers > 1:
            document = Crew(folder, study, ground, reporter, artifacts).run()
        else:
            search = make_search(folder, study, ground, reporter, Sharing(artifacts=artifacts))
            document = search.run(feasible, limits_of(settings), settings.seed)
        if settings.confirm:
            document = confirm(folder, study, ground, document, reporter)
        if settings.measure is not None:
            document = measure_front(folder, ground, document, settings.measure, reporter)
        return document


def _require_same(
    facts: dict[str, Any], settings: RunSettings, agreement: dict[str, Any], place: Place, reporter: Reporter
) -> None:
    """Refuses to go on with a study that was begun with other things."""
    known = facts.get("agreement", {})
    require_agreement(known | {"versions": {}}, agreement, f"the study '{place.study}' in {place.shown}")
    for phrase in differences({"versions": known.get("versions", {})}, agreement):
        reporter.say(f"warning: the run was begun with other programs: {phrase}")
    begun = facts.get("settings")
    if begun is None:
        return
    own = settings.shared()
    other = [f"{name} {begun[name]!r} there, {own[name]!r} here" for name in own if begun.get(name) != own[name]]
    if other:
        raise UserError(f"the study '{place.study}' in {place.shown} was begun with other settings: {'; '.join(other)}")


def _artifacts(settings: RunSettings, folder: Path) -> Artifacts | None:
    """Through what checkpoints travel; a process that is alone needs nothing."""
    if settings.artifacts is not None:
        named = settings.artifacts
        return open_artifacts(named if "://" in named else str(settings.path(named)))
    return open_artifacts(str(folder / "artifacts")) if settings.workers > 1 else None


def _describe(  # all that a study says of its run
    study: RunStudy,
    ground: Ground,
    baselines: tuple[Baseline, ...],
    agreement: dict[str, Any],
    artifacts: Artifacts | None,
    folder: Path,
) -> None:
    """Writes down what a worker elsewhere needs; what was written once stays."""
    facts, teacher, settings = study.facts, ground.teacher, ground.plan.settings
    if "reference_point" not in facts:
        study.describe(
            {
                "reference_point": reference_point(ground.plan.objectives, ground, baselines),
                "teacher": {"accuracy": teacher.accuracy, "how": teacher.how},
            }
        )
    if artifacts is not None and "teacher_parcel" not in facts:
        study.describe({"teacher_parcel": pack_teacher(teacher, artifacts, study.optuna_study, folder)})
    study.describe(
        {
            "settings": settings.shared(),
            "limits": {
                name: getattr(settings, name) for name in ("trials", "timeout", "plateau", "heartbeat_s", "directory")
            },
            "baselines": [baseline.to_json() for baseline in baselines],
        }
    )
    study.describe({"agreement": facts.get("agreement") or agreement})  # the last: workers wait for it


def _record(settings: RunSettings, place: Place, command: Sequence[str]) -> dict[str, Any]:
    """What run.yaml says: all but a password."""
    shown = settings if settings.storage is None else replace(settings, storage=place.shown)
    words = [word.replace(place.url, place.shown) for word in command]
    return {
        "schema": 1,
        "settings": shown.to_json(),
        "command": " ".join(words),
        "versions": versions(),
    }
