"""A search on prepared ground: what a run that begins one and a worker that joins one have in common."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splitsearch.searcher.engine.dominance import Dominance
from splitsearch.searcher.engine.front import FrontHeader
from splitsearch.searcher.engine.objectives import Objective
from splitsearch.searcher.engine.pool_knowledge import knowledge_of
from splitsearch.searcher.engine.results import Baseline
from splitsearch.searcher.engine.sampler import make_sampler
from splitsearch.searcher.engine.search import Limits, Search, Sharing
from splitsearch.searcher.engine.sharing.patience import Patience
from splitsearch.searcher.engine.sharing.place import Place
from splitsearch.searcher.engine.study import RunStudy
from splitsearch.searcher.engine.trial import Evaluator
from splitsearch.searcher.ground import Ground
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.training.activations import Activations, Shared
from splitsearch.searcher.training.cache import module_digest
from splitsearch.searcher.training.distill import TRAINERS, Recipe, Tutor
from splitsearch.searcher.training.views import Views
from splitsearch.spaces.graph.cuts import find_cuts

__all__ = ["evaluator_of", "header_of", "limits_of", "make_search", "open_run_study", "reference_point"]


def open_run_study(
    place: Place, ground: Ground, worker: str, *, draw: int = 0, patience: Patience | None = None
) -> RunStudy:
    """The study of a run, made if it is not there.

    Args:
        place: where it lies.
        ground: space and objectives.
        worker: name of this process.
        draw: added to the seed of the sampler, so that workers do not all propose the same.
        patience: with the storage.
    """
    settings = ground.plan.settings
    knowledge = knowledge_of(ground.space, ground.pool, ground.plan.objectives, ground.plan.budgets)
    sampler = make_sampler(settings.sampler, settings.seed + draw, knowledge)
    return RunStudy(place, ground.space, ground.plan.objectives, sampler, worker=worker, patience=patience)


def make_search(folder: Path, study: RunStudy, ground: Ground, reporter: Reporter, sharing: Sharing) -> Search:
    """One worker's search; the study has been described."""
    return Search(
        folder,
        study,
        evaluator_of(ground, folder / "checkpoints"),
        header_of(ground, study.facts),
        reporter,
        sharing,
        _dominance(study, ground) if ground.plan.settings.stopping else None,
    )


def _dominance(study: RunStudy, ground: Ground) -> Dominance:
    cuts = find_cuts(ground.teacher.graph, "all")
    depths = {cut.name: place / len(cuts) for place, cut in enumerate(cuts, start=1)}
    return Dominance(objectives=ground.plan.objectives, depths=depths, results=study.results)


def evaluator_of(ground: Ground, checkpoints: Path) -> Evaluator:
    """What trains candidates."""
    plan = ground.plan
    training, validation = _activations(ground)
    return Evaluator(
        teacher=ground.teacher,
        tutor=Tutor(data=ground.data, activations=training),
        validation=validation,
        pool=ground.pool,
        target=plan.target,
        budgets=plan.budgets,
        trainer=TRAINERS.get(plan.settings.trainer),
        recipe=Recipe(
            epochs=plan.settings.epochs,
            batch_size=plan.settings.batch_size,
            half=plan.placement.precision is not None,
        ),
        seed=plan.settings.seed,
        checkpoints=checkpoints,
        proxy_size=ground.data.proxy_size,
        device=plan.placement.device,
    )


def _activations(ground: Ground) -> tuple[Activations, Activations]:
    """Of training images, in all their views, and of validation images, plain."""
    data, variants, settings = ground.data, ground.teacher.variants, ground.plan.settings
    key = {"teacher": module_digest(variants.graph.module), "data": data.fingerprint}
    train, val = (Shared(store=ground.store, key=key | {"part": part}) for part in ("train", "val"))
    views = Views(settings.views, flips=data.flips, seed=settings.seed)
    device = ground.plan.placement.device
    return (
        Activations(variants, data.train.images, shared=train, views=views, device=device),
        Activations(variants, data.val.images, shared=val, device=device),
    )


def header_of(ground: Ground, facts: dict[str, Any]) -> FrontHeader:
    """What a front of this run is a front of.

    Args:
        ground: of the run.
        facts: of its study: reference point and baselines.
    """
    plan, teacher = ground.plan, ground.teacher
    return FrontHeader(
        backbone=plan.settings.backbone,
        dataset=plan.settings.dataset,
        device=plan.target.device.name,
        server=plan.target.server.name,
        network=plan.target.network.name,
        objectives=plan.objectives,
        reference_point=facts["reference_point"],
        teacher={"accuracy": teacher.accuracy, "how": teacher.how, "images": len(ground.data.val.labels)},
        baselines=tuple(Baseline.from_json(known) for known in facts["baselines"]),
        image_size=ground.data.cost_size,
        proxy_image_size=ground.data.proxy_size,
    )


def limits_of(settings: RunSettings) -> Limits:
    """When the search ends."""
    return Limits(trials=settings.trials, timeout=settings.timeout, plateau=settings.plateau)


def reference_point(objectives: Sequence[Objective], ground: Ground, baselines: Sequence[Baseline]) -> dict[str, float]:
    """A tenth beyond the worst known cost, and accuracy 0: fixed before the first trial, so hypervolumes compare.

    Of the baselines those count that every run has, and whose costs no clock decides.
    """
    point = {"accuracy": 0.0}
    always = [baseline for baseline in baselines if baseline.name in ("local", "server_raw")]
    for name in (objective.name for objective in objectives if objective.name != "accuracy"):
        costs = [profile.values[name] for profile in ground.pool.profiles.values()]
        point[name] = 1.1 * max(*costs, *(baseline.values[name] for baseline in always))
    return point
