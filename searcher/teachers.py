"""From the settings of a run to trained networks: the teacher, and the small ones that rival a split on the device."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.engine.baselines import model_baseline_name
from splitsearch.searcher.engine.files import write_bytes_atomic
from splitsearch.searcher.engine.sharing.artifacts import Artifacts, Parcel, Study
from splitsearch.searcher.reporter import Reporter, SilentReporter
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.training.cache import Cache
from splitsearch.searcher.training.gradients import gradients_on
from splitsearch.searcher.training.placement import device_of
from splitsearch.searcher.training.teacher import Teacher, TeacherRecipe, make_teacher
from splitsearch.spaces.backbones.loading import Backbone, check_name, load_backbone, usual_module
from splitsearch.spaces.errors import UserError
from splitsearch.spaces.graph.trace import TracedGraph, trace
from splitsearch.spaces.variants.variants import Variants

__all__ = ["check_models", "check_models_take", "models_of", "pack_teacher", "teacher_of", "unpack_teacher"]


def teacher_of(
    settings: RunSettings,
    data: Dataset,
    cache: Cache,
    reporter: Reporter,
    accept: Callable[[TracedGraph], object] = lambda graph: None,
) -> Teacher:
    """The teacher of a run.

    Args:
        settings: of the run.
        data: to learn from.
        cache: of teachers.
        reporter: hears what happens.
        accept: may refuse the traced backbone with a UserError, before anything is trained.

    Raises:
        UserError: the backbone, its weights or the image size are wrong.
    """
    backbone = _loaded(settings, settings.backbone, settings.weights, data, reporter)
    accept(_taken(backbone.module, data))
    return _made(settings, backbone, data, cache, reporter, ("teacher", settings.backbone))


def _taken(module: nn.Module, data: Dataset) -> TracedGraph:
    """The network at the size that costs are computed for, once it is sure that it takes the proxy size too."""
    if data.proxy_size is not None:
        try:
            trace(module, data.proxy_size)
        except UserError as error:
            raise UserError(f"--proxy-image-size {data.proxy_size}: {error}") from error
    return trace(module, data.cost_size)


def pack_teacher(teacher: Teacher, artifacts: Artifacts, owner: Study, folder: Path) -> Parcel:
    """Uploads the weights of a teacher, for workers that cannot make the same."""
    file = folder / "teacher.safetensors"
    tensors = teacher.graph.module.state_dict()
    write_bytes_atomic(file, save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))
    try:
        return artifacts.put(owner, folder, [file])
    finally:
        file.unlink()


def unpack_teacher(
    settings: RunSettings, data: Dataset, reporter: Reporter, file: Path, known: dict[str, Any]
) -> Teacher:
    """The teacher of a study from its packed weights.

    Args:
        settings: of the study.
        data: to learn from; importances of pruning need it.
        reporter: hears what happens.
        file: the weights.
        known: `accuracy` and `how` of the teacher.

    Raises:
        UserError: they are not of this backbone.
    """
    backbone = _loaded(settings, settings.backbone, "none", data, SilentReporter())
    variants = Variants.trace(backbone.name, backbone.module, data.image_size)
    variants.backward = gradients_on(data, settings.seed)
    try:
        backbone.module.load_state_dict(load_file(file))
    except RuntimeError as error:
        raise UserError(f"the study's teacher is no {settings.backbone} as this machine has it") from error
    reporter.say(f"teacher {settings.backbone}: from the study; validation accuracy {known['accuracy']:.3f}")
    return Teacher(variants=variants, accuracy=known["accuracy"], how=known["how"], cached=True)


def models_of(
    settings: RunSettings, data: Dataset, cache: Cache, reporter: Reporter
) -> dict[str, Callable[[], Teacher]]:
    """The small networks that were asked for, each made when it is called: as the teacher is made, on the same images.

    Their weights are the published ones where they can be had, unless the teacher, too, starts without any.
    """
    return {name: partial(_small, settings, name, data, cache, reporter) for name in settings.baseline}


def check_models(names: Sequence[str]) -> None:
    """Refuses baselines that are no backbones, without building any.

    Raises:
        UserError: one is unknown, or two would have one name.
    """
    for name in names:
        try:
            check_name(name)
        except UserError as error:
            raise UserError(f"--baseline {name}: {error}") from error
    called = [model_baseline_name(name) for name in names]
    twice = next((name for name in called if called.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"two of --baseline {', '.join(names)} would be called {twice}; name each network once")


def check_models_take(settings: RunSettings, image_size: int) -> None:
    """Refuses baselines that do not take the data set's images, before anything dear is done.

    Raises:
        UserError: one does not.
    """
    for name in settings.baseline:
        try:
            trace(usual_module(_place(settings, name)), image_size)
        except UserError as error:
            raise UserError(f"--baseline {name}: {error}") from error


def _small(settings: RunSettings, name: str, data: Dataset, cache: Cache, reporter: Reporter) -> Teacher:
    weights = "none" if settings.weights == "none" else "auto"
    backbone = _loaded(settings, name, weights, data, reporter)
    return _made(settings, backbone, data, cache, reporter, ("baseline", name))


def _loaded(settings: RunSettings, name: str, weights: str, data: Dataset, reporter: Reporter) -> Backbone:
    if weights not in ("auto", "default", "none"):
        weights = str(settings.path(weights))
    # A classifier replaced or trained from scratch starts from random numbers: the same ones for the same seed.
    torch.manual_seed(settings.seed)
    backbone = load_backbone(_place(settings, name), classes=len(data.classes), weights=weights)
    if backbone.note:
        reporter.say(f"warning: {backbone.note}")
    return backbone


def _made(
    settings: RunSettings, backbone: Backbone, data: Dataset, cache: Cache, reporter: Reporter, title: tuple[str, str]
) -> Teacher:
    recipe = TeacherRecipe(epochs=settings.teacher_epochs, seed=settings.seed)
    made = make_teacher(backbone, data, recipe, cache, reporter.progress, device_of(settings.device))
    origin = "from the cache, " if made.cached else ""
    reporter.say(f"{' '.join(title)}: {origin}{made.how}; validation accuracy {made.accuracy:.3f}")
    if made.accuracy < 2 / len(data.classes):
        reporter.say(f"warning: the {title[0]} is hardly better than chance; give --weights or --teacher-epochs")
    return made


def _place(settings: RunSettings, name: str) -> str:
    """A backbone of the user's lies in the caller's folder, wherever the run is resumed from."""
    if ".py:" not in name:
        return name
    file, _, function = name.rpartition(":")
    return f"{settings.path(file)}:{function}"
