"""The main job: from settings to a run folder with a front.

Cheap checks come first and nothing is written before they have passed; dear work (data, teacher) comes next; the
search last. `resume` walks the same road on the settings that the run folder kept.
"""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from splitsearch.profilers.devices.trust import Asked
from splitsearch.profilers.pool import Pool, profile_pool
from splitsearch.profilers.profile import Profiler, Target
from splitsearch.profilers.timing import timestamp
from splitsearch.searcher.data.codecs import CODECS, require_codec
from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.engine.baselines import Rivals, evaluate_baselines
from splitsearch.searcher.engine.files import write_atomic
from splitsearch.searcher.engine.front import FrontHeader
from splitsearch.searcher.engine.objectives import Budgets, Objective, parse_objectives
from splitsearch.searcher.engine.pool_knowledge import knowledge_of
from splitsearch.searcher.engine.proxy import proxy_note
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.engine.sampler import SAMPLERS, make_sampler
from splitsearch.searcher.engine.search import Limits, Search, extremes, require_feasible
from splitsearch.searcher.engine.study import RunStudy, stored_facts
from splitsearch.searcher.engine.trial import Evaluator
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.settings import RunSettings, dump_yaml, read_settings
from splitsearch.searcher.targets import read_target, trusted
from splitsearch.searcher.teachers import check_models, check_models_take, models_of, teacher_of
from splitsearch.searcher.training.activations import Activations, Shared
from splitsearch.searcher.training.cache import Cache, default_cache_dir, module_digest
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor
from splitsearch.searcher.training.store import Store
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.searcher.training.views import Views
from splitsearch.spaces.backbones.loading import check_name
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.space.space import SearchSpace, SpaceSpec, find_space, read_space
from splitsearch.spaces.variants.variants import Variants

