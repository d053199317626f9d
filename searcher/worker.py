"""One more worker for a study, here or on another machine: everything that it does stands in the study."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from splitsearch.profilers.timing import Stopwatch, pause
from splitsearch.searcher.agreement import agreement_of, require_agreement
from splitsearch.searcher.crew import worker_name
from splitsearch.searcher.engine.feasible import require_feasible
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.engine.opening import load_study
from splitsearch.searcher.engine.search import Sharing
from splitsearch.searcher.engine.sharing.artifacts import Artifacts, open_artifacts
from splitsearch.searcher.engine.sharing.hold import hold
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.searcher.engine.sharing.storage import require_sharing
from splitsearch.searcher.ground import TeacherMaker, prepare
from splitsearch.searcher.plan import check, require_writable
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.searching import limits_of, make_search, open_run_study
from splitsearch.searcher.settings import RunSettings, read_settings
from splitsearch.searcher.teachers import teacher_of, unpack_teacher
from splitsearch.spaces.errors import UserError

__all__ = ["MARK", "Joining", "work"]

MARK = "worker.json"
"""File by which a worker's folder is known."""

_POLL = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What a worker is told; all else stands in the study.

    Attributes:
        storage: URL of the study.
        study: its name.
        folder: of this worker.
        directory: folder that the study's relative paths are seen from, here; None for the one that they were given in.
        device: where it trains; None for a GPU if there is one.
        data_dir: where torchvision's data sets lie here.
        cache_dir: of this machine.
        artifacts: as the run was given it, seen from here.
        wait_seconds: for the run to begin the study.
    """

    storage: str
    study: str
    folder: Path
    directory: Path | None = None
    device: str | None = None
    data_dir: Path | None = None
    cache_dir: Path | None = None
    artifacts: str | None = None
    wait_seconds: float = 600.0


def work(joining: Joining, reporter: Reporter) -> dict[str, Any]:
    """Works on a study until its budget is spent.

    Returns:
        Which study, and how many trials this worker finished, by state.

    Raises:
        UserError: there is no such study, or this machine does not agree with it; the message says what differs.
        StorageError: the storage went away and did not come back; what was found is kept in the worker's folder.
    """
    place = Place(url=joining.storage, study=joining.study)
    require_sharing(place, 1, elsewhere=True)
    require_writable(joining.folder, MARK)
    facts = _facts(place, joining.wait_seconds, reporter)
    beat = int(facts["limits"].get("heartbeat_s", place.beat_seconds))
    place = replace(place, beat_seconds=beat, grace_seconds=4 * beat)
    settings = _settings(facts, joining)
    with hold(joining.folder):
        write_atomic(joining.folder / MARK, json.dumps({"storage": place.shown, "study": place.study}) + "\n")
        artifacts = open_artifacts(joining.artifacts) if joining.artifacts else None
        plan = check(settings)
        ground = prepare(plan, reporter, _teacher_maker(facts, artifacts, joining.folder))
        require_agreement(facts["agreement"], agreement_of(ground), f"the study '{place.study}' in {place.shown}")
        feasible = require_feasible(ground.pool, plan.budgets)
        name = worker_name(joining.folder)
        study = open_run_study(place, ground, name, draw=_draw(name))
        study.release(name)  # what this folder's last process left behind
        search = make_search(joining.folder, study, ground, reporter, Sharing(artifacts=artifacts, keeper=False))
        search.run(feasible, limits_of(settings), settings.seed)
        return {"study": place.study, "storage": place.shown, "worker": name, "trials": search.told}


def _facts(place: Place, wait_seconds: float, reporter: Reporter) -> dict[str, Any]:
    """What the study says of its run, once it says all."""
    watch, said = Stopwatch(), False
    while True:
        reason = f"the study '{place.study}' in {place.shown} is not ready: start it with `splitsearch run`"
        try:
            study = load_study(place)
            facts = dict(study.user_attrs)
            if "agreement" in facts:
                return facts
            if not facts and study.get_trials(deepcopy=False):
                reason = f"the study '{place.study}' in {place.shown} is none of splitsearch's"
                wait_seconds = 0
        except UserError as error:
            reason = str(error)
        if watch.seconds >= wait_seconds:
            raise UserError(reason)
        if not said:
            reporter.say(f"waiting up to {wait_seconds:g} s: {reason}")
            said = True
        pause(_POLL)


def _settings(facts: dict[str, Any], joining: Joining) -> RunSettings:
    """The study's settings, seen from this machine."""
    limits = {name: value for name, value in facts["limits"].items() if name != "directory"}
    given = facts["limits"].get("directory", ".")
    directory = joining.directory if joining.directory is not None else Path(given if os.path.isdir(given) else ".")
    own: dict[str, Any] = {"directory": str(directory), "storage": joining.storage, "study": joining.study}
    own["device"] = joining.device
    for name, value in (("data_dir", joining.data_dir), ("cache_dir", joining.cache_dir)):
        own[name] = str(value.resolve()) if value is not None else None
    return read_settings(facts["settings"] | limits | own)


def _teacher_maker(facts: dict[str, Any], artifacts: Artifacts | None, folder: Path) -> TeacherMaker:
    """The study's own teacher where it travels, else the usual way to one."""
    parcel = facts.get("teacher_parcel")
    if artifacts is None or parcel is None:
        return teacher_of

    def unpacked(settings: RunSettings, data: Any, cache: Any, reporter: Reporter, accept: Callable[..., Any]) -> Any:
        if not artifacts.fetch(parcel, folder):
            raise UserError("--artifacts holds no teacher of this study: name the folder or bucket that the run names")
        (name,) = parcel
        return unpack_teacher(settings, data, reporter, folder / name, facts["teacher"])

    return unpacked


def _draw(name: str) -> int:
    """A number for a worker: samplers that draw are not to draw alike."""
    return 1 + int(hashlib.sha256(name.encode()).hexdigest()[:6], 16)
