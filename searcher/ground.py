"""What is known before the first trial: data, teacher, every candidate's costs, the ways without a split."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splitsearch.profilers.heap import keep_freed_memory
from splitsearch.profilers.pool import Pool, profile_pool
from splitsearch.profilers.profile import Profiler
from splitsearch.searcher.data.codecs import CODECS
from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.engine.baselines import Rivals, evaluate_baselines
from splitsearch.searcher.engine.proxy import proxy_note
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.plan import Plan, asked_of
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.targets import trusted
from splitsearch.searcher.teachers import check_models_take, models_of, teacher_of
from splitsearch.searcher.training.cache import Cache, default_cache_dir
from splitsearch.searcher.training.placement import Placement
from splitsearch.searcher.training.store import Store
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.spaces.graph.trace import TracedGraph
from splitsearch.spaces.space.space import SearchSpace
from splitsearch.spaces.variants.variants import Variants

__all__ = ["Ground", "TeacherMaker", "baselines_of", "cache_of", "prepare"]

TeacherMaker = Callable[[RunSettings, Dataset, Cache, Reporter, Callable[[TracedGraph], object]], Teacher]
"""Makes the teacher of a run; the last argument may refuse the traced backbone before anything dear is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is known before the first trial."""

    plan: Plan
    data: Dataset
    teacher: Teacher
    space: SearchSpace
    profiler: Profiler
    pool: Pool
    cache: Cache
    store: Store


def prepare(plan: Plan, reporter: Reporter, make_teacher: TeacherMaker = teacher_of) -> Ground:
    """Does all that is dear before a search, in the order in which it may fail.

    Args:
        plan: the settings, checked.
        reporter: hears what happens.
        make_teacher: from settings, data and cache; another than the usual where the teacher is had from elsewhere.

    Raises:
        UserError: data, backbone or space are wrong.
    """
    keep_freed_memory()  # a training step on a processor takes a fifth longer otherwise
    settings = plan.settings
    if plan.placement != Placement():
        reporter.say(f"candidates train on {plan.placement}")
    cache, store = cache_of(settings, reporter), _store_of(settings, reporter)
    data = _data(settings, store, reporter)
    # The data set's own size was not known before.
    trusted(plan.target, asked_of(settings, data.cost_size))
    for size in {data.image_size, data.cost_size}:
        check_models_take(settings, size)
    # A space that names what the backbone does not have is refused before a teacher is trained.
    teacher = make_teacher(settings, data, cache, reporter, lambda graph: plan.space.bind(settings.backbone, graph))
    costed = teacher.variants
    if data.proxy_size is not None:
        costed = Variants.trace(costed.name, costed.module, data.cost_size)
    space = plan.space.bind(settings.backbone, costed.graph)
    profiler = Profiler(plan.target)
    pool = profile_pool(
        space,
        costed,
        profiler,
        lambda done, total: reporter.progress("costs", done, total),
        seed=settings.seed,
    )
    return Ground(
        plan=plan, data=data, teacher=teacher, space=space, profiler=profiler, pool=pool, cache=cache, store=store
    )


def cache_of(settings: RunSettings, reporter: Reporter) -> Cache:
    """Teachers and baselines of the cache folder of a run."""
    return Cache(_cache_folder(settings), reporter.say)


def _store_of(settings: RunSettings, reporter: Reporter) -> Store:
    """Decoded images and activations of the same folder."""
    return Store(_cache_folder(settings), int(settings.cache_gb * 1e9), reporter.say)


def _cache_folder(settings: RunSettings) -> Path:
    return settings.path(settings.cache_dir) if settings.cache_dir else default_cache_dir()


def baselines_of(ground: Ground, facts: dict[str, Any], reporter: Reporter) -> tuple[Baseline, ...]:
    """The baselines of a run; what its study knows already is not measured again.

    Args:
        ground: of the run.
        facts: attributes of the study, if there is one.
        reporter: hears what happens.
    """
    settings = ground.plan.settings
    rivals = Rivals(
        codecs=tuple(codec for codec in CODECS if codec != "webp" or settings.webp),
        models=models_of(settings, ground.data, ground.cache, reporter),
    )
    return evaluate_baselines(
        ground.teacher,
        ground.data,
        ground.profiler,
        rivals,
        cache=ground.cache,
        known=[Baseline.from_json(known) for known in facts.get("baselines", ())],
        progress=reporter.progress,
        device=ground.plan.placement.device,
    )


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
