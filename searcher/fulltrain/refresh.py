"""The trained halves go back into the export folder, written and compared with PyTorch as an export writes them.

They are first written as a whole folder inside the training's own. Then its files take the places of the old ones, the
manifest last; if a kill comes in between, `--resume` finds the whole folder and puts it into place.
"""

import shutil
from pathlib import Path

from splitsearch.searcher.deploy.contents import Chosen
from splitsearch.searcher.deploy.export import ExportOptions, write_folder
from splitsearch.searcher.deploy.manifest import MANIFEST, Trained, read_manifest
from splitsearch.searcher.deploy.restore import Restored, with_learned
from splitsearch.searcher.engine.files import write_bytes_atomic
from splitsearch.searcher.fulltrain.epochs import Story
from splitsearch.searcher.fulltrain.material import Material
from splitsearch.searcher.reporter import Reporter
from splitsearch.spaces.errors import UserError

__all__ = ["finish_install", "refresh"]

_INSTALLING, _TRAINED = "installing", "trained"


def refresh(material: Material, story: Story, out: Path, reporter: Reporter) -> tuple[Path, bool]:
    """Writes the best weights as an export folder.

    Args:
        material: of the training.
        story: of it.
        out: its folder.
        reporter: hears what happens.

    Returns:
        The export folder that now holds them, and whether it is the one that was trained: that one stays as it is if
        its own weights are better on the same validation images.

    Raises:
        UserError: the ONNX files differ from PyTorch; nothing has been changed.
    """
    export = material.export
    better = story.best["accuracy"] >= (story.exported["accuracy"] or 0.0)
    name = export.path.resolve().name
    place = out / _INSTALLING / name if better else out / _TRAINED
    shutil.rmtree(place, ignore_errors=True)  # of an earlier try
    _write(material, story, out, place, reporter)
    if better:
        finish_install(out, export.path)
        return export.path, True
    reporter.say(
        f"the exported weights are better on the validation images ({story.exported['accuracy']:.4f} against "
        f"{story.best['accuracy']:.4f}): '{export.path}' stays as it is, the trained ones are in '{place}'"
    )
    return place, False


def finish_install(out: Path, folder: Path) -> bool:
    """Puts a whole folder that waits in a training's folder into the place of the exported one.

    Returns:
        Whether there was one.

    Raises:
        UserError: the folder cannot be written; what waits stays where it is.
    """
    waiting = out / _INSTALLING / folder.resolve().name
    if not (waiting / MANIFEST).is_file():
        return False
    wanted = read_manifest(waiting).files
    try:
        for name in (*wanted, MANIFEST):
            write_bytes_atomic(folder / name, (waiting / name).read_bytes())
    except OSError as error:
        raise UserError(
            f"'{folder}' cannot be written: {error.strerror or error}; the trained halves wait in '{waiting}' until "
            "--resume puts them into place"
        ) from error
    shutil.rmtree(waiting.parent)
    return True


def _write(material: Material, story: Story, out: Path, place: Path, reporter: Reporter) -> None:
    export, settings = material.export, material.settings
    manifest = export.manifest
    material.to_cpu()
    model = with_learned(material.candidate(), out / story.best["file"])
    chosen = Chosen(
        document={"baselines": list(manifest.baselines)},
        settings=material.run,
        entry=manifest.profile,
        restored=Restored(config=export.config, model=model, teacher=material.teacher, data=material.data),
        trained=Trained(
            trainer=settings.trainer,
            epochs=settings.epochs,
            best_epoch=story.best["epoch"],
            training_images=len(material.data.train),
            validation_images=len(material.data.val),
            accuracy=story.best["accuracy"],
            exported_accuracy=story.exported["accuracy"] or 0.0,
            seed=settings.seed,
        ),
    )
    usual = ExportOptions()
    checked = manifest.checked
    options = ExportOptions(
        opset=usual.opset if checked is None else checked.opset,
        onnx=export.has_onnx,
        check_images=usual.check_images if checked is None else max(checked.images, 1),
    )
    write_folder(chosen, place, options, reporter)
