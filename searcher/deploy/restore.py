"""A candidate of a run brought back to life: its data set, its teacher, and the weights that its trial learned."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from splitsearch.profilers.devices.trust import Asked
from splitsearch.profilers.target import Target
from splitsearch.searcher.data.dataset import Dataset
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.deploy.choice import checkpoint_of
from splitsearch.searcher.deploy.halves import device_stages
from splitsearch.searcher.deploy.rebuild import load_stages
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.targets import read_target
from splitsearch.searcher.teachers import teacher_of
from splitsearch.searcher.training.cache import Cache, default_cache_dir
from splitsearch.searcher.training.teacher import Teacher
from splitsearch.searcher.training.trainer import own_copies
from splitsearch.spaces.assemble import assemble
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import InfeasibleError, UserError
from splitsearch.spaces.model import SplitModel

__all__ = ["Restored", "data_of", "restore", "target_of", "teacher_for", "with_learned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A trained candidate and what it was trained on."""

    config: SplitConfig
    model: SplitModel
    teacher: Teacher
    data: Dataset


def restore(run: Path, settings: RunSettings, entry: dict[str, Any], reporter: Reporter) -> Restored:
    """Builds a candidate of the front with its weights.

    The teacher comes from the cache, or is made again from the settings, as the run made it.

    Args:
        run: the run folder.
        settings: of the run.
        entry: of front.json.
        reporter: hears what happens.

    Raises:
        UserError: something of the run is gone or does not fit any more.
    """
    checkpoint = checkpoint_of(run, entry)
    config = SplitConfig.from_json(entry["config"])
    data = data_of(settings, reporter)
    teacher = teacher_for(settings, data, reporter)
    try:
        model = assemble(config, teacher.variants)
    except InfeasibleError as error:
        raise UserError(f"trial {entry['trial']} cannot be built again: {error}") from error
    model = with_learned(model, checkpoint)
    return Restored(config=config, model=model, teacher=teacher, data=data)


def with_learned(model: SplitModel, checkpoint: Path) -> SplitModel:
    """A candidate with the weights that a training left, as `<stage>.<parameter>`.

    Raises:
        UserError: they cannot be read, or do not fit.
    """
    try:
        weights = load_file(checkpoint)
    except SafetensorError as error:
        raise UserError(f"'{checkpoint}' is no safetensors file: {error}") from error
    # A trainer may have changed parts that are the backbone's own.
    model = own_copies(model, tuple({name.partition(".")[0] for name in weights}))
    learned = [stage for stage in (*device_stages(model), *model.at("server")) if not stage.original]
    load_stages(learned, weights, f"'{checkpoint}'")
    return model


def data_of(settings: RunSettings, reporter: Reporter) -> Dataset:
    """The data set of a run."""
    prefix, colon, place = settings.dataset.partition(":")
    return load_dataset(
        f"{prefix}:{settings.path(place)}" if colon else prefix,
        image_size=settings.image_size,
        subset=settings.subset,
        seed=settings.seed,
        data_dir=settings.path(settings.data_dir) if settings.data_dir else None,
        progress=reporter.progress,
    )


def teacher_for(settings: RunSettings, data: Dataset, reporter: Reporter) -> Teacher:
    """The teacher of a run, from the cache or made again."""
    cache = Cache(settings.path(settings.cache_dir) if settings.cache_dir else default_cache_dir())
    return teacher_of(settings, data, cache, reporter)


def target_of(settings: RunSettings) -> Target:
    """On what the run costed its candidates; doubts about it were raised there."""

    def place(value: str) -> str:
        return str(settings.path(value)) if settings.path(value).is_file() else value

    return read_target(
        (place(settings.device_profile), place(settings.server_profile)),
        place(settings.network),
        server_load=settings.server_load,
        uplink_mbps=settings.uplink_mbps,
        rtt_ms=settings.rtt_ms,
        asked=Asked(doubtful=True),
    )
