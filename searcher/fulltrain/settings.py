"""What a full training is asked for: the flags that decide its result, as they stand in `training.yaml`."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from splitsearch.searcher.settings import RunSettings
from splitsearch.searcher.training.distill import TRAINERS
from splitsearch.spaces.config import SplitConfig
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["TrainSettings", "read_train_settings", "require_same", "resolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Everything that decides the result of a full training; paths are absolute.

    Attributes:
        trainer: by name.
        epochs: passes over the images, over all phases together.
        batch_size: images in one step, over all processes together.
        accumulate: parts of each process's share of a batch, whose gradients are summed.
        ema: decay of the average of the weights; None for no average.
        amp: whether convolutions run in half precision.
        seed: of initial weights, order and views.
        sync_bn: whether norm layers see the images of all processes.
        dataset: to train and validate on.
        data_dir: where torchvision's data sets lie.
        subset: training images, stratified; None for all.
        views: fixed views of each image; as many as epochs (and members) for another one each time.
        flips: whether views may be mirrored; None for what the kind of data set says.
    """

    trainer: str
    epochs: int
    batch_size: int
    accumulate: int = 1
    ema: float | None = None
    amp: bool = False
    seed: int = 0
    sync_bn: bool = False
    dataset: str = "digits"
    data_dir: str | None = None
    subset: int | None = None
    views: int = 1
    flips: bool | None = None

    def __post_init__(self) -> None:
        TRAINERS.get(self.trainer)
        for name in ("epochs", "accumulate", "views", "subset"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name} must be at least 1, not {value}")
        if self.batch_size < 2:
            raise UserError(
                f"--batch-size must be at least 2, since norm layers train on batches, not {self.batch_size}"
            )
        if self.ema is not None and not (math.isfinite(self.ema) and 0 < self.ema < 1):
            raise UserError(f"--ema must lie between 0 and 1, such as 0.999, not {self.ema:g}")

    def to_json(self) -> dict[str, Any]:
        """Returns plain data."""
        return asdict(self)


def resolved(given: Mapping[str, Any], run: RunSettings, config: SplitConfig, *, on_gpu: bool) -> TrainSettings:
    """Fills in what was not asked for: the published schedule, on all images of the run's data set.

    Args:
        given: flags by the names of the fields, those that were given.
        run: the settings of the run that the candidate is from.
        config: the candidate.
        on_gpu: whether a GPU computes; half precision is then the default.

    Raises:
        UserError: a value is out of its range.
    """
    trainer = given.get("trainer", run.trainer)
    published = TRAINERS.get(trainer).published
    epochs = given.get("epochs", round(published.epochs))
    usual: dict[str, Any] = {
        "trainer": trainer,
        "epochs": epochs,
        "batch_size": published.batch_size,
        "amp": on_gpu,
        "dataset": _absolute(run.dataset, run.path("")),
        "data_dir": None if run.data_dir is None else str(run.path(run.data_dir).resolve()),
        "views": max(1, epochs * config.division),  # each member of a division sees a view of its own
        "flips": run.flips,
    }
    return TrainSettings(**(usual | _placed(given)))


def read_train_settings(data: Mapping[str, Any], source: Path) -> TrainSettings:
    """Reads what `to_json` wrote.

    Raises:
        UserError: a field is unknown; a training of a newer release may have such.
    """
    known = [f.name for f in fields(TrainSettings)]
    for name in data:
        if name not in known:
            raise UserError(f"'{source}': unknown setting '{name}'{nearest(str(name), known)}")
    return TrainSettings(**data)


def require_same(given: Mapping[str, Any], kept: TrainSettings) -> None:
    """Refuses flags that differ from those that a training was begun with.

    Raises:
        UserError: one does; the message names it with both values.
    """
    for name, value in _placed(given).items():
        if name != "data_dir" and value != getattr(kept, name):
            flag = f"--{name.replace('_', '-')}"
            raise UserError(
                f"{flag} {value} differs from the training's {getattr(kept, name)}; --resume may change --device, "
                "--data-dir and --tensorboard alone"
            )


def _placed(given: Mapping[str, Any]) -> dict[str, Any]:
    """The flags with paths that mean the same from anywhere."""
    found = dict(given)
    if "dataset" in found:
        found["dataset"] = _absolute(found["dataset"], Path())
    if "data_dir" in found:
        found["data_dir"] = str(Path(found["data_dir"]).resolve())
    return found


def _absolute(dataset: str, directory: Path) -> str:
    prefix, colon, place = dataset.partition(":")
    return f"{prefix}:{(directory / place).resolve()}" if colon else dataset
