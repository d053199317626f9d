"""Which images an exported model is evaluated on: those of its run, or of another data set with the same classes."""

from pathlib import Path

from splitsearch.searcher.data.dataset import Dataset, Split
from splitsearch.searcher.data.load_test import has_test, load_test
from splitsearch.searcher.data.prepare import load_dataset
from splitsearch.searcher.deploy.folder import ExportFolder
from splitsearch.searcher.reporter import Reporter
from splitsearch.searcher.settings import read_settings
from splitsearch.spaces.errors import UserError

__all__ = ["evaluation_images", "require_classes"]


def evaluation_images(
    export: ExportFolder, dataset: str | None, data_dir: Path | None, reporter: Reporter
) -> tuple[str, Split, Split | None]:
    """The images that an exported model is evaluated on.

    Args:
        export: the model.
        dataset: as `splitsearch run` takes it; None for that of the run.
        data_dir: where torchvision's data sets lie; None for where the run found them.
        reporter: hears how far the decoding is.

    Returns:
        Name of the data set, its validation part, and its test part if it has one.

    Raises:
        UserError: the data set is wrong, or has other classes than the model.
    """
    spec, place = _place(export, dataset, data_dir)
    size = export.config.image_size
    # Training images are not needed: one is the fewest that a data set is loaded with.
    data = load_dataset(spec, image_size=size, subset=1, seed=0, data_dir=place, progress=reporter.progress)
    require_classes(export, data)
    if not has_test(spec, place):
        return spec, data.val, None
    test = load_test(spec, image_size=size, data_dir=place, progress=reporter.progress, say=reporter.say)
    return spec, data.val, test


def _place(export: ExportFolder, dataset: str | None, data_dir: Path | None) -> tuple[str, Path | None]:
    if dataset is not None:
        return dataset, data_dir
    settings = read_settings(export.settings)
    prefix, colon, place = settings.dataset.partition(":")
    kept = settings.path(settings.data_dir) if settings.data_dir else None
    return f"{prefix}:{settings.path(place)}" if colon else prefix, data_dir or kept


def require_classes(export: ExportFolder, data: Dataset) -> None:
    """Refuses a data set that has other classes than a model.

    Raises:
        UserError: it has.
    """
    ours = export.manifest.classes
    if data.classes != ours:
        raise UserError(
            f"the data set {data.name} has other classes: {_listed(data.classes)}; this model knows {_listed(ours)}"
        )


def _listed(classes: tuple[str, ...]) -> str:
    return f"{len(classes)} ({', '.join(classes[:3])}{', …' if len(classes) > 3 else ''})"
