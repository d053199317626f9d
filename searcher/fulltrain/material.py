"""From an export folder to what a full training needs: images, the run's teacher, the candidate as it begins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.deploy.halves import device_stages
from splitsearch.searcher.deploy.images import require_classes
from splitsearch.searcher.deploy.rebuild import load_stages, pruned_widths, require_structure
from splitsearch.searcher.fulltrain.settings import TrainSettings
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.teachers import teacher_of
from splitsearch.searcher.training.activations import Activations, Shared
from splitsearch.searcher.training.cache import Cache, default_cache_dir, module_digest
from splitsearch.searcher.training.distill import TRAINERS, Tutor, prepare
from splitsearch.searcher.training.passing import Passing
from splitsearch.searcher.training.placement import half_precision
from splitsearch.searcher.training.processes import Processes
from splitsearch.searcher.training.runner import Training
from splitsearch.searcher.training.stepping import Stepping
from splitsearch.searcher.training.store import Store
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.searcher.training.trainer import own_copies
from splitsearch.searcher.training.views import Views
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.model import SplitModel

__all__ = ["Material", "gather"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a full training works with.

    Attributes:
        export: the folder whose candidate is trained.
        run: the settings of the run that it is from.
        settings: of the training.
        data: the images.
        teacher: of the run.
        digest: of the teacher's weights.
        store: of activations that are used more than once.
        processes: this one among them.
    """

    export: ExportFolder
    run: RunSettings
    settings: TrainSettings
    data: Dataset
    teacher: Teacher
    digest: str
    store: Store
    processes: Processes

    def candidate(self) -> SplitModel:
        """The candidate with its first weights, on the CPU the first time.

        Raises:
            UserError: it cannot be built, or pruning leaves other channels than were exported.
        """
        config, variants, seed = self.export.config, self.teacher.variants, self.settings.seed
        torch.manual_seed(seed)
        try:
            model = assemble(config, variants, seed)
            widths = pruned_widths(config, variants)
        except InfeasibleError as error:
            raise UserError(f"the candidate of '{self.export.path}' cannot be built again: {error}") from error
        if widths != self.export.manifest.widths:
            raise UserError(
                "pruning leaves other layers than were exported, because the teacher is another one: train with the "
                "data set of the run, or search again"
            )
        return model

    def training(self, parts: int) -> Training:
        """A training that has not begun.

        Args:
            parts: of each process's share of a batch.

        Raises:
            UserError: as `candidate`.
        """
        settings, trainer = self.settings, TRAINERS.get(self.settings.trainer)
        model = self.candidate()
        self._move(self.teacher.variants.module)
        self._move(self.teacher.graph.module)
        return prepare(
            trainer,
            self.export.config,
            model,
            Tutor(data=self.data, activations=self._seen()),
            replace(trainer.published, epochs=settings.epochs, batch_size=settings.batch_size),
            seed=settings.seed,
            stepping=Stepping(accumulate=parts, precision=self._precision(), processes=self.processes),
            decay=settings.ema,
            ready=self._ready,
        )[1]

    def exported(self) -> SplitModel:
        """The candidate with the weights that were exported.

        Raises:
            UserError: they do not fit.
        """
        model = self.candidate()
        model = own_copies(model, tuple(stage.name for stage in model.stages))
        for name, stages in (("head", device_stages(model)), ("tail", model.at("server"))):
            path = self.export.path / f"{name}.safetensors"
            try:
                load_stages(stages, load_file(path), f"'{path}'")
            except SafetensorError as error:
                raise UserError(f"'{path}' is no safetensors file: {error}") from error
        self._ready(model)
        return model

    def to_cpu(self) -> None:
        """Brings the teacher back, and all that shares its parameters."""
        for module in (self.teacher.variants.module, self.teacher.graph.module):
            module.cpu()

    def validation(self) -> Activations:
        """The teacher's activations on the validation images, kept for later runs."""
        return Activations(
            self.teacher.variants, self.data.val.images, shared=self._shared("val"), device=self.processes.device
        )

    def _seen(self) -> Activations:
        """Of training images: kept if views come back, computed in passing if each is seen once."""
        settings, variants, device = self.settings, self.teacher.variants, self.processes.device
        images = self.data.train.images
        views = Views(settings.views, flips=self.data.flips, seed=settings.seed)
        if settings.views >= settings.epochs * self.export.config.division and settings.epochs > 1:
            return Passing(variants, images, views=views, device=device)
        return Activations(variants, images, shared=self._shared("train"), views=views, device=device)

    def _shared(self, part: str) -> Shared:
        key = {"teacher": self.digest, "data": self.data.fingerprint, "part": part}
        return Shared(store=self.store, key=key)

    def _precision(self) -> torch.dtype | None:
        return half_precision(self.processes.device) if self.settings.amp else None

    def _ready(self, model: SplitModel) -> None:
        """Brings the stages to the device; norm layers that learn see all processes, if they are to."""
        for stage in (*model.stages, *((model.exit.stage,) if model.exit else ())):
            if self.settings.sync_bn and not stage.original:
                nn.SyncBatchNorm.convert_sync_batchnorm(stage.module)  # type: ignore[no-untyped-call]
            self._move(stage.module)

    def _move(self, module: nn.Module) -> None:
        """In place, so that all who share the parameters follow."""
        module.to(self.processes.device)


def gather(
    export: ExportFolder, run: RunSettings, settings: TrainSettings, processes: Processes, reporter: Reporter
) -> Material:
    """Loads the images and the teacher.

    Args:
        export: the folder.
        run: the settings in it.
        settings: of the training.
        processes: this one among them.
        reporter: hears what happens.

    Raises:
        UserError: the data set is wrong or has other classes, or the backbone is not the one that was exported.
    """
    size = export.config.image_size
    device = str(processes.device)
    own = replace(run, dataset=settings.dataset, data_dir=settings.data_dir, image_size=size, device=device)
    folder = run.path(run.cache_dir) if run.cache_dir else default_cache_dir()
    store = Store(folder, int(run.cache_gb * 1e9), reporter.say)
    load = _loader(own, settings, store, reporter)
    searched = load(run.subset)
    require_classes(export, searched)
    teacher = teacher_of(own, searched, Cache(folder, reporter.say), reporter)
    require_structure(teacher.graph, export)
    data = searched if settings.subset == run.subset else load(settings.subset)
    for note in data.notes:
        reporter.say(note)
    reporter.say(
        f"{data.name}: {len(data.train)} training and {len(data.val)} validation images of {data.image_size} px; the "
        f"search trained on {len(searched.train)}"
    )
    return Material(
        export=export,
        run=run,
        settings=settings,
        data=data,
        teacher=teacher,
        digest=module_digest(teacher.graph.module),
        store=store,
        processes=processes,
    )


def _loader(
    run: RunSettings, settings: TrainSettings, store: Store, reporter: Reporter
) -> Callable[[int | None], Dataset]:
    """Loads the data set with so many training images; the validation part is always the same."""

    def load(subset: int | None) -> Dataset:
        return load_dataset(
            settings.dataset,
            image_size=run.image_size,
            subset=subset,
            seed=run.seed,
            data_dir=Path(settings.data_dir) if settings.data_dir else None,
            flips=settings.flips,
            store=store,
            progress=reporter.progress,
        )

    return load