__all__ = ["Plan", "check", "default_folder", "read_run", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Settings whose files have been read and found right."""

    settings: RunSettings
    target: Target
    objectives: tuple[Objective, ...]
    budgets: Budgets
    space: SpaceSpec


def check(settings: RunSettings) -> Plan:
    """Reads all that is small.

    Raises:
        UserError: something is wrong with it.
    """
    SAMPLERS.get(settings.sampler)
    TRAINERS.get(settings.trainer)
    check_name(settings.backbone)
    check_models(settings.baseline)
    if settings.webp:
        require_codec("webp")
    machines = (settings.device_profile, settings.server_profile)
    target = read_target(
        (_file_or_name(settings, machines[0]), _file_or_name(settings, machines[1])),
        _file_or_name(settings, settings.network),
        server_load=settings.server_load,
        uplink_mbps=settings.uplink_mbps,
        rtt_ms=settings.rtt_ms,
        asked=_asked(settings, settings.image_size),
    )
    objectives, budgets = parse_objectives(settings.objectives), Budgets(**settings.budgets)
    _require_radio(target, objectives, budgets)
    return Plan(
        settings=settings,
        target=target,
        objectives=objectives,
        budgets=budgets,
        space=read_space(find_space(_file_or_name(settings, settings.space))),
    )


def _asked(settings: RunSettings, image_size: int | None = None) -> Asked:
    return Asked(image_size=image_size, backbone=settings.backbone, doubtful=settings.accept_doubtful)


def _require_radio(target: Target, objectives: Sequence[Objective], budgets: Budgets) -> None:
    """Energy without the radio would favour what sends most."""
    asked = any(objective.name == "energy_mj" for objective in objectives) or budgets.max_energy_mj is not None
    if asked and target.network.radio is None:
        raise UserError(
            f"the network '{target.network.name}' does not name what its radio draws, so energy cannot be compared; "
            "give a JSON network profile with 'radio' (it may hold the trace)"
        )


def read_run(folder: Path) -> RunSettings:
    """The settings of an existing run folder.

    Raises:
        UserError: it is none.
    """
    file = folder / "run.yaml"
    if not file.is_file():
        raise UserError(
            f"'{folder}' is no run folder: it has no run.yaml; start a run with --backbone and --device-profile"
        )
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        return read_settings(data["settings"])
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise UserError(f"'{file}' cannot be read as the settings of a run") from error


def default_folder(settings: RunSettings) -> Path:
    """`runs/<backbone>-<dataset>-<time>` in the caller's folder."""
    parts = (settings.backbone.rpartition(":")[2], settings.dataset.partition(":")[0], timestamp())
    return Path("runs") / "-".join(parts)


def run(settings: RunSettings, folder: Path, reporter: Reporter, command: Sequence[str] = ()) -> dict[str, Any]:
    """Does the main job, or goes on with it if the folder already holds a run with these settings.

    Args:
        settings: what to search.
        folder: the run folder.
        reporter: hears what happens.
        command: the command line, for the record.

    Returns:
        The front, in the form of front.json.

    Raises:
        UserError: an input is wrong; nothing has been written.
        NothingFeasibleError: no candidate fits the budgets.
    """
    plan = check(settings)
    _require_writable(folder)
    folder_of_cache = settings.path(settings.cache_dir) if settings.cache_dir else default_cache_dir()
    cache = Cache(folder_of_cache, reporter.say)
    store = Store(folder_of_cache, int(settings.cache_gb * 1e9), reporter.say)
    data = _data(settings, store, reporter)
    # The data set's own size was not known before.
    trusted(plan.target, _asked(settings, data.cost_size))
    for size in {data.image_size, data.cost_size}:
        check_models_take(settings, size)
    # A space that names what the backbone does not have is refused before a teacher is trained.
    teacher = teacher_of(
        settings, data, cache, reporter, accept=lambda graph: plan.space.bind(settings.backbone, graph)
    )
    ground = _ground(plan, data, teacher, reporter)
    feasible = require_feasible(ground.pool, plan.budgets)
    baselines = _baselines(plan, ground, cache, folder, reporter)
    costed = len(ground.pool.profiles) + len(ground.pool.impossible)
    drawn = "" if costed == ground.space.size else f"{costed} of them drawn, "
    reporter.say(f"{ground.space.size} candidates, {drawn}{len(feasible)} feasible; costs are {plan.target.source}")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "run.yaml", dump_yaml(_record(settings, command)))
    search = _search(folder, plan, ground, baselines, store, reporter)
    for config in extremes(ground.pool, feasible):
        search.study.enqueue(ground.space.point(config))
    return search.run(feasible, Limits(trials=settings.trials, timeout=settings.timeout), settings.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What is known before the first trial."""

    data: Dataset
    teacher: Teacher
    space: SearchSpace
    profiler: Profiler
    pool: Pool


def _ground(plan: Plan, data: Dataset, teacher: Teacher, reporter: Reporter) -> _Ground:
    costed = teacher.variants
    if data.proxy_size is not None:
        costed = Variants.trace(costed.name, costed.module, data.cost_size)
    space = plan.space.bind(plan.settings.backbone, costed.graph)
    profiler = Profiler(plan.target)
    pool = profile_pool(
        space,
        costed,
        profiler,
        lambda done, total: reporter.progress("costs", done, total),
        seed=plan.settings.seed,
    )
    return _Ground(data=data, teacher=teacher, space=space, profiler=profiler, pool=pool)


def _baselines(plan: Plan, ground: _Ground, cache: Cache, folder: Path, reporter: Reporter) -> tuple[Baseline, ...]:
    """What the run folder knows already is not measured again."""
    settings = plan.settings
    rivals = Rivals(
        codecs=tuple(codec for codec in CODECS if codec != "webp" or settings.webp),
        models=models_of(settings, ground.data, cache, reporter),
    )
    return evaluate_baselines(
        ground.teacher,
        ground.data,
        ground.profiler,
        rivals,
        cache=cache,
        known=[Baseline.from_json(known) for known in stored_facts(folder).get("baselines", ())],
        progress=reporter.progress,
    )


def _file_or_name(settings: RunSettings, value: str) -> str:
    path = settings.path(value)
    return str(path) if path.is_file() else value


def _require_writable(folder: Path) -> None:
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UserError(
            f"the output folder '{folder}' cannot be written: '{existing}' is no folder that you may write to"
        )
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "run.yaml").is_file():
        raise UserError(f"the output folder '{folder}' holds other files; name a new one with --out")


def _data(settings: RunSettings, store: Store, reporter: Reporter) -> Dataset:
    prefix, colon, place = settings.dataset.partition(":")
    data = load_dataset(
        f"{prefix}:{settings.path(place)}" if colon else prefix,
        image_size=settings.image_size,
        subset=settings.subset,
        seed=settings.seed,
        data_dir=settings.path(settings.data_dir) if settings.data_dir else None,
        proxy_size=settings.proxy_image_size,
        flips=settings.flips,
        store=store,
        progress=reporter.progress,
    )
    for note in data.notes:
        reporter.say(note)
    reporter.say(
        f"{data.name}: {len(data.train.labels)} training and {len(data.val.labels)} validation images, "
        f"{len(data.classes)} classes, {data.image_size} px"
    )
    if note := proxy_note(data.proxy_size, data.cost_size):
        reporter.say(note)
    return data


def _activations(settings: RunSettings, ground: _Ground, store: Store) -> tuple[Activations, Activations]:
    """Of training images, in all their views, and of validation images, plain."""
    data, variants = ground.data, ground.teacher.variants
    key = {"teacher": module_digest(variants.graph.module), "data": data.fingerprint}
    train, val = (Shared(store=store, key=key | {"part": part}) for part in ("train", "val"))
    views = Views(settings.views, flips=data.flips, seed=settings.seed)
    return (
        Activations(variants, data.train.images, shared=train, views=views),
        Activations(variants, data.val.images, shared=val),
    )


def _search(  # all that the trials of a run share comes together here
    folder: Path,
    plan: Plan,
    ground: _Ground,
    baselines: tuple[Baseline, ...],
    store: Store,
    reporter: Reporter,
) -> Search:
    settings, teacher, data = plan.settings, ground.teacher, ground.data
    knowledge = knowledge_of(ground.space, ground.pool, plan.objectives, plan.budgets)
    study = RunStudy(folder, ground.space, plan.objectives, make_sampler(settings.sampler, settings.seed, knowledge))
    if "reference_point" not in study.facts:
        study.describe(
            {
                "reference_point": _reference_point(plan.objectives, ground, baselines),
                "teacher": {"accuracy": teacher.accuracy, "how": teacher.how},
            }
        )
    study.describe({"baselines": [baseline.to_json() for baseline in baselines]})
    for point in study.recover():
        study.enqueue(point, again=True)
    training, validation = _activations(settings, ground, store)
    evaluator = Evaluator(
        teacher=teacher,
        tutor=Tutor(data=data, activations=training),
        validation=validation,
        pool=ground.pool,
        target=plan.target,
        budgets=plan.budgets,
        trainer=TRAINERS.get(settings.trainer),
        recipe=Recipe(epochs=settings.epochs, batch_size=settings.batch_size),
        seed=settings.seed,
        checkpoints=folder / "checkpoints",
        proxy_size=data.proxy_size,
    )
    header = FrontHeader(
        backbone=settings.backbone,
        dataset=settings.dataset,
        device=plan.target.device.name,
        server=plan.target.server.name,
        network=plan.target.network.name,
        objectives=plan.objectives,
        reference_point=study.facts["reference_point"],
        teacher={"accuracy": teacher.accuracy, "how": teacher.how, "images": len(data.val.labels)},
        baselines=baselines,
        image_size=data.cost_size,
        proxy_image_size=data.proxy_size,
    )
    return Search(folder, study, evaluator, header, reporter)


def _reference_point(
    objectives: Sequence[Objective], ground: _Ground, baselines: Sequence[Baseline]
) -> dict[str, float]:
    """A tenth beyond the worst known cost, and accuracy 0: fixed before the first trial, so hypervolumes compare.

    Of the baselines those count that every run has, and whose costs no clock decides.
    """
    point = {"accuracy": 0.0}
    always = [baseline for baseline in baselines if baseline.name in ("local", "server_raw")]
    for name in (objective.name for objective in objectives if objective.name != "accuracy"):
        costs = [profile.values[name] for profile in ground.pool.profiles.values()]
        point[name] = 1.1 * max(*costs, *(baseline.values[name] for baseline in always))
    return point


def _record(settings: RunSettings, command: Sequence[str]) -> dict[str, Any]:
    packages = ("splitsearch", "torch", "torchvision", "optuna", "fvcore", "numpy", "pandas")
    return {
        "schema": 1,
        "settings": settings.to_json(),
        "command": " ".join(command),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
    }
